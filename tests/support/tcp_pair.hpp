// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <utility>
#include <vector>

#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/when.hpp>

/// Both ends of a connection over loopback in one loop, and bytes that tell where they belong.

namespace copoll_tests {

using namespace copoll;

struct tcp_pair {
    tcp_stream client, server;
};

/// One connection through `listener`.
inline task<result<tcp_pair>> connect_through(tcp_listener& listener) {
    const ip::endpoint at = co_await check(listener.local_endpoint());
    auto [connected, accepted] = co_await when_all(tcp_stream::connect(at), listener.accept());
    // GCC 12 destroys a temporary twice that is awaited inside the braces of an aggregate
    tcp_stream client = co_await check(std::move(connected));
    tcp_stream server = co_await check(std::move(accepted));
    co_return tcp_pair{std::move(client), std::move(server)};
}

inline task<result<tcp_pair>> connected_pair(ip::address on = ip::loopback_v4) {
    auto listener = co_await check(tcp_listener::bind({on, 0}));
    co_return co_await connect_through(listener);
}

/// True where sockets of IPv6 work; else says that the test is skipped.
inline task<bool> has_ipv6() {
    const auto probe = co_await tcp_listener::bind({ip::loopback_v6, 0});
    if (!probe) std::printf("SKIPPED: no IPv6 loopback: %s\n", probe.error().message().c_str());
    co_return probe.has_value();
}

/// The byte at `position` of an endless sequence without a short period: one that was lost, doubled
/// or swapped is noticed.
constexpr std::byte pattern_at(std::uint64_t position) noexcept {
    const std::uint64_t x = (position + 1) * 0x9e3779b97f4a7c15;
    return static_cast<std::byte>(x >> 56 ^ x >> 32);
}

/// `n` bytes of the sequence from `position` on.
inline std::vector<std::byte> pattern(std::size_t n, std::uint64_t position = 0) {
    std::vector<std::byte> bytes(n);
    for (std::size_t i = 0; i < n; ++i) bytes[i] = pattern_at(position + i);
    return bytes;
}

inline bool is_pattern(std::span<const std::byte> bytes, std::uint64_t position) {
    for (std::byte b : bytes)
        if (b != pattern_at(position++)) return false;
    return true;
}

/// What a reader that checks all it gets has seen.
struct drained {
    std::uint64_t n = 0;
    bool intact = true;     ///< every byte was the one that the pattern has there
    bool no_empty = true;   ///< no read gave success and 0 bytes
    std::error_code end{};  ///< why it ended; no error when it stopped at `most`
};

/// Reads `most` bytes of the pattern, from `position` on, or until the stream ends.
template <read_stream S>
task<drained> drain(S& from, std::uint64_t most = UINT64_MAX, std::uint64_t position = 0,
                    std::size_t at_once = 64 * 1024) {
    drained d;
    std::vector<std::byte> buffer(at_once);
    while (d.n < most) {
        const auto room = std::span(buffer).first(
            static_cast<std::size_t>(std::min<std::uint64_t>(at_once, most - d.n)));
        const auto [ec, n] = co_await from.read_some(room);
        if (ec) {
            d.end = ec;
            break;
        }
        d.no_empty = d.no_empty && n > 0;
        d.intact = d.intact && is_pattern(room.first(n), position + d.n);
        d.n += n;
    }
    co_return d;
}

/// Writes `n` bytes of the pattern, from `position` on.
template <write_stream S>
task<io_result> feed(S& to, std::uint64_t n, std::uint64_t position = 0,
                     std::size_t at_once = 64 * 1024) {
    io_result sent;
    while (sent.n < n && !sent.ec) {
        const auto chunk = pattern(
            static_cast<std::size_t>(std::min<std::uint64_t>(at_once, n - sent.n)),
            position + sent.n);
        const io_result r = co_await write_all(to, chunk);
        sent.n += r.n;
        sent.ec = r.ec;
    }
    co_return sent;
}

/// Echoes until the peer ends, then ends too.
inline task<result<void>> echo(tcp_stream peer) {
    std::vector<std::byte> buffer(64 * 1024);
    for (;;) {
        const auto [ec, n] = co_await peer.read_some(buffer);
        if (ec == errc::eof) co_return co_await peer.shutdown_write();
        if (ec) co_return fail(ec);
        co_await check(write_all(peer, std::span(buffer).first(n)));
    }
}

}  // namespace copoll_tests
