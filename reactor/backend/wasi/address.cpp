// SPDX-License-Identifier: MIT OR Apache-2.0
#include "address.hpp"

#include <copoll/backend/stream.hpp>

namespace copoll::backend {
inline namespace wasi {

host::flat_address flatten(const ip::endpoint& e) noexcept {
    host::flat_address flat{};
    flat.v[0] = e.port;
    if (e.address.is_v4()) {
        const auto bytes = e.address.to_v4();
        for (std::size_t i = 0; i < 4; ++i) flat.v[1 + i] = bytes[i];
        return flat;
    }
    flat.family = 1;
    const auto& bytes = e.address.to_v6();
    for (std::size_t i = 0; i < 8; ++i) flat.v[2 + i] = bytes[2 * i] << 8 | bytes[2 * i + 1];
    flat.v[10] = static_cast<std::int32_t>(e.address.scope());
    return flat;
}

host::socket_address to_address(const ip::endpoint& e) noexcept {
    host::socket_address a{};
    if (e.address.is_v4()) {
        a.v4 = {e.port, e.address.to_v4()};
        return a;
    }
    a.family = 1;
    a.v6 = {.port = e.port, .flow = 0, .segments = {}, .scope = e.address.scope()};
    const auto& bytes = e.address.to_v6();
    for (std::size_t i = 0; i < 8; ++i)
        a.v6.segments[i] = static_cast<std::uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    return a;
}

ip::endpoint to_endpoint(const host::socket_address& a) noexcept {
    if (a.family == 0) {
        const auto& o = a.v4.octets;
        return {ip::address{ip::address::v4_bytes{o[0], o[1], o[2], o[3]}}, a.v4.port};
    }
    ip::address::v6_bytes bytes{};
    for (std::size_t i = 0; i < 8; ++i) {
        bytes[2 * i] = static_cast<std::uint8_t>(a.v6.segments[i] >> 8);
        bytes[2 * i + 1] = static_cast<std::uint8_t>(a.v6.segments[i]);
    }
    return {ip::address{bytes, a.v6.scope}, a.v6.port};
}

result<ip::endpoint> to_endpoint(const host::address_result& r) noexcept {
    if (r.tag != 0) return fail(to_error(r.code));
    return to_endpoint(r.ok);
}

}  // namespace wasi
}  // namespace copoll::backend
