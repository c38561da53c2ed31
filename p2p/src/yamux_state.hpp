// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <unordered_map>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/clock.hpp>
#include <copoll/p2p/yamux.hpp>

#include "id_hash.hpp"
#include "yamux_budget.hpp"

namespace copoll::p2p::yamux {

/// One stream, from the first frame or `open` until both sides have ended it and the application
/// has released it.
struct stream {
    explicit stream(clock::time_point now) noexcept : window(now) {}

    receive_window window;
    buffer unread;
    std::uint32_t send_window = initial_window;
    std::uint32_t why_reset = 0;  ///< what the side that did it said

    // What the peer is to be told, with the next frame of the stream or one made for it.
    bool owes_syn = false;
    bool owes_ack = false;
    bool owes_fin = false;
    bool owes_rst = false;
    bool is_listed = false;  ///< among those that owe something, or may owe a window

    bool unacknowledged = false;  ///< opened here, and the peer has not accepted it
    bool unaccepted = false;      ///< opened by the peer, and not accepted here
    bool finished = false;        ///< nothing more is written here
    bool peer_finished = false;
    bool is_reset = false;
    bool reset_by_peer = false;
    bool reset_here = false;      ///< both may be, if the peer did it behind its end
    bool released = false;

    bool has_news = false;  ///< among those with an event
    bool readable = false;
    bool writable = false;

    bool reader_waits = false;    ///< the last read found nothing, and somebody waits
    bool writer_waits = false;    ///< the last write found no window, and somebody waits
    bool waits_for_room = false;  ///< a write does, behind those of other streams
    std::uint8_t idle_for = 0;    ///< sweeps since something moved, or was to move here

    /// Whether it is the peer that is to do something.
    bool is_up_to_peer() const noexcept {
        if (!unread.empty() || waits_for_room || owes_frame()) return false;
        if (unacknowledged || unaccepted) return true;
        return (writer_waits && send_window == 0) ||
               (!peer_finished && (finished || reader_waits));
    }
    bool owes_frame() const noexcept { return owes_syn || owes_ack || owes_fin || owes_rst; }
    bool is_over() const noexcept {
        return is_reset || (finished && peer_finished && !owes_fin);
    }
};

/// Streams in the order they came. Empty, it holds what it has held at most; a `std::deque` would
/// hold 4 KiB from the first on, three times a connection.
class id_queue {
public:
    bool empty() const noexcept { return size() == 0; }
    std::size_t size() const noexcept { return ids_.size() - first_; }
    stream_id front() const noexcept { return ids_[first_]; }
    auto begin() const noexcept { return ids_.begin() + static_cast<std::ptrdiff_t>(first_); }
    auto end() const noexcept { return ids_.end(); }

