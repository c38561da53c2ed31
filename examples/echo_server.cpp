// SPDX-License-Identifier: MIT OR Apache-2.0
// Echoes what each connection sends.

#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>

#include <getopt.h>

#include <charconv>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string_view>
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

struct options {
    ip::endpoint listen{ip::loopback_v4, 8080};
    std::size_t buffer_size = 0;
    bool help = false;
};

result<options> parse(args a) {
    static constexpr option known[] = {
        {"listen", required_argument, nullptr, 'l'},
        {"buffer", required_argument, nullptr, 'b'},
        {"help", no_argument, nullptr, 'h'},
        {}};
    options o;
    for (int c; (c = getopt_long(a.argc(), a.argv(), "", known, nullptr)) != -1;) {
        if (c == 'h') {
            o.help = true;
        } else if (c == 'l') {
            const auto at = ip::endpoint::parse(optarg);
            if (!at) {
                std::fprintf(stderr, "echo_server: not an ADDR:PORT: %s\n", optarg);
                return fail(errc::usage);
            }
            o.listen = *at;
        } else if (c == 'b') {
            const std::string_view text = optarg;
            const auto [end, ec] =
                std::from_chars(text.data(), text.data() + text.size(), o.buffer_size);
            if (ec != std::errc{} || end != text.data() + text.size() || o.buffer_size == 0 ||
                o.buffer_size > 1024 * 1024) {
                std::fprintf(stderr, "echo_server: not a size: %s\n", optarg);
                return fail(errc::usage);
            }
        } else {
            return fail(errc::usage);
        }
    }
    if (optind < a.argc()) {
        std::fprintf(stderr, "echo_server: unexpected argument: %s\n", a.argv()[optind]);
        return fail(errc::usage);
    }
    return o;
}

}  // namespace

task<result<void>> async_main(args a) {
    const auto o = parse(a);
    if (!o) std::fputs(usage, stderr);
    const options chosen = co_await check(o);
    if (chosen.help) {
        std::fputs(usage, stdout);
        co_return {};
    }
    auto listener = co_await check(tcp_listener::bind(chosen.listen, {.backlog = 1024}));
    const auto at = co_await check(listener.local_endpoint());
    std::printf("listening on %s\n", ip::to_string(at).c_str());
    std::fflush(stdout);
    co_return co_await with_scope(serve, listener, chosen.buffer_size);
}
