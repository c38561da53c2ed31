// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include <copoll/buffer.hpp>
#include <copoll/p2p/engine.hpp>
#include <copoll/p2p/multistream.hpp>
#include <copoll/p2p/noise.hpp>

namespace copoll::p2p::detail {

/// Agreeing on `/noise`, and its handshake, in a row. A lazy dialer does not wait for the first to
/// begin with the second.
class security {
public:
    security(role own_role, const identity& own, noise::handshake_options options, bool lazy);

    result<progress> advance(buffer& in, buffer& out);
    const noise::handshake& handshake() const noexcept { return noise_; }

private:
    result<progress> negotiate(buffer& in, buffer& out);

    bool begins_early_;
    std::variant<multistream::dialer, multistream::listener> protocol_;
    noise::handshake noise_;
    bool agreed_ = false;
};

}  // namespace copoll::p2p::detail
