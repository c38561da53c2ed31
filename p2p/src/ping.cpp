// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/ping.hpp>

#include <array>

#include <copoll/check.hpp>
#include <copoll/time.hpp>
#include <copoll_crypto/random.hpp>

namespace copoll::p2p {

task<result<clock::duration>> pinger::ping() {
    std::array<std::byte, ping_size> there, back;
    crypto::fill_random(there);
    const clock::time_point started = clock::now();
    const auto came_back = co_await exchange(there, back);
    if (!came_back) {
        stream_.reset();
        co_return fail(came_back.error());
    }
    if (back != there) {
        stream_.reset(reset_code::protocol_violation);
        co_return fail(errc::wrong_answer);
    }
    co_return clock::now() - started;
}

task<result<void>> pinger::exchange(std::span<const std::byte> there, std::span<std::byte> back) {
    co_await check(write_all(stream_, there));
    co_return (co_await read_exactly(stream_, back)).status();
}

task<result<void>> answer_pings(stream s, clock::duration patience) {
    std::array<std::byte, ping_size> ping;
    for (;;) {
        const io_result r = co_await with_timeout(read_exactly(s, ping), patience);
        if (r.ec == copoll::errc::eof) {
            if (r.n > 0) co_return fail(errc::truncated);
            co_return co_await s.shutdown_write();
        }
        if (r.ec) co_return fail(r.ec);
        co_await check(with_timeout(write_all(s, ping), patience));
    }
}

}  // namespace copoll::p2p
