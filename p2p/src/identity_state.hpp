// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <span>
#include <vector>

#include <copoll/p2p/identity.hpp>
#include <copoll/p2p/noise_xx.hpp>

namespace copoll::p2p {

namespace noise {

/// What a peer signs to bind its Noise static key to its identity (libp2p Noise specification,
/// "Static Key Authentication").
std::vector<std::byte> statement_of(const crypto::x25519::public_key& static_key);

}  // namespace noise

struct identity::state {
    explicit state(private_key k);

    private_key key;
    p2p::public_key public_key;
    peer_id id;
    /// One for all connections, and never stored: another process has another one.
    noise::key_pair static_key;
    std::vector<std::byte> encoded_key;
    std::vector<std::byte> proof;  ///< of the static key
};

}  // namespace copoll::p2p
