// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include <copoll/ip.hpp>
#include <copoll/p2p/multiaddr.hpp>

namespace copoll::p2p::detail {

/// A name and a port; of one family, or any.
struct named_endpoint {
    std::string name;
    std::optional<ip::family> family;
    std::uint16_t port;
};

struct memory_number {
    std::uint64_t number;
};

/// What a transport makes of an address.
using destination = std::variant<ip::endpoint, named_endpoint, memory_number>;

/// None for an address of another kind, or with more behind it than a peer.
std::optional<destination> destination_of(const multiaddr& address);

multiaddr memory_address(std::uint64_t number);

}  // namespace copoll::p2p::detail
