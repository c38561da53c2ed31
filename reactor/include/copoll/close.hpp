// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <copoll/check.hpp>
#include <copoll/clock.hpp>
#include <copoll/stream.hpp>
#include <copoll/task.hpp>
#include <copoll/time.hpp>

namespace copoll {

struct close_options {
    clock::duration patience = std::chrono::seconds{5};  ///< how long the peer may take to end
    std::uint64_t most = 1024 * 1024;                    ///< bytes it may still send meanwhile
};

namespace detail {

template <stream S>
task<result<void>> discard_input(S& s, std::uint64_t most) {
    std::array<std::byte, 512> dropped;
    for (std::uint64_t n = 0; n < most;) {
        const io_result r = co_await s.read_some(dropped);
        if (r.ec == errc::eof) co_return {};
        if (r.ec) co_return fail(r.ec);
        n += r.n;
    }
    co_return fail(errc::message_too_large);
}

}  // namespace detail

/// Ends a conversation so that the peer gets all of it: says that no more comes, and then reads and
/// drops what the peer still sends until it ends too. Closing a TCP connection with bytes unread
/// resets it, and a reset destroys what the peer has not read yet.
///
/// Destroy the stream afterwards, whatever came out. *Errors:* those of `shutdown_write`;
/// `timed_out` and `message_too_large` when the peer goes on beyond `options`; `connection_reset`.
/// *Cancellation:* ends at once.
template <stream S>
task<result<void>> close_gracefully(S& s, close_options options = {}) {
    co_await check(s.shutdown_write());
    co_return co_await with_timeout(detail::discard_input(s, options.most), options.patience);
}

}  // namespace copoll
