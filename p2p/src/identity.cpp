// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/identity.hpp>

#include <string_view>
#include <utility>

#include <copoll/buffer.hpp>

#include "identity_state.hpp"

namespace copoll::p2p {

std::vector<std::byte> noise::statement_of(const crypto::x25519::public_key& static_key) {
    const auto head = bytes_of("noise-libp2p-static-key:");
    std::vector<std::byte> statement{head.begin(), head.end()};
    statement.insert(statement.end(), static_key.begin(), static_key.end());
    return statement;
}

identity::state::state(private_key k)
    : key(std::move(k)), public_key(key.public_key()), id(peer_id::of(public_key)),
      encoded_key(public_key.encode()),
      proof(key.sign(noise::statement_of(static_key.public_key))) {}

identity::identity(private_key key) : state_(std::make_shared<const state>(std::move(key))) {}

const peer_id& identity::id() const noexcept { return state_->id; }
const p2p::public_key& identity::public_key() const noexcept { return state_->public_key; }
std::vector<std::byte> identity::sign(std::span<const std::byte> message) const {
    return state_->key.sign(message);
}

}  // namespace copoll::p2p
