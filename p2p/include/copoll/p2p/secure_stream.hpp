// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <copoll/any_stream.hpp>
#include <copoll/chunk.hpp>
#include <copoll/p2p/engine.hpp>
#include <copoll/p2p/identity.hpp>
#include <copoll/p2p/noise.hpp>
#include <copoll/stream.hpp>
#include <copoll/task.hpp>

namespace copoll::p2p {

namespace detail {
class secure_link;
}

/// A stream secured by Noise: a stream like any other, whose peer has proved who it is. A read and
/// a write or shutdown may be under way together. May move meanwhile.
///
/// Noise has no close of its own: `copoll::errc::eof` says that the transport ended between two
/// records, `errc::truncated` that it ended within one.
class secure_stream {
public:
    /// As any `read_stream`. *Errors:* see above; `errc::bad_record`, after which nothing works any
    /// more; `errc::too_much_work`. *Cancellation:* no byte is lost.
    task<io_result> read_some(std::span<std::byte> into);
    /// The same, into memory of the loop's pool, without a copy.
    task<result<chunk>> read_chunk();

    /// As any `write_stream`: takes at most 65,518 bytes at once, so that they leave in one write
    /// of 64 KiB. *Errors:* `copoll::errc::closed` after `shutdown_write`.
    /// *Cancellation:* with n == 0 nothing was taken; n > 0 bytes are taken, and what of them has
    /// not left leaves with the next write, read or shutdown.
    task<io_result> write_some(std::span<const std::byte> bytes);

    /// Ends the transport's half, behind all that was written. *Cancellation:* as of a write.
    task<result<void>> shutdown_write();

    const peer_id& remote_peer() const noexcept;
    const public_key& remote_key() const noexcept;
    /// The one that was agreed on in the handshake; none: it is to be negotiated.
    const std::optional<std::string>& muxer() const noexcept;

    explicit secure_stream(std::unique_ptr<detail::secure_link> link) noexcept;
    secure_stream(secure_stream&&) noexcept;
    secure_stream& operator=(secure_stream&&) noexcept;
    ~secure_stream();

private:
    std::unique_ptr<detail::secure_link> link_;
};

static_assert(copoll::stream<secure_stream>);

/// Agrees on `/noise` and shakes hands. On the dialer's side that takes one round trip.
/// *Errors:* those of `noise::handshake` and `multistream`; `errc::truncated`; the transport's.
/// *Cancellation:* the transport is closed.
task<result<secure_stream>> secure(any_stream transport, role own_role, identity own,
                                   noise::handshake_options options = {});

}  // namespace copoll::p2p
