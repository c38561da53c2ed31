// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/any_stream.hpp>
#include <copoll/p2p/secure_stream.hpp>
#include <copoll/task.hpp>

namespace copoll::p2p::detail {

/// What becomes of the dialer's last message. Held it leaves with what is written first, or before
/// the first read: one write less, but the listener waits for it.
enum class last_message { sent, held };

/// A lazy dialer begins the handshake before the listener has taken Noise.
task<result<secure_stream>> shake_hands(any_stream transport, role own_role, identity own,
                                        noise::handshake_options options, last_message last,
                                        bool lazy = true);

}  // namespace copoll::p2p::detail
