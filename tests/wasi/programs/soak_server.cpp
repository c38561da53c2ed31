// SPDX-License-Identifier: MIT OR Apache-2.0
// A server to load for a long time: says where it listens for connections, then where for
// datagrams, which it echoes. With their first byte connections ask for
//
//     e  an echo through a buffer
//     c  an echo through chunks of the loop's pool
//     s  a line that tells what the program holds, and the end
//     q  the end of the program
//
// The line: memory BYTES frames N timers N handles N polls N, where handles are those of the host
// and polls the calls of `poll` so far.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include <copoll/loop.hpp>
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/udp.hpp>

#include "wasi/faulty_host.hpp"

using namespace copoll;

namespace {

constexpr std::chrono::seconds patience{60};

task<result<void>> echo_buffered(tcp_stream peer) {
    std::array<std::byte, 4096> buffer;
    for (;;) {
        const auto [ec, n] = co_await with_timeout(peer.read_some(buffer), patience);
        if (ec == errc::eof) co_return co_await peer.shutdown_write();
        if (ec) co_return fail(ec);
        co_await check(with_timeout(write_all(peer, std::span(buffer).first(n)), patience));
    }
}

task<result<void>> echo_chunks(tcp_stream peer) {
    for (;;) {
        const auto chunk = co_await peer.read_chunk();
        if (!chunk && chunk.error() == errc::eof) co_return co_await peer.shutdown_write();
        if (!chunk) co_return fail(chunk.error());
        co_await check(write_all(peer, *chunk));
    }
}

task<result<void>> tell_status(tcp_stream peer) {
    const loop_stats stats = (co_await this_env{}).owner->stats();
    std::array<char, 200> line;
    const int n = std::snprintf(
        line.data(), line.size(), "memory %llu frames %llu timers %llu handles %lld polls %llu\n",
        static_cast<unsigned long long>(__builtin_wasm_memory_size(0)) * 65'536,
        static_cast<unsigned long long>(stats.frames),
        static_cast<unsigned long long>(stats.timers),
        static_cast<long long>(copoll_tests::the_host.all_alive()),
        static_cast<unsigned long long>(copoll_tests::the_host.polls));
    const std::string_view text{line.data(), static_cast<std::size_t>(n)};
    co_return (co_await write_all(peer, bytes_of(text))).status();
}

task<result<void>> session(tcp_stream peer, scope& all) {
    std::array<std::byte, 1> wish;
    co_await check(read_exactly(peer, wish));
    switch (static_cast<char>(wish[0])) {
        case 'e': co_return co_await echo_buffered(std::move(peer));
        case 'c': co_return co_await echo_chunks(std::move(peer));
        case 's': co_return co_await tell_status(std::move(peer));
        default: all.request_stop(); co_return {};
    }
}

task<result<void>> echo_datagrams(udp_socket& socket) {
    std::array<std::byte, 65'527> buffer;
    for (;;) {
        const auto question = co_await check(socket.receive_from(buffer));
        co_await check(socket.send_to(question.bytes(), question.from));
    }
}

task<result<void>> serve(scope& sessions, tcp_listener& listener, udp_socket& socket) {
    sessions.spawn(echo_datagrams, std::ref(socket));
    for (;;) {
        auto peer = co_await listener.accept();
        if (!peer) co_return {};
        sessions.spawn(session, *std::move(peer), std::ref(sessions));
    }
}

}  // namespace

task<result<void>> async_main(args) {
    auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}, {.backlog = 512}));
    auto socket = co_await check(udp_socket::bind({ip::loopback_v4, 0}));
    const auto tcp_at = co_await check(listener.local_endpoint());
    const auto udp_at = co_await check(socket.local_endpoint());
    std::printf("listening on %s\nlistening on %s\n", ip::to_string(tcp_at).c_str(),
                ip::to_string(udp_at).c_str());
    std::fflush(stdout);
    co_return co_await with_scope(serve, listener, socket);
}
