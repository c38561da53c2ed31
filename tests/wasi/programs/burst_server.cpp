// SPDX-License-Identifier: MIT OR Apache-2.0
// A server that does what its clients ask for with their first byte:
//
//     b  writes until nothing more is taken, says "wrote N", and drops the connection at once
//     e  echoes
//     q  ends the program
//
// What it writes are the numbers 0, 1, 2, … of 4 bytes each, least byte first.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>

using namespace copoll;

namespace {

std::vector<std::byte> numbers_from(std::uint64_t position, std::size_t n) {
    std::vector<std::byte> bytes(n);
    for (std::size_t i = 0; i < n; ++i)
        bytes[i] = static_cast<std::byte>((position + i) / 4 >> (position + i) % 4 * 8);
    return bytes;
}

task<result<void>> burst(tcp_stream peer) {
    std::uint64_t sent = 0;
    std::error_code ec;
    while (!ec) {
        const auto bytes = numbers_from(sent, 64 * 1024);
        const io_result r =
            co_await with_timeout(peer.write_some(bytes), std::chrono::milliseconds{100});
        sent += r.n;
        ec = r.ec;
    }
    peer.close();
    std::printf("wrote %llu\n", static_cast<unsigned long long>(sent));
    std::fflush(stdout);
    co_return {};
}

task<result<void>> echo(tcp_stream peer) {
    std::vector<std::byte> buffer(64 * 1024);
    for (;;) {
        auto [ec, n] = co_await peer.read_some(buffer);
        if (ec == errc::eof) co_return {};
        if (ec) co_return fail(ec);
        co_await check(write_all(peer, std::span(buffer).first(n)));
    }
}

task<result<void>> session(tcp_stream peer, scope& all) {
    std::array<std::byte, 1> wish;
    co_await check(read_exactly(peer, wish));
    switch (static_cast<char>(wish[0])) {
        case 'b': co_return co_await burst(std::move(peer));
        case 'e': co_return co_await echo(std::move(peer));
        default: all.request_stop(); co_return {};
    }
}

task<result<void>> serve(scope& sessions, tcp_listener& listener) {
    for (;;) {
        auto peer = co_await listener.accept();
        if (!peer) co_return {};
        sessions.spawn(session, *std::move(peer), std::ref(sessions));
    }
}

}  // namespace

task<result<void>> async_main(args) {
    auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}, {.backlog = 512}));
    const auto at = co_await check(listener.local_endpoint());
    std::printf("listening on %s\n", ip::to_string(at).c_str());
    std::fflush(stdout);
    co_return co_await with_scope(serve, listener);
}
