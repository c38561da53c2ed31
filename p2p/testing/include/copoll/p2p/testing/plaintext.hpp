// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/any_stream.hpp>
#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/identity.hpp>
#include <copoll/task.hpp>

/// Connections that are not secured at all, to look at in a capture or a test (libp2p plaintext
/// specification 2.0.0). Who is at the other end is what he says: never for anything real, which is
/// why this library is not installed.

namespace copoll::p2p::testing {

constexpr const char* plaintext_protocol = "/plaintext/2.0.0";

/// As `p2p::connect`, with `/plaintext/2.0.0` for `/noise`. *Errors:* `errc::malformed_handshake`,
/// `errc::bad_identity` if the peer's id is not that of its key; as `p2p::connect`.
task<result<connection>> connect_plaintext(any_stream transport, identity own,
                                           connection_options options = {});
/// The same for a transport that was accepted.
task<result<connection>> accept_plaintext(any_stream transport, identity own,
                                          connection_options options = {});

}  // namespace copoll::p2p::testing
