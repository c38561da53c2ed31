// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/any_stream.hpp>
#include <copoll/buffer.hpp>
#include <copoll/clock.hpp>
#include <copoll/p2p/connection.hpp>
#include <copoll/task.hpp>

#include "muxer.hpp"

namespace copoll::p2p::detail {

/// What securing a transport has come to.
struct secured_transport {
    any_stream stream;
    muxer::peer remote;
    bool muxer_agreed = false;  ///< in the handshake
    buffer unread{};  ///< what came behind the handshake
};

/// Makes a connection of it, once the muxer is agreed on: a lazy dialer proposes it with what it
/// sends first. *Lifetime:* `options`, until completion.
task<result<connection>> multiplex(secured_transport on, role own_role,
                                   const connection_options& options, clock::time_point agreed_by);

}  // namespace copoll::p2p::detail
