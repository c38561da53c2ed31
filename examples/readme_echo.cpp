// SPDX-License-Identifier: MIT OR Apache-2.0
// The echo server of the README; tests/rules checks that the two are the same.
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
using namespace copoll;
using namespace std::chrono_literals;

task<result<void>> session(tcp_stream peer) {
    std::array<std::byte, 4096> buffer;
    for (;;) {
        auto [ec, n] = co_await with_timeout(peer.read_some(buffer), 30s);
        if (ec == errc::eof) co_return {};
        if (ec) co_return fail(ec);
        co_await check(write_all(peer, std::span(buffer).first(n)));
    }
}

task<result<void>> async_main(args) {
    auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 8080}));
    co_return co_await with_scope([](scope& sessions, tcp_listener& l) -> task<result<void>> {
        for (;;) sessions.spawn(session, co_await check(l.accept()));
    }, listener);
}
