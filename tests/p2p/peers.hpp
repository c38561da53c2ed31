// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <utility>
#include <vector>

#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/secure_stream.hpp>
#include <copoll/scope.hpp>
#include <copoll/when.hpp>

#include "support/tcp_pair.hpp"

/// Both ends of a connection between peers over loopback in one loop.

namespace copoll_tests {

using namespace copoll;

inline p2p::identity new_identity() {
    return p2p::identity{p2p::private_key::generate_ed25519()};
}

struct secure_pair {
    p2p::secure_stream dialer, listener;
};

inline task<result<secure_pair>> secured_pair() {
    auto [at_dialer, at_listener] = co_await check(connected_pair());
    auto [dialed, accepted] =
        co_await when_all(p2p::secure(std::move(at_dialer), p2p::role::dialer, new_identity()),
                          p2p::secure(std::move(at_listener), p2p::role::listener,
                                      new_identity()));
    auto dialer = co_await check(std::move(dialed));
    auto listener = co_await check(std::move(accepted));
    co_return secure_pair{std::move(dialer), std::move(listener)};
}

/// Without keep-alive, whose timers would hide that nothing can happen any more.
inline p2p::connection_options quiet() {
    p2p::connection_options options;
    options.yamux.keep_alive = clock::duration{};
    return options;
}

/// How two peers meet.
struct meeting {
    p2p::identity dialer = new_identity();
    p2p::identity listener = new_identity();
    p2p::connection_options dialers = quiet();
    p2p::connection_options listeners = quiet();
};

/// How it ended for both.
struct ends {
    result<void> dialer{};
    result<void> listener{};
};

template <class F>
task<result<void>> dial_and(any_stream transport, p2p::identity own,
                            p2p::connection_options options, F f) {
    auto c = co_await check(
        p2p::connect(std::move(transport), std::move(own), std::move(options)));
    co_return co_await p2p::with_connection(c, f);
}

template <class F>
task<result<void>> accept_and(any_stream transport, p2p::identity own,
                              p2p::connection_options options, F f) {
    auto c = co_await check(
        p2p::accept(std::move(transport), std::move(own), std::move(options)));
    co_return co_await p2p::with_connection(c, f);
}

/// Connects two peers, and runs `at_dialer(connection&)` and `at_listener(connection&)`.
template <class F, class G>
task<result<ends>> meet(meeting m, F at_dialer, G at_listener) {
    auto [client, server] = co_await check(connected_pair());
    auto [dialed, accepted] = co_await when_all(
        dial_and(std::move(client), m.dialer, m.dialers, at_dialer),
        accept_and(std::move(server), m.listener, m.listeners, at_listener));
    co_return ends{std::move(dialed), std::move(accepted)};
}

inline const std::vector<std::string>& echo_protocols() {
    static const std::vector<std::string> echo{"/echo/1.0.0"};
    return echo;
}

/// Echoes until the peer has finished, then finishes too.
inline task<result<void>> echo_stream(p2p::stream s) {
    co_await check(s.negotiate(echo_protocols()));
    const auto copied = co_await copy(s, s);
    co_await check(copied.status());
    co_return co_await s.shutdown_write();
}

/// Echoes on all streams, until the peer closes the connection.
inline task<result<void>> serve_echo(p2p::connection& peer) {
    co_return co_await with_scope([](scope& streams, p2p::connection& c) -> task<result<void>> {
        for (;;) {
            auto accepted = co_await c.accept();
            if (!accepted && accepted.error() == copoll::errc::eof) co_return {};
            p2p::stream s = co_await check(std::move(accepted));
            streams.spawn(echo_stream, std::move(s));
        }
    }, peer);
}

/// Connects two peers of which one echoes.
template <class F>
task<result<void>> meet_echo(meeting m, F at_dialer) {
    auto both = co_await check(meet(std::move(m), at_dialer, serve_echo));
    co_await check(std::move(both.dialer));
    co_return both.listener;
}
template <class F>
task<result<void>> meet_echo(F at_dialer) {
    meeting m;  // named: GCC 12 destroys a temporary twice that is awaited as an argument
    co_return co_await meet_echo(std::move(m), at_dialer);
}

}  // namespace copoll_tests
