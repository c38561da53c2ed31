// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A libp2p node that answers `/echo/1.0.0` and `/perf/1.0.0`, and keeps what is opened on
// `/hold/1.0.0` as long as the connection, with no task for it: the server of scenario `p2p`.
#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/echo.hpp>
#include <copoll/p2p/multiaddr.hpp>
#include <copoll/p2p/perf.hpp>

#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/tcp.hpp>

#include "../../examples/support/command_line.hpp"

#include <cstdio>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace copoll;

namespace {

constexpr const char* usage =
    "usage: p2p_server [--listen ADDR:PORT]\n"
    "\n"
    "A libp2p node that answers /echo/1.0.0 and /perf/1.0.0 and keeps streams of /hold/1.0.0.\n"
    "\n"
    "  --listen ADDR:PORT  where to listen (default 127.0.0.1:0); port 0 takes a free one\n"
    "  --help              this text\n";

const std::string hold_protocol = "/hold/1.0.0";
const std::vector<std::string> served{p2p::echo_protocol, p2p::perf_protocol, hold_protocol};
using held_streams = std::deque<p2p::stream>;

task<result<void>> serve_stream(p2p::stream peer, held_streams& held) {
    co_await check(peer.negotiate(served));
    if (peer.protocol() == hold_protocol) {
        held.push_back(std::move(peer));
        co_return {};
    }
    if (peer.protocol() == p2p::perf_protocol) co_return co_await p2p::answer_perf(std::move(peer));
    co_return co_await p2p::answer_echo(std::move(peer));
}

task<result<void>> accept_streams(scope& streams, p2p::connection& peer, held_streams& held) {
    for (;;) {
        auto s = co_await peer.accept();
        if (!s && s.error() == errc::eof) co_return {};
        streams.spawn(serve_stream, co_await check(std::move(s)), std::ref(held));
    }
}

task<result<void>> serve(p2p::connection& peer) {
    held_streams held;
    co_return co_await with_scope(accept_streams, peer, held);
}

task<void> serve_connection(tcp_stream tcp, p2p::identity own) {
    auto peer = co_await p2p::accept(std::move(tcp), own);
    const auto done = peer ? co_await p2p::with_connection(*peer, serve) : fail(peer.error());
    if (!done) std::fprintf(stderr, "connection: %s\n", done.error().message().c_str());
}

task<result<void>> accept_connections(scope& connections, tcp_listener& listener,
                                      p2p::identity own) {
    for (;;) {
        auto tcp = co_await check(listener.accept());
        connections.spawn(serve_connection, std::move(tcp), own);
    }
}

}  // namespace

task<result<void>> async_main(args a) {
    ip::endpoint listen{ip::loopback_v4, 0};
    examples::command_line line{"p2p_server", usage};
    line.option("listen", "an ADDR:PORT", examples::into(listen));
    if (!co_await check(line.parse(a))) co_return {};
    const p2p::identity own{p2p::private_key::generate_ed25519()};
    auto listener = co_await check(tcp_listener::bind(listen, {.backlog = 1024}));
    const auto at = co_await check(listener.local_endpoint());
    const auto address = p2p::multiaddr::tcp(at).encapsulate(p2p::multiaddr::p2p(own.id()));
    std::printf("listening on %s\n", address.to_string().c_str());
    std::fflush(stdout);
    co_return co_await with_scope(accept_connections, std::ref(listener), own);
}
