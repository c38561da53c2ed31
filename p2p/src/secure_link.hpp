// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include <copoll/any_stream.hpp>
#include <copoll/buffer.hpp>
#include <copoll/chunk.hpp>
#include <copoll/event.hpp>
#include <copoll/p2p/noise.hpp>
#include <copoll/task.hpp>

namespace copoll::p2p::detail {

/// What a handshake found out.
struct secured {
    public_key key;
    peer_id peer;
    std::optional<std::string> muxer;
};

/// A Noise session on a stream. Waiting for the peer it holds no memory but its own.
class secure_link {
public:
    /// `unread` came behind the handshake, `unsent` is still to be sent before anything else.
    secure_link(any_stream transport, noise::session session, secured peer, buffer unread,
                buffer unsent) noexcept
        : remote(std::move(peer)), transport_(std::move(transport)),
          session_(std::move(session)), partial_(std::move(unread)), sealed_(std::move(unsent)) {}

    task<result<chunk>> read_chunk();
    task<io_result> read_some(std::span<std::byte> into);
    task<io_result> write_some(std::span<const std::byte> bytes);
    task<result<void>> shutdown_write();

    const secured remote;

private:
    /// Records of no bytes that may follow each other.
    static constexpr unsigned most_empty = 64;

    task<result<void>> flush();
    task<result<void>> receive();
    bool has_output() const noexcept { return !leaving_.empty() || !sealed_.empty(); }
    result<std::size_t> open_into(std::span<std::byte> room);
    result<std::span<const std::byte>> front_record();
    void gather(std::size_t size);
    void drop_front(std::size_t size) noexcept;

    any_stream transport_;
    noise::session session_;

    chunk received_;           ///< as the transport gave it
    std::size_t at_ = 0;       ///< what of it is used up
    buffer partial_;           ///< a record's beginning, when it came in pieces
    chunk ahead_;              ///< decrypted, and more than the reader had room for
    std::size_t ahead_at_ = 0;
    unsigned empty_ = 0;

    buffer sealed_;   ///< records to be sent
    buffer leaving_;  ///< what is being written to the transport
    bool flushing_ = false;
    event flushed_;
    bool shut_down_ = false;
};

}  // namespace copoll::p2p::detail
