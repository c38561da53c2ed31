// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include <copoll/buffer.hpp>
#include <copoll/clock.hpp>
#include <copoll/p2p/engine.hpp>
#include <copoll/p2p/error.hpp>
#include <copoll/p2p/yamux_frame.hpp>
#include <copoll/p2p/yamux_window.hpp>
#include <copoll/result.hpp>

/// Yamux (libp2p Yamux specification): many streams on one connection, each with a window of its
/// own. Without I/O; `p2p::connection` is for those who want streams.

namespace copoll::p2p::yamux {

/// What several sessions may hold together: memory in bytes, for what was received and not read.
///
/// No session can take it from the others: what it holds beyond `apart` is at most half of what it
/// leaves. So the first takes a third of the limit at most, and the next a third of what is left.
struct unread_budget {
    std::uint64_t limit = 0;
    std::uint64_t used = 0;  ///< kept by the sessions
    /// What each session may hold besides, whatever the others hold.
    std::uint64_t apart = initial_window;
};

/// The bounds of a session. What a peer can make it hold is limited by them alone.
struct options {
    /// Open at a time that the peer has opened. Those beyond are reset.
    std::size_t max_accepted = 512;
    /// Open at a time that were opened here. rust-libp2p ends a connection with more than 512.
    std::size_t max_opened = 500;
    /// Opened by the peer and not accepted yet. Those beyond are reset.
    std::size_t max_unaccepted = 256;
    /// Opened here and not accepted by the peer yet, which may count them as well.
    std::size_t max_unacknowledged = 256;
    /// Memory for what was received and not read, of all streams. A stream whose data would exceed
    /// it is reset.
    std::uint64_t max_unread = 32 * 1024 * 1024;
    /// The same for all sessions that are given it; none: there is no such bound.
    std::shared_ptr<unread_budget> unread_of_all{};
    /// What a stream's window may grow to, and all of them beyond their initial sizes. They do not
    /// grow beyond what the session may hold.
    std::uint32_t max_window = 16 * 1024 * 1024;
    std::uint64_t max_window_growth = 64 * 1024 * 1024;
    /// A peer from which nothing came for so long is asked for an answer; 0: never.
    clock::duration keep_alive = std::chrono::seconds{30};
    /// A peer that was asked, and from which nothing came for so long, is gone.
    clock::duration answer_within = std::chrono::seconds{20};
    /// A stream on which nothing moves for so long, and at most a quarter longer, though the peer
    /// is to do something, is reset with `reset_code::garbage_collected`; 0: never. That is: a
    /// read or a write waits for the peer, it has not finished though this side has, or it has not
    /// begun. Bytes that nobody reads here, and a write that waits for others, keep a stream.
    clock::duration idle_stream{};
    /// Frames that bring nothing, and streams that the peer opens and gets no answer on: so many at
    /// once, and so many a second. With more the session ends.
    std::uint32_t idle_burst = 4096;
    std::uint32_t idle_rate = 512;
    /// Frames that bring little: so many at once, and so many a second; a rate of 0: any number.
    /// With more the session goes on, but `next_input` is later. 256 bytes received or sent pay
    /// for a frame, so those that are longer do not count. What was read at once is owed at once:
    /// 64 KiB can be 5,461 frames, after which a rate of 1 does not listen for 91 minutes, and does
    /// not find out meanwhile that the peer is gone.
    std::uint32_t frame_burst = 256 * 1024;
    std::uint32_t frame_rate = 256 * 1024;
    /// How many ids of streams that are opened here count as used already: 0, but in tests of what
    /// is behind the last one. There are 2^31. Then nothing more is opened here, and all else goes
    /// on; the peer may still open streams.
    std::uint32_t ids_used = 0;
};

/// What happened on a stream that was opened or accepted here.
struct stream_event {
    stream_id stream = session_id;
    bool readable = false;  ///< `read` gives something: bytes, the end or an error.
    bool writable = false;  ///< `write` takes something, as far as the window goes, or fails.
};

/// The dialer's or listener's end of a connection. A stream lives from `open` or `accept` to
/// `release`; functions that take an id have as precondition that it does.
class session {
public:
    explicit session(role own_role, clock::time_point now, const options& o = {});
    session(session&&) noexcept;
    session& operator=(session&&) noexcept;
    ~session();