    void push_back(stream_id id) { ids_.push_back(id); }
    void pop_front() noexcept {
        // what was taken is given back when it is half of all: each id moves once at most for that
        if (++first_ * 2 >= ids_.size()) drop_taken();
    }
    void erase(stream_id id) noexcept {
        drop_taken();
        std::erase(ids_, id);
    }

private:
    void drop_taken() noexcept {
        ids_.erase(ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
    }

    std::vector<stream_id> ids_;
    std::size_t first_ = 0;
};

/// What is left of `a` without `b`.
constexpr std::uint64_t less(std::uint64_t a, std::uint64_t b) noexcept {
    return a - std::min(a, b);
}

struct session::state {
    state(role own_role, clock::time_point at, const options& o)
        : own(own_role), limits(o), next_id((own_role == role::dialer ? 1 : 2) + o.ids_used * 2ull),
          now(at), heard_at(at), swept_at(at), idle(o.idle_burst, o.idle_rate, at),
          frames(o.frame_burst, o.frame_rate, at) {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() { hold(0); }

    // ---- Input: the header, then what follows it
    std::size_t take_header(std::span<const std::byte> bytes);
    result<void> handle(const frame_header& h);
    result<void> handle_stream_frame(const frame_header& h);
    result<void> handle_ping(const frame_header& h);
    result<void> handle_go_away(const frame_header& h);
    result<void> open_by_peer(const frame_header& h);
    result<void> start_data(stream& s, const frame_header& h);
    result<void> add_send_window(stream& s, std::uint32_t n);
    void take_body(std::span<const std::byte> bytes);
    void end_body();
    void peer_finished(stream_id id, stream& s);
    void peer_reset(stream_id id, stream& s, std::uint32_t why);
    result<void> charge();

    // ---- Output
    std::size_t room() const noexcept;
    void put(const frame_header& h);
    void put_owed();
    void put_owed_of(stream_id id, stream& s);
    void put_data(stream_id id, stream& s, std::span<const std::byte> bytes);
    std::uint16_t take_flags(stream& s) noexcept;
    void list(stream_id id, stream& s);

    // ---- Streams
    bool is_own(stream_id id) const noexcept {
        return (id % 2 == 1) == (own == role::dialer);
    }
    stream* find(stream_id id) noexcept;
    stream& at(stream_id id) noexcept;
    /// Of all streams, in their order.
    std::vector<stream_id> ids() const;
    bool acknowledged(stream& s) noexcept;  ///< false if it was already
    void announce(stream_id id, stream& s, bool readable, bool writable);
    void abort(stream_id id, stream& s, std::uint32_t why);
    void remove_if_over(stream_id id, stream& s);
    bool bury_oldest(bool opened_here);  ///< false if there is none that can be

    // ---- What is unread
    std::uint64_t may_hold() const noexcept;
    void hold(std::uint64_t n) noexcept;
    bool has_room(const stream& s, std::uint64_t n) const noexcept;
    bool keep(stream& s, std::span<const std::byte> bytes);  ///< false if there is no room
    void take_read(stream& s, std::size_t n);
    void drop_unread(stream& s);

    // ---- Time
    void start_ping();
    void sweep();
    clock::time_point sweep_due() const noexcept;
    clock::time_point silence_due() const noexcept;

    /// Ends the session; the peer is told `code`.
    std::error_code fail_with(std::error_code why, go_away_code code);
    void announce_end();

    role own;
    options limits;
    std::uint64_t next_id;
    std::unordered_map<stream_id, stream, detail::id_hash> streams;
    stream_id found_id = session_id;  ///< of them, the one looked up last
    stream* found = nullptr;
    std::size_t opened = 0;  ///< of them, here
    std::size_t unacknowledged = 0;
    id_queue unaccepted;  ///< may have been reset since
    id_queue left;        ///< released, while the peer has not finished
    std::uint64_t unread = 0;
    std::uint64_t held = 0;  ///< memory, for what is unread
    std::uint64_t window_growth = 0;

    std::array<std::byte, frame_header::size> header;
    std::size_t header_size = 0;
    std::uint32_t body_left = 0;
    stream_id body_stream = session_id;  ///< that the bytes are for; 0: for nobody
    bool body_finishes = false;

    buffer out;
    std::vector<stream_id> owing;
    std::vector<stream_id> refused;     ///< to be reset, and not known otherwise
    std::vector<std::uint32_t> pongs;   ///< to be answered
    std::optional<std::uint32_t> ping;  ///< to be asked
    bool ping_can_wait = false;         ///< for something else that is to be said
    std::optional<go_away_code> goodbye;  ///< to be said

    id_queue news;

    clock::time_point now;
    clock::time_point heard_at;
    clock::time_point swept_at;  ///< for idle streams
    std::optional<clock::time_point> asked_at;   ///< while an answer is awaited
    std::optional<clock::time_point> measured_at;  ///< when the round trip was asked for last
    std::uint32_t ping_number = 0;
    std::optional<clock::duration> round_trip;
    idle_budget idle;
    frame_budget frames;

    bool went_away = false;
    std::optional<go_away_code> peer_went_away;
    std::error_code ended{};
};

}  // namespace copoll::p2p::yamux
