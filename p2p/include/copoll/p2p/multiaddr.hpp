// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/ip.hpp>
#include <copoll/p2p/error.hpp>
#include <copoll/p2p/peer_id.hpp>

namespace copoll::p2p {

/// Protocols that an address is made of, with their codes (multiformats/multiaddr protocols.csv).
enum class protocol_code : std::uint32_t {
    ip4 = 4,
    tcp = 6,
    dccp = 33,
    ip6 = 41,
    ip6zone = 42,
    ipcidr = 43,
    dns = 53,
    dns4 = 54,
    dns6 = 55,
    dnsaddr = 56,
    sctp = 132,
    udp = 273,
    p2p_webrtc_star = 275,
    p2p_webrtc_direct = 276,
    p2p_stardust = 277,
    webrtc_direct = 280,
    webrtc = 281,
    p2p_circuit = 290,
    udt = 301,
    utp = 302,
    unix_path = 400,  ///< `unix` is a macro of some compilers
    p2p = 421,
    https = 443,
    tls = 448,
    sni = 449,
    noise = 454,
    quic = 460,
    quic_v1 = 461,
    webtransport = 465,
    certhash = 466,
    ws = 477,
    wss = 478,
    p2p_websocket_star = 479,
    http = 480,
    http_path = 481,
    memory = 777,
};

/// "ip4"
std::string_view name_of(protocol_code code) noexcept;

/// One part of an address: `/tcp/4001`.
struct address_component {
    protocol_code protocol;
    std::span<const std::byte> value;  ///< without its length; empty for a protocol without one

    /// "4001"; empty for a protocol without a value.
    std::string value_text() const;
    /// Of a port, CIDR or memory address; 0 for others.
    std::uint64_t number() const noexcept;
};

/// An address that says how to get to a peer, from the outermost protocol to the innermost:
/// `/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW…`. Never empty. Compared by its bytes.
class multiaddr {
public:
    /// *Errors:* `errc::malformed_multiaddr`, also for a protocol that is not listed above.
    static result<multiaddr> parse(std::string_view text);
    static result<multiaddr> from_bytes(std::span<const std::byte> bytes);
    /// `/ip4/…/tcp/…` or `/ip6/…/tcp/…`. A zone is left out: it means nothing elsewhere.
    static multiaddr tcp(const ip::endpoint& at);
    static multiaddr p2p(const peer_id& id);

    /// In the one form that each value has; peer ids in base58.
    std::string to_string() const;
    /// Valid as long as this object.
    std::span<const std::byte> bytes() const noexcept { return bytes_; }
    /// The values lie in this object.
    std::vector<address_component> components() const;

    /// The endpoint, if it starts with `/ip4` or `/ip6` and `/tcp`.
    std::optional<ip::endpoint> tcp_endpoint() const;
    /// The peer that it leads to: the last component, if that is `/p2p`.
    std::optional<peer_id> peer() const;
    /// Without that; none if nothing else is there.
    std::optional<multiaddr> without_peer() const;

    /// This address with `inner` behind it. Precondition: it does not end with `/unix`.
    multiaddr encapsulate(const multiaddr& inner) const;
    /// What is before the last place where `inner` stands in it; itself if it does not, none if it
    /// stands at the beginning.
    std::optional<multiaddr> decapsulate(const multiaddr& inner) const;

    friend bool operator==(const multiaddr&, const multiaddr&) = default;
    friend std::strong_ordering operator<=>(const multiaddr& a, const multiaddr& b) noexcept {
        return text_of(a.bytes_) <=> text_of(b.bytes_);
    }

private:
    explicit multiaddr(std::vector<std::byte> bytes) noexcept : bytes_(std::move(bytes)) {}
    static std::optional<multiaddr> of_some(std::span<const std::byte> bytes);

    std::vector<std::byte> bytes_;  ///< well-formed
};

}  // namespace copoll::p2p

template <>
struct std::hash<copoll::p2p::multiaddr> {
    std::size_t operator()(const copoll::p2p::multiaddr& a) const noexcept {
        return std::hash<std::string_view>{}(copoll::text_of(a.bytes()));
    }
};
