// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include <copoll/buffer.hpp>
#include <copoll/close.hpp>
#include <copoll/stream.hpp>
#include <copoll/task.hpp>
#include <copoll/time.hpp>

namespace copoll::p2p::detail {

/// Sends what is still to be said, and ends a connection so that it arrives: closing with bytes of
/// the peer unread would reset it. Not for long; whatever comes of it, nothing more can be done.
template <copoll::stream S>
task<void> say_farewell(S& s, buffer last_words) {
    using namespace std::chrono_literals;
    const auto said = co_await with_timeout(write_all(s, std::as_const(last_words).data()), 1s);
    if (said.ec) co_return;
    constexpr std::uint64_t most = 64 * 1024;
    const close_options options{.patience = 250ms, .most = most};
    const auto closed = co_await close_gracefully(s, options);
    static_cast<void>(closed);
}

}  // namespace copoll::p2p::detail
