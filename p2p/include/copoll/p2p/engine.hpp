// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>

/// What libp2p's protocols have in common when they do no I/O.
///
/// An engine that agrees on something has `advance(in, out)`: it consumes what it understands from
/// the front of `in`, and appends to `out` what the peer is to get. It leaves in `in` what belongs
/// to the protocol that follows, so engines can be put in a row, and one write can carry the last
/// message of one and the first of the next. After an error nothing but destruction makes sense;
/// what is in `out` should still be sent, if there is anything.
namespace copoll::p2p {

/// Which end of a connection or stream: who opened it, or who waited for it.
enum class role : std::uint8_t { dialer, listener };

enum class progress : std::uint8_t {
    complete,
    needs_input,  ///< Send `out`, then call again with more in `in`.
};

}  // namespace copoll::p2p
