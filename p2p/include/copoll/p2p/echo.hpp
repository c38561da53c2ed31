// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/p2p/stream.hpp>
#include <copoll/task.hpp>

namespace copoll::p2p {

constexpr const char* echo_protocol = "/echo/1.0.0";

/// Sends back what comes until the peer finishes the stream, then finishes it too; on a stream
/// whose protocol is agreed on. Nothing is read while the peer does not take what it has sent,
/// and next to no memory held while it sends nothing.
/// *Errors:* those of the stream. After an error, and a cancellation, the stream is reset.
task<result<void>> answer_echo(stream s);

}  // namespace copoll::p2p
