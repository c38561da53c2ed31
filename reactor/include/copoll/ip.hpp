// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <copoll/result.hpp>

/// IP addresses and endpoints: values, parsed and printed without the host.

namespace copoll::ip {

enum class family : std::uint8_t { v4, v6 };

/// An IPv4 or IPv6 address in network byte order.
class address {
public:
    using v4_bytes = std::array<std::uint8_t, 4>;
    using v6_bytes = std::array<std::uint8_t, 16>;

    /// 0.0.0.0
    constexpr address() noexcept = default;
    constexpr explicit address(v4_bytes bytes) noexcept {
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes_[i] = bytes[i];
    }
    /// `scope` is the zone index of a link-local address, 0 for none.
    constexpr explicit address(v6_bytes bytes, std::uint32_t scope = 0) noexcept
        : bytes_(bytes), scope_(scope), family_(family::v6) {}

    /// Dotted decimal (four numbers) or RFC 4291 section 2.2, all three forms, with an optional
    /// numeric zone `%N` (RFC 4007). Decimal numbers have no leading zeros, which some readers
    /// take for octal. *Errors:* `parse_error`.
    static result<address> parse(std::string_view text) noexcept;

    constexpr ip::family family() const noexcept { return family_; }
    constexpr bool is_v4() const noexcept { return family_ == ip::family::v4; }
    constexpr bool is_v6() const noexcept { return family_ == ip::family::v6; }
    /// The first four bytes; precondition: `is_v4()`.
    constexpr v4_bytes to_v4() const noexcept {
        return {bytes_[0], bytes_[1], bytes_[2], bytes_[3]};
    }
    /// Precondition: `is_v6()`.
    constexpr const v6_bytes& to_v6() const noexcept { return bytes_; }
    constexpr std::uint32_t scope() const noexcept { return scope_; }

    // An IPv4-mapped address (::ffff:a.b.c.d) is what the address inside is, as a socket would
    // take it: so a check for loopback is not slipped past in disguise.
    bool is_loopback() const noexcept;     ///< 127.0.0.0/8, ::1
    bool is_unspecified() const noexcept;  ///< 0.0.0.0, ::

    friend constexpr auto operator<=>(const address&, const address&) noexcept = default;

private:
    v6_bytes bytes_{};
    std::uint32_t scope_ = 0;
    ip::family family_ = family::v4;
};

inline constexpr address any_v4{address::v4_bytes{0, 0, 0, 0}};
inline constexpr address loopback_v4{address::v4_bytes{127, 0, 0, 1}};
inline constexpr address any_v6{address::v6_bytes{}};
inline constexpr address loopback_v6{
    address::v6_bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

/// An address with a port in host byte order.
struct endpoint {
    ip::address address{};
    std::uint16_t port = 0;

    /// `1.2.3.4:80` or `[::1]:80`. *Errors:* `parse_error`.
    static result<endpoint> parse(std::string_view text) noexcept;

    friend constexpr auto operator<=>(const endpoint&, const endpoint&) noexcept = default;
};

/// Dotted decimal; RFC 5952 for IPv6 (lower case, longest run of zeros shortened, IPv4-mapped
/// addresses with dots), the zone behind `%`.
std::string to_string(const address& a);
/// As `endpoint::parse` reads it.
std::string to_string(const endpoint& e);

}  // namespace copoll::ip
