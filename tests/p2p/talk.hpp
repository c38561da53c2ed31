// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <copoll/event.hpp>
#include <copoll/p2p/stream.hpp>

#include "p2p/peers.hpp"

/// Both ends of one stream between peers.

namespace copoll_tests {

template <class F>
task<result<void>> talk_as_dialer(p2p::connection& c, const std::string& protocol, F& f,
                                  result<void>& ended, event& listener_done) {
    auto s = co_await check(c.open(protocol));
    ended = co_await f(std::move(s));
    co_return co_await listener_done.wait();
}

template <class F>
task<result<void>> talk_as_listener(p2p::connection& c, const std::vector<std::string>& protocols,
                                    F& f, result<void>& ended, event& done) {
    auto s = co_await check(c.accept());
    co_await check(s.negotiate(protocols));
    ended = co_await f(std::move(s));
    done.set();
    const auto closed = co_await c.accept();
    CHECK(closed.error() == errc::eof);
    co_return {};
}

/// Connects two peers of which one opens a stream. Runs `at_dialer(stream)` and, once the protocol
/// is agreed on, `at_listener(stream)`; gives how they ended.
template <class F, class G>
task<result<ends>> talk(std::string protocol, F at_dialer, G at_listener) {
    ends ended;
    event listener_done;
    const std::vector<std::string> protocols{protocol};
    meeting m;
    const auto met = co_await check(meet(
        std::move(m),
        [&](p2p::connection& c) {
            return talk_as_dialer(c, protocols[0], at_dialer, ended.dialer, listener_done);
        },
        [&](p2p::connection& c) {
            return talk_as_listener(c, protocols, at_listener, ended.listener,
                                            listener_done);
        }));
    co_await check(met.dialer);
    co_await check(met.listener);
    co_return ended;
}

}  // namespace copoll_tests
