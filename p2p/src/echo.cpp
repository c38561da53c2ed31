// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/echo.hpp>

#include <cstddef>
#include <span>

#include <copoll/check.hpp>

namespace copoll::p2p {

task<result<void>> answer_echo(stream s) {
    // by hand what `copy` does: that would be one more frame while nothing comes
    for (;;) {
        const auto got = co_await s.read_chunk();
        if (!got && got.error() == copoll::errc::eof) co_return co_await s.shutdown_write();
        if (!got) co_return fail(got.error());
        co_await check(write_all(s, std::span<const std::byte>(*got)));
    }
}

}  // namespace copoll::p2p
