// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <copoll/time.hpp>
#include <copoll/udp.hpp>

/// Two sockets over loopback in one loop.

namespace copoll_tests {

using namespace copoll;

struct udp_pair {
    udp_socket a, b;
    ip::endpoint at_a, at_b;
};

inline task<result<udp_pair>> bound_pair(ip::address on = ip::loopback_v4) {
    udp_socket a = co_await check(udp_socket::bind({on, 0}));
    udp_socket b = co_await check(udp_socket::bind({on, 0}));
    const ip::endpoint at_a = co_await check(a.local_endpoint());
    const ip::endpoint at_b = co_await check(b.local_endpoint());
    co_return udp_pair{std::move(a), std::move(b), at_a, at_b};
}

/// Two sockets that are each other's peers.
inline task<result<udp_pair>> connected_udp_pair() {
    udp_pair p = co_await check(bound_pair());
    co_await check(p.a.connect(p.at_b));
    co_await check(p.b.connect(p.at_a));
    co_return std::move(p);
}

inline std::string text_of(const incoming_datagram& d) {
    return {reinterpret_cast<const char*>(d.bytes().data()), d.size};
}

/// Receives what surely comes.
inline task<result<incoming_datagram>> next_datagram(udp_socket& s, std::span<std::byte> buffer) {
    co_return co_await with_timeout(s.receive_from(buffer), std::chrono::seconds{5});
}

/// A pair whose first datagrams have gone: a host may take none from a socket that is new.
inline task<result<udp_pair>> warm_pair() {
    udp_pair p = co_await check(bound_pair());
    std::array<std::byte, 1> buffer{};
    co_await check(p.a.send_to(buffer, p.at_b));
    co_await check(next_datagram(p.b, buffer));
    co_await check(p.b.send_to(buffer, p.at_a));
    co_await check(next_datagram(p.a, buffer));
    co_return std::move(p);
}

/// Buffers for a batch.
class datagram_slots {
public:
    datagram_slots(std::size_t n, std::size_t size) : memory_(n * size), slots_(n) {
        for (std::size_t i = 0; i < n; ++i)
            slots_[i].buffer = std::span(memory_).subspan(i * size, size);
    }
    std::span<incoming_datagram> all() noexcept { return slots_; }
    const incoming_datagram& operator[](std::size_t i) const noexcept { return slots_[i]; }

private:
    std::vector<std::byte> memory_;
    std::vector<incoming_datagram> slots_;
};

}  // namespace copoll_tests
