// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>

#include <copoll/ip.hpp>

namespace copoll::detail {

/// An IPv6 address with one of IPv4 inside (RFC 4291 section 2.5.5).
inline bool embeds_v4(const ip::address& a) noexcept {
    if (a.is_v4() || a == ip::any_v6 || a == ip::loopback_v6) return false;
    const auto& b = a.to_v6();
    const bool zeros = std::all_of(b.begin(), b.begin() + 10, [](auto byte) { return byte == 0; });
    const bool mapped = b[10] == 0xff && b[11] == 0xff;
    const bool compatible = b[10] == 0 && b[11] == 0;
    return zeros && (mapped || compatible);
}

/// An address that a TCP socket can have. WASI refuses multicast, broadcast and IPv4 inside IPv6
/// with `invalid_argument`; the other backends do as well, so that programs behave the same.
inline bool bindable(const ip::address& a) noexcept {
    if (a.is_v4()) {
        const auto b = a.to_v4();
        return (b[0] < 224 || b[0] > 239) && b != ip::address::v4_bytes{255, 255, 255, 255};
    }
    return a.to_v6()[0] != 0xff && !embeds_v4(a);
}

/// An endpoint that can be connected to; `invalid_argument` otherwise, as in WASI.
inline bool connectable(const ip::endpoint& to) noexcept {
    return to.port != 0 && bindable(to.address) && !to.address.is_unspecified();
}

}  // namespace copoll::detail
