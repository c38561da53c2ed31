// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/echo.hpp>

#include <copoll/check.hpp>

namespace copoll::p2p {

task<result<void>> answer_echo(stream s) {
    co_await check(copy(s, s));
    co_return co_await s.shutdown_write();
}

}  // namespace copoll::p2p
