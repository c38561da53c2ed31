// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <copoll/p2p/host_limits.hpp>
#include <copoll/p2p/multiaddr.hpp>
#include <copoll/p2p/peer_id.hpp>
#include <copoll/semaphore.hpp>

#include "quota.hpp"

namespace copoll::p2p::detail {

/// Lets in as many as the limits allow. Who was let in holds a ticket, and counts as long as that
/// lives. Outlives the tickets.
class admission {
    using total = std::optional<semaphore::permit>;
    using of_peer = std::optional<quota<peer_id>::lease>;
    using of_address = std::optional<quota<std::string>::lease>;

public:
    /// To secure a connection that came in.
    struct securing_ticket {
        total any;
        of_address address;
    };
    struct connection_ticket {
        total any, incoming;
        of_peer peer;
        of_address address;
    };
    struct stream_ticket {
        total any;
        of_peer peer;
        std::optional<quota<std::string>::lease> protocol{};
    };

    explicit admission(const host_limits& limits);

    std::optional<securing_ticket> secure(const multiaddr& remote);
    std::optional<connection_ticket> connect_out(const peer_id& peer);
    std::optional<connection_ticket> connect_in(const peer_id& peer, const multiaddr& remote);
    std::optional<stream_ticket> serve(const peer_id& peer);

    bool has_room_to_dial() const noexcept { return connections_.available() > 0; }
    std::size_t streams() const noexcept { return most_streams_ - streams_.available(); }

private:
    std::size_t most_streams_;
    semaphore connections_, incoming_, securing_, streams_;
    quota<peer_id> of_peer_, streams_of_peer_;
    quota<std::string> of_address_, securing_of_address_;
};

}  // namespace copoll::p2p::detail
