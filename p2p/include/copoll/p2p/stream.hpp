// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <copoll/chunk.hpp>
#include <copoll/p2p/error.hpp>
#include <copoll/p2p/peer_id.hpp>
#include <copoll/p2p/yamux_frame.hpp>
#include <copoll/stream.hpp>
#include <copoll/task.hpp>

namespace copoll::p2p {

using yamux::reset_code;

namespace detail {
class stream_core;
}

/// One of the streams on a connection: a stream like any other. A read and a write may be under way
/// together. May move meanwhile, and may outlive the connection, which then gives errors.
///
/// Reads end with `copoll::errc::eof` when the peer has finished, also if it gave the stream up
/// behind that; with `errc::stream_reset` when it gave it up before, or this side has; and with the
/// connection's error when that has ended. Destroying a stream
/// that was not finished (`shutdown_write`) resets it; destroying one that was finished and not
/// read to its end drops what still comes.
class stream {
public:
    /// As any `read_stream`. *Errors:* see above; on a stream whose protocol is not agreed on yet
    /// `errc::protocol_not_supported` if the peer does not take it, and `timed_out` if it does not
    /// answer within `connection_options::negotiation_timeout`; the stream is reset then.
    /// *Cancellation:* no byte is lost.
    task<io_result> read_some(std::span<std::byte> into);
    /// The same, into memory of the loop's pool that is taken when there is something to read: a
    /// stream on which nothing comes holds none.
    task<result<chunk>> read_chunk();

    /// As any `write_stream`. Waits while the peer allows no more to be sent.
    /// *Errors:* `copoll::errc::closed` after `shutdown_write`; `errc::stream_reset`; the
    /// connection's, `connection_reset` if the peer has closed it in order.
    /// *Cancellation:* n is what was taken, and will be sent.
    task<io_result> write_some(std::span<const std::byte> bytes);

    /// Says that no more comes. Reading goes on. Completes at once, unless the protocol is still to
    /// be agreed on: then when the peer has taken it, since some give up a stream that is finished
    /// before. *Errors:* as of both. *Cancellation:* the stream is not finished.
    task<result<void>> shutdown_write();

    /// Aborts both directions; what the peer has not read yet may be lost to it. A read or write
    /// that is under way ends with `errc::stream_reset`.
    void reset(reset_code why = reset_code::none) noexcept;
    /// Why the peer has reset the stream; none if it has not.
    std::optional<reset_code> reset_by_peer() const noexcept;

    /// Agrees on the protocol of a stream that the peer has opened: the one that it proposes and
    /// that is among `protocols`. Before anything is read or written.
    /// *Errors:* `errc::malformed_negotiation`, `errc::too_many_proposals`, and `timed_out` if it
    /// takes longer than `connection_options::negotiation_timeout`, after which the stream is
    /// reset; `errc::truncated` if the peer finishes before; as reads and writes.
    /// *Cancellation:* the stream can only be destroyed. *Lifetime:* `protocols`, until completion.
    task<result<void>> negotiate(std::span<const std::string> protocols);
    /// That was agreed on, or is being proposed; empty if none is.
    const std::string& protocol() const noexcept;
    /// Who is at the other end; also when the connection has ended.
    const peer_id& remote_peer() const noexcept;

    explicit stream(std::unique_ptr<detail::stream_core> core) noexcept;
    stream(stream&&) noexcept;
    stream& operator=(stream&&) noexcept;
    ~stream();

private:
    std::unique_ptr<detail::stream_core> core_;
};

static_assert(copoll::stream<stream>);

}  // namespace copoll::p2p
