// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>

#include <copoll/any_stream.hpp>
#include <copoll/buffer.hpp>
#include <copoll/event.hpp>
#include <copoll/mutex.hpp>
#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/key.hpp>
#include <copoll/p2p/multistream.hpp>
#include <copoll/p2p/peer_id.hpp>
#include <copoll/p2p/yamux.hpp>
#include <copoll/task.hpp>

#include "id_hash.hpp"

namespace copoll::p2p::detail {

/// Who waits for a stream.
struct stream_waiters {
    event readable;
    event writable;
};

/// How it comes that both sides use the same one.
enum class muxer_agreement : std::uint8_t {
    early,       ///< agreed on within the handshake
    negotiated,  ///< agreed on behind it
    proposed,    ///< to be proposed with what is sent first
};

/// A Yamux session on a transport. Shared by the connection and its streams.
///
/// One task writes and one reads, for all streams. What streams have to say while the tasks of a
/// turn run leaves in one write.
class muxer {
public:
    struct peer {
        public_key key;
        peer_id id;
    };

    /// `unread` came in already, `unsent` goes with what is sent first. So does a proposal of the
    /// muxer if there is to be one, which the peer must take by `agreed_by`.
    muxer(any_stream transport, peer remote_peer, role r, const connection_options& options,
          buffer unread, buffer unsent, muxer_agreement agreement, clock::time_point agreed_by);

    task<result<void>> run();
    void close(go_away_code why) noexcept;

    task<result<yamux::stream_id>> open();
    task<result<yamux::stream_id>> accept();
    stream_waiters& waiters_of(yamux::stream_id id) { return waiters_[id]; }

    /// As `yamux::session::read`; who gets nothing waits for `readable`, reset before, and says so
    /// if he gives up.
    io_result read(yamux::stream_id id, std::span<std::byte> into);
    void stop_reading(yamux::stream_id id) noexcept { session_.stop_reading(id); }
    task<io_result> write_some(yamux::stream_id id, stream_waiters& w,
                               std::span<const std::byte> bytes);
    result<void> finish(yamux::stream_id id) noexcept;
    void reset(yamux::stream_id id, reset_code why) noexcept;
    void release(yamux::stream_id id) noexcept;

    const yamux::session& session() const noexcept { return session_; }
    /// In order: what it sent can still be read.
    bool ended_by_peer() const noexcept { return session_.error() == copoll::errc::eof; }

    const peer remote;
    const role own_role;
    const bool agreed_early;                    ///< on the muxer, within the handshake
    const bool lazy_negotiation;                ///< of each stream
    const clock::duration negotiation_timeout;  ///< of each stream

private:
    task<result<void>> write_all_streams();
    task<result<void>> read_all_streams();
    task<result<void>> keep_time();
    task<std::error_code> hear_the_rest();
    task<void> take_leave();

    bool collect_output();
    result<void> take_input(std::span<const std::byte> bytes);
    result<void> take_answer(std::span<const std::byte> bytes);
    void tell_waiters();
    void end(std::error_code why);
    void said_something() noexcept;
    std::error_code why_ended(std::error_code stopped) const noexcept;
    std::error_code why_unsent(std::error_code ec) const noexcept;

    any_stream transport_;
    yamux::session session_;
    clock::time_point agreed_by_;

    std::optional<multistream::dialer> proposal_;  ///< until it is answered
    buffer unread_;                                ///< what is not input yet
    buffer leaving_;                               ///< what is being written

    event work_;        ///< there is output
    event room_;        ///< output was taken
    event incoming_;    ///< a stream can be accepted
    event openable_;    ///< the peer has accepted streams
    event closed_;      ///< `close` was called
    event heard_;       ///< input may go on, as output was taken
    mutex writers_;     ///< whose turn it is to fill the room
    bool closing_ = false;
    clock::time_point leave_by_{};  ///< then, whatever was not sent
    std::optional<clock::time_point> writing_since_{};

    std::unordered_map<yamux::stream_id, stream_waiters, id_hash> waiters_;
};

}  // namespace copoll::p2p::detail
