// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <chrono>
#include <utility>

#include <copoll/buffer.hpp>
#include <copoll/close.hpp>
#include <copoll/stream.hpp>
#include <copoll/task.hpp>
#include <copoll/time.hpp>

namespace copoll::p2p::detail {

/// How long the peer has to hear it. In good order what was written has to get there over a slow
/// link, too; otherwise only why the connection ends.
inline constexpr close_options in_a_hurry{.patience = std::chrono::milliseconds{250},
                                          .most = 64 * 1024};
inline constexpr close_options in_good_order{.patience = std::chrono::seconds{5},
                                             .most = 64 * 1024 * 1024};

/// Sends what is still to be said, and ends a connection so that it arrives: closing with bytes of
/// the peer unread would reset it. Not for long; whatever comes of it, nothing more can be done.
template <copoll::stream S>
task<void> say_farewell(S& s, buffer last_words, close_options patience = in_a_hurry) {
    using namespace std::chrono_literals;
    const auto said = co_await with_timeout(write_all(s, std::as_const(last_words).data()), 1s);
    if (said.ec) co_return;
    // its first half may have to wait for the peer as well
    const auto closed = co_await with_timeout(close_gracefully(s, patience),
                                              2 * patience.patience);
    static_cast<void>(closed);
}

}  // namespace copoll::p2p::detail
