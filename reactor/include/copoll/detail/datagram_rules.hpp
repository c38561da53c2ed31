// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <system_error>

#include <copoll/detail/udp_types.hpp>
#include <copoll/detail/unicast.hpp>
#include <copoll/ip.hpp>
#include <copoll/result.hpp>

/// What backends check before they ask the host, so that the answer is the same on all.

namespace copoll::detail {

/// Bytes in one UDP datagram: 65,535 without the headers of UDP and, in IPv4, of IP (RFC 768,
/// RFC 791, RFC 8200).
constexpr std::size_t largest_datagram(ip::family f) noexcept {
    return f == ip::family::v4 ? 65'507 : 65'527;
}

/// Datagrams that one call of a host moves at most.
inline constexpr std::size_t datagrams_at_once = 16;

/// An endpoint that a socket of this family can send to.
inline bool addressable(const ip::endpoint& to, ip::family family) noexcept {
    return to.port != 0 && to.address.family() == family && !to.address.is_unspecified() &&
           !embeds_v4(to.address);
}

/// Why a socket cannot send `d`, if so.
inline std::error_code unsendable(const outgoing_datagram& d, ip::family family,
                                  const std::optional<ip::endpoint>& peer) noexcept {
    if (d.bytes.size() > largest_datagram(family)) return errc::message_too_large;
    if (!d.to) return peer ? std::error_code{} : make_error_code(errc::invalid_state);
    const bool fits = peer ? *d.to == *peer : addressable(*d.to, family);
    return fits ? std::error_code{} : make_error_code(errc::invalid_argument);
}

/// How many datagrams from the first on can be sent; if none, `ec` says why.
inline std::size_t sendable(std::span<const outgoing_datagram> all, ip::family family,
                            const std::optional<ip::endpoint>& peer, std::error_code& ec) noexcept {
    std::size_t n = 0;
    while (n < all.size() && n < datagrams_at_once) {
        const std::error_code wrong = unsendable(all[n], family, peer);
        if (wrong && n == 0) ec = wrong;
        if (wrong) break;
        ++n;
    }
    return n;
}

}  // namespace copoll::detail
