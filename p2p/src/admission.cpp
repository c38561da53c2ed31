// SPDX-License-Identifier: MIT OR Apache-2.0
#include "admission.hpp"

#include <algorithm>
#include <array>

#include <copoll/ip.hpp>

namespace copoll::p2p::detail {
namespace {

/// How an IPv6 address begins that stands for an IPv4 address (RFC 4291 section 2.5.5.2).
constexpr std::array<std::uint8_t, 12> v4_mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/// By what somebody is counted who can choose among addresses; none if not at all.
std::optional<std::string> origin_of(const multiaddr& remote) {
    const auto at = remote.tcp_endpoint();
    if (!at || at->address.is_loopback()) return std::nullopt;
    if (at->address.is_v4()) return ip::to_string(at->address);
    ip::address::v6_bytes network = at->address.to_v6();
    if (std::equal(v4_mapped.begin(), v4_mapped.end(), network.begin()))
        return ip::to_string(ip::address{ip::address::v4_bytes{network[12], network[13],
                                                               network[14], network[15]}});
    std::fill(network.begin() + 8, network.end(), std::uint8_t{0});
    return ip::to_string(ip::address{network});
}

/// A lease if `key` is counted at all; false if there is no room.
template <class Lease>
bool take(std::optional<Lease>& into, quota<std::string>& from,
          const std::optional<std::string>& key) {
    if (!key) return true;
    if (auto lease = from.take(*key)) into.emplace(*std::move(lease));
    return into.has_value();
}

template <class Lease>
bool take(std::optional<Lease>& into, quota<peer_id>& from, const peer_id& key) {
    if (auto lease = from.take(key)) into.emplace(*std::move(lease));
    return into.has_value();
}

}  // namespace

admission::admission(const host_limits& limits)
    : most_streams_(limits.incoming_streams), connections_(limits.connections),
      incoming_(limits.incoming_connections), securing_(limits.securing),
      streams_(limits.incoming_streams), of_peer_(limits.connections_of_peer),
      streams_of_peer_(limits.incoming_streams_of_peer),
      of_address_(limits.connections_of_address),
      securing_of_address_(limits.securing_of_address) {}

std::optional<admission::securing_ticket> admission::secure(const multiaddr& remote) {
    securing_ticket t{securing_.try_acquire(), {}};
    if (!t.any || !take(t.address, securing_of_address_, origin_of(remote))) return std::nullopt;
    return t;
}

std::optional<admission::connection_ticket> admission::connect_out(const peer_id& peer) {
    connection_ticket t{connections_.try_acquire(), {}, {}, {}};
    if (!t.any || !take(t.peer, of_peer_, peer)) return std::nullopt;
    return t;
}

std::optional<admission::connection_ticket> admission::connect_in(const peer_id& peer,
                                                                  const multiaddr& remote) {
    connection_ticket t{connections_.try_acquire(), incoming_.try_acquire(), {}, {}};
    if (!t.any || !t.incoming || !take(t.peer, of_peer_, peer) ||
        !take(t.address, of_address_, origin_of(remote)))
        return std::nullopt;
    return t;
}

std::optional<admission::stream_ticket> admission::serve(const peer_id& peer) {
    stream_ticket t{streams_.try_acquire(), {}};
    if (!t.any || !take(t.peer, streams_of_peer_, peer)) return std::nullopt;
    return t;
}

}  // namespace copoll::p2p::detail
