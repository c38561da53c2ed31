// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <memory>

#include <copoll/p2p/key.hpp>
#include <copoll/p2p/peer_id.hpp>

namespace copoll::p2p {

namespace noise {
class handshake;
}

/// Who this node is: its key, and what it proves that by on every connection. Made once, as that
/// takes a signature; copies are the same identity and cost nothing.
class identity {
public:
    explicit identity(private_key key);

    const peer_id& id() const noexcept;
    const p2p::public_key& public_key() const noexcept;
    std::vector<std::byte> sign(std::span<const std::byte> message) const;

private:
    friend class noise::handshake;
    struct state;
    std::shared_ptr<const state> state_;
};

}  // namespace copoll::p2p