    // ---- The transport's side

    /// Takes what came in. *Errors:* of the session, which has ended then: `errc::malformed_frame`,
    /// `errc::illegal_frame`, `errc::window_exceeded`, `errc::too_much_work`; `closed_by_peer`.
    result<void> input(std::span<const std::byte> bytes, clock::time_point now);
    /// False while a peer that does not read should not be listened to either: answers to it wait
    /// in `output`.
    bool wants_input() const noexcept;
    /// When input may go on: `time_point::min()`, or later if the peer made more work than the
    /// bytes are worth that it moved. Who does not wait loses the bound of `frame_rate`.
    clock::time_point next_input() const noexcept;

    /// What is to be sent; take it away whole. Calls of any other function may add to it.
    buffer& output(clock::time_point now);
    bool has_output() const noexcept;
    /// Whether `output` has no room for data before it is taken.
    bool is_full() const noexcept;

    /// When `check_time` is to be called next; `time_point::max()` for never.
    clock::time_point deadline() const noexcept;
    /// Asks a silent peer for an answer, and resets idle streams. *Errors:*
    /// `errc::ping_unanswered`; the session has ended.
    result<void> check_time(clock::time_point now);

    // ---- Streams

    /// None if `max_unacknowledged` streams wait for the peer; ask again after `input`. Nothing is
    /// sent for it before `output`, so the first bytes can go with it.
    /// *Errors:* `errc::going_away`, also when no id is left; `errc::too_many_streams`; or why the
    /// session ended.
    result<std::optional<stream_id>> open();
    /// The next stream that the peer has opened, if there is one.
    std::optional<stream_id> accept();
    bool has_unaccepted() const noexcept;

    /// n == 0 without an error: nothing is there yet.
    /// *Errors:* `copoll::errc::eof`, also if the peer has reset the stream behind its end;
    /// `errc::stream_reset`; why the session ended.
    io_result read(stream_id id, std::span<std::byte> into);
    /// Takes what fits into the window and into `output`. n == 0 without an error: wait until the
    /// stream is writable if `send_window` is 0, and until `output` was taken if not.
    /// *Errors:* `copoll::errc::closed` after `finish`; `errc::stream_reset`; why the session
    /// ended.
    io_result write(stream_id id, std::span<const std::byte> bytes);
    std::uint32_t send_window(stream_id id) const noexcept;
    /// Says that a write waits for its turn or for room in `output`, or does not any more: the
    /// stream is not idle meanwhile.
    void wait_for_room(stream_id id, bool waits) noexcept;
    /// Say that nobody waits any more for what the last `read`, or `write`, did not give.
    void stop_reading(stream_id id) noexcept;
    void stop_writing(stream_id id) noexcept;

    /// No more is written. Reading goes on. *Errors:* `errc::stream_reset`; why the session ended.
    result<void> finish(stream_id id);
    /// Aborts both directions; drops what was not read. The peer is told, unless the stream has
    /// ended already.
    void reset(stream_id id, reset_code why = reset_code::none);
    /// Why the peer has reset the stream; none if it has not.
    std::optional<reset_code> reset_by_peer(stream_id id) const noexcept;
    /// Forgets the stream. One that was not finished is reset. One that was arrives with its end;
    /// what still comes on it is dropped.
    void release(stream_id id);

    /// The next thing that happened; none if there is nothing new.
    std::optional<stream_event> next_event();

    // ---- The session

    /// Takes and opens no more streams; with another reason than `normal` the session has ended.
    void go_away(go_away_code why = go_away_code::normal);
    /// The session has ended, for a reason outside of it.
    void end(std::error_code why);
    /// Why it ended; no error if it has not.
    std::error_code error() const noexcept;
    /// What the peer said when it went away, if it did.
    std::optional<go_away_code> peer_went_away() const noexcept;

    std::size_t streams() const noexcept;   ///< that live, here or at the peer
    std::uint64_t unread() const noexcept;  ///< bytes received and not read
    std::uint64_t held() const noexcept;    ///< bytes of memory for them
    /// Whether there is a stream that the peer has neither finished nor reset.
    bool expects_input() const noexcept;
    std::optional<clock::duration> round_trip() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace copoll::p2p::yamux
