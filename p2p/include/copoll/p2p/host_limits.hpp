// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <copoll/clock.hpp>

namespace copoll::p2p {

/// What peers can make a node hold. What is beyond is refused, and what is there goes on. Each
/// connection has the bounds of `yamux::options` besides.
///
/// Addresses are IPv4 addresses and IPv6 networks of 64 bits; loopback is not counted by address.
struct host_limits {
    std::size_t connections = 128;
    std::size_t incoming_connections = 96;  ///< that the peer has dialled
    std::size_t connections_of_peer = 8;
    std::size_t connections_of_address = 8;  ///< incoming
    std::size_t securing = 32;               ///< incoming, and not secured yet
    std::size_t securing_of_address = 4;
    std::size_t incoming_streams = 1024;  ///< of all connections
    std::size_t incoming_streams_of_peer = 256;
    /// Memory for what was received and not read, of all streams, beyond the first 256 KiB of each
    /// connection. `yamux::unread_budget` says how it is shared.
    std::uint64_t unread = 128 * 1024 * 1024;
    /// A stream on which the peer does nothing for so long, though it is up to him, is reset; 0:
    /// never. For protocols whose streams may be silent for longer. See `yamux::options`.
    clock::duration idle_stream = std::chrono::minutes{2};
};

}  // namespace copoll::p2p
