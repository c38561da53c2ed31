// SPDX-License-Identifier: MIT OR Apache-2.0
// Echoes what each connection sends.

#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>

#include "support/command_line.hpp"

#include <cstddef>
#include <cstdio>
#include <span>
#include <utility>
#include <vector>

using namespace copoll;

namespace {

constexpr const char* usage =
    "usage: echo_server [--listen ADDR:PORT] [--buffer BYTES]\n"
    "\n"
    "Echoes what each connection sends, until it ends.\n"
    "\n"
    "  --listen ADDR:PORT  where to listen (default 127.0.0.1:8080); port 0 takes a free one\n"
    "  --buffer BYTES      a buffer of its own for each connection, up to 1 MiB (default: none,\n"
    "                      what is read is in memory that all share)\n"
    "  --help              this text\n";

task<result<void>> session(tcp_stream peer) {
    for (;;) {
        const auto chunk = co_await peer.read_chunk();
        if (!chunk) {
            if (chunk.error() == errc::eof) co_return {};
            co_return fail(chunk.error());
        }
        co_await check(write_all(peer, *chunk));
    }
}

task<result<void>> buffered_session(tcp_stream peer, std::size_t size) {
    std::vector<std::byte> buffer(size);
    for (;;) {
        const auto [ec, n] = co_await peer.read_some(buffer);
        if (ec == errc::eof) co_return {};
        if (ec) co_return fail(ec);
        co_await check(write_all(peer, std::span(buffer).first(n)));
    }
}

task<result<void>> serve(scope& sessions, tcp_listener& listener, std::size_t buffer_size) {
    for (;;) {
        auto peer = co_await check(listener.accept());
        if (buffer_size == 0)
            sessions.spawn(session, std::move(peer));
        else
            sessions.spawn(buffered_session, std::move(peer), buffer_size);
    }
}

}  // namespace

task<result<void>> async_main(args a) {
    ip::endpoint listen{ip::loopback_v4, 8080};
    std::size_t buffer_size = 0;
    examples::command_line line{"echo_server", usage};
    line.option("listen", "an ADDR:PORT", examples::into(listen))
        .option("buffer", "a size", examples::into<std::size_t>(buffer_size, 1, 1024 * 1024));
    if (!co_await check(line.parse(a))) co_return {};
    auto listener = co_await check(tcp_listener::bind(listen, {.backlog = 1024}));
    const auto at = co_await check(listener.local_endpoint());
    std::printf("listening on %s\n", ip::to_string(at).c_str());
    std::fflush(stdout);
    co_return co_await with_scope(serve, listener, buffer_size);
}
