// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <variant>

#include <copoll/any_stream.hpp>
#include <copoll/buffer.hpp>
#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/engine.hpp>
#include <copoll/p2p/identity.hpp>
#include <copoll/p2p/key.hpp>
#include <copoll/p2p/multistream.hpp>
#include <copoll/p2p/peer_id.hpp>
#include <copoll/task.hpp>

/// Connections that are not secured at all, to look at in a capture or a test (libp2p plaintext
/// specification 2.0.0). Who is at the other end is what he says: never for anything real, which is
/// why this library is not installed.

namespace copoll::p2p::testing {

constexpr const char* plaintext_protocol = "/plaintext/2.0.0";

/// As `p2p::connect`, with `/plaintext/2.0.0` for `/noise`. *Errors:* those of
/// `plaintext_handshake`; as `p2p::connect`.
task<result<connection>> connect_plaintext(any_stream transport, identity own,
                                           connection_options options = {});
/// The same for a transport that was accepted.
task<result<connection>> accept_plaintext(any_stream transport, identity own,
                                          connection_options options = {});

/// Agreeing on `/plaintext/2.0.0`, and the exchange of who is who, in a row. Without I/O.
class plaintext_handshake {
public:
    /// Bytes of an exchange: an RSA key of 8,192 bits has about a quarter of it.
    static constexpr std::size_t longest_exchange = 4096;

    /// A lazy dialer says who it is before the listener has taken the protocol.
    plaintext_handshake(role own_role, identity own, std::optional<peer_id> expected = {},
                        bool lazy = true);

    /// See engine.hpp. *Errors:* those of `multistream`; `errc::malformed_handshake`,
    /// `errc::malformed_varint` and those of `public_key::decode` for what is no exchange, or too
    /// long; `errc::bad_identity` if the peer's id is not that of its key; `errc::wrong_peer`.
    result<progress> advance(buffer& in, buffer& out);

    // Precondition of both: complete.
    const public_key& remote_key() const noexcept { return *remote_key_; }
    const peer_id& remote_peer() const noexcept { return *remote_peer_; }

private:
    result<progress> negotiate(buffer& in, buffer& out);
    result<progress> take_exchange(buffer& in);
    result<void> take_peer(std::span<const std::byte> message);

    std::variant<multistream::dialer, multistream::listener> protocol_;
    identity own_;
    std::optional<peer_id> expected_;
    bool begins_early_;
    bool agreed_ = false;
    bool sent_ = false;
    std::optional<public_key> remote_key_;
    std::optional<peer_id> remote_peer_;
};

}  // namespace copoll::p2p::testing
