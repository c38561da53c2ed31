// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/any_stream.hpp>
#include <copoll/buffer.hpp>
#include <copoll/chunk.hpp>
#include <copoll/event.hpp>
#include <copoll/task.hpp>
#include <copoll/tls/engine.hpp>

namespace copoll::tls::detail {

/// An engine on a stream: moves the bytes between them. Reading and writing may go on together;
/// whoever comes first sends for all.
class link {
public:
    link(any_stream below, tls::engine e) noexcept
        : transport(std::move(below)), engine(std::move(e)) {}

    /// Goes on with the handshake. When it fails the peer is told before this ends.
    task<result<void>> advance(milestone until);
    /// Ends the handshake with an alert.
    task<result<void>> abort(alert reason);

    /// See `client_handshake` and `server_handshake`.
    task<io_result> write_early_data(std::span<const std::byte> bytes);
    task<io_result> read_early_data(std::span<std::byte> into);

    task<io_result> read_some(std::span<std::byte> into);
    task<result<chunk>> read_chunk();
    task<io_result> write_some(std::span<const std::byte> bytes);
    task<result<void>> shutdown_write();
    /// See `server_connection`.
    task<result<void>> request_client_identity();

    /// Sends what the engine has to say.
    task<result<void>> flush();

    any_stream transport;
    tls::engine engine;

private:
    /// Data that came while the application waited for something else, at most.
    static constexpr std::size_t most_ahead = 256 * 1024;

    /// Reads for the connection's own sake, or waits until somebody else has read something.
    task<result<void>> read_ahead();
    task<io_result> read(std::span<std::byte> into, chunk* fresh);
    task<io_result> read_from_engine(std::span<std::byte> into, chunk* fresh);
    task<result<void>> receive();
    task<void> take_leave();
    bool has_output() noexcept { return !leaving_.empty() || !engine.output().empty(); }

    chunk unread_;    ///< what the engine reads from
    buffer leaving_;  ///< what is being written to the transport
    bool flushing_ = false;
    event flushed_;
    buffer ahead_{most_ahead};  ///< data that was read before the application asked for it
    bool reading_ = false;
    event have_read_;
};

}  // namespace copoll::tls::detail
