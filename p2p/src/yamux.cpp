// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/yamux.hpp>

#include <algorithm>
#include <limits>
#include <utility>

#include <copoll/detail/assert.hpp>

#include "spare_buffers.hpp"
#include "yamux_state.hpp"

namespace copoll::p2p::yamux {
namespace {

/// Bytes of data frames that wait in `output`: with their headers what a Noise record carries.
constexpr std::size_t most_output = 65518;

/// Room below which a frame of data is not begun, unless it is the whole rest.
constexpr std::size_t least_frame = 1024;

/// Answers that wait; with more no input is wanted.
constexpr std::size_t most_refused = 64;

}  // namespace

session::session(role own_role, clock::time_point now, const options& o)
    : state_(std::make_unique<state>(own_role, now, o)) {}
session::session(session&&) noexcept = default;
session& session::operator=(session&&) noexcept = default;
session::~session() = default;

// ---- Output

bool session::wants_input() const noexcept {
    return state_->refused.size() < most_refused && state_->out.size() < 2 * most_output;
}

bool session::has_output() const noexcept {
    const state& s = *state_;
    return !s.out.empty() || !s.owing.empty() || !s.refused.empty() || !s.pongs.empty() ||
           (s.ping && !s.ping_can_wait) || s.goodbye;
}

bool session::is_full() const noexcept {
    return state_->room() < frame_header::size + least_frame;
}

buffer& session::output(clock::time_point now) {
    state_->now = now;
    state_->put_owed();
    return state_->out;
}

std::size_t session::state::room() const noexcept {
    return most_output - std::min(most_output, out.size());
}

void session::state::put(const frame_header& h) {
    detail::spare_buffers::provide(out);
    out.append(h.encode());
}

/// In a batch that leaves together the order of frames does not matter, but that goodbye is last.
void session::state::put_owed() {
    for (const std::uint32_t number : std::exchange(pongs, {}))
        put({frame_type::ping, flag_ack, session_id, number});
    if (ping) {
        put({frame_type::ping, flag_syn, session_id, *std::exchange(ping, std::nullopt)});
        asked_at = now;
    }
    for (const stream_id id : std::exchange(refused, {}))
        put({frame_type::window_update, flag_rst, id,
             static_cast<std::uint32_t>(reset_code::resource_limit)});
    for (const stream_id id : owing) {
        stream* const s = find(id);
        if (!s) continue;
        s->is_listed = false;
        if (!ended) put_owed_of(id, *s);
        remove_if_over(id, *s);
    }
    owing.clear();
    if (goodbye) {
        put({frame_type::go_away, 0, session_id,
             static_cast<std::uint32_t>(*std::exchange(goodbye, std::nullopt))});
    }
}

void session::state::put_owed_of(stream_id id, stream& s) {
    const bool owes = s.owes_syn || s.owes_ack || s.owes_fin;
    std::uint16_t flags = take_flags(s);
    if (std::exchange(s.owes_fin, false)) flags |= flag_fin;
    std::uint32_t granted = 0;
    if (!s.peer_finished && !s.is_reset && !s.released) {
        const std::uint32_t before = s.window.size();
        // no more is promised than could be held at this moment
        const std::uint64_t most_growth = std::min(limits.max_window_growth, may_hold());
        const std::uint64_t growth =
            std::min(less(limits.max_window, before), less(most_growth, window_growth));
        granted = s.window.grant(now, round_trip, growth);
        window_growth += s.window.size() - before;
    }
    if (owes || granted > 0) put({frame_type::window_update, flags, id, granted});
    if (std::exchange(s.owes_rst, false))
        put({frame_type::window_update, flag_rst, id, s.why_reset});
}

std::uint16_t session::state::take_flags(stream& s) noexcept {
    unsigned flags = 0;
    if (std::exchange(s.owes_syn, false)) flags |= flag_syn;
    if (std::exchange(s.owes_ack, false)) flags |= flag_ack;
    return static_cast<std::uint16_t>(flags);
}

void session::state::put_data(stream_id id, stream& s, std::span<const std::byte> bytes) {
    put({frame_type::data, take_flags(s), id, static_cast<std::uint32_t>(bytes.size())});
    out.append(bytes);
    idle.earn();
    frames.earn(static_cast<std::uint32_t>(bytes.size()));
}

void session::state::list(stream_id id, stream& s) {
    if (std::exchange(s.is_listed, true)) return;
    owing.push_back(id);
}

// ---- Streams

stream* session::state::find(stream_id id) noexcept {
    if (id == found_id) return found;  // frames of a stream follow each other
    const auto at = streams.find(id);
    if (at == streams.end()) return nullptr;
    found_id = id;
    return found = &at->second;
}

std::vector<stream_id> session::state::ids() const {
    std::vector<stream_id> all;
    all.reserve(streams.size());
    for (const auto& [id, s] : streams) all.push_back(id);
    std::ranges::sort(all);
    return all;
}

stream& session::state::at(stream_id id) noexcept {
    stream* const s = find(id);
    copoll::detail::expects(s && !s->released && !s->unaccepted, "yamux: no such stream");
    return *s;
}

result<std::optional<stream_id>> session::open() {
    state& s = *state_;
    if (s.ended) return fail(s.ended);
    constexpr std::uint64_t last_id = std::numeric_limits<stream_id>::max();
    // ids are never used again; the peer is not told, as it would end what is open as well
    if (s.next_id > last_id) return fail(errc::going_away);
    if (s.went_away || s.peer_went_away) return fail(errc::going_away);
    if (s.opened >= s.limits.max_opened && !s.bury_oldest(true))
        return fail(errc::too_many_streams);
    if (s.unacknowledged >= s.limits.max_unacknowledged) return std::nullopt;
    const auto id = static_cast<stream_id>(std::exchange(s.next_id, s.next_id + 2));
    stream& fresh = s.streams.try_emplace(id, s.now).first->second;
    fresh.unacknowledged = fresh.owes_syn = true;
    ++s.unacknowledged;
    ++s.opened;
    s.list(id, fresh);
    return id;
}

bool session::has_unaccepted() const noexcept { return !state_->unaccepted.empty(); }

std::optional<stream_id> session::accept() {
    state& s = *state_;
    if (s.unaccepted.empty()) return std::nullopt;
    const stream_id id = s.unaccepted.front();
    s.unaccepted.pop_front();
    stream& accepted = *s.find(id);
    accepted.unaccepted = false;
    accepted.owes_ack = !accepted.is_reset;
    accepted.idle_for = 0;
    s.list(id, accepted);
    s.announce(id, accepted, true, true);
    return id;
}

bool session::state::acknowledged(stream& s) noexcept {
    if (!std::exchange(s.unacknowledged, false)) return false;
    --unacknowledged;
    return true;
}

io_result session::read(stream_id id, std::span<std::byte> into) {
    stream& s = state_->at(id);
    if (!s.unread.empty()) {
        const auto data = std::as_const(s.unread).data();
        const std::size_t n = std::min(data.size(), into.size());
        std::ranges::copy(data.first(n), into.begin());
        state_->take_read(s, n);
        s.idle_for = 0;
        s.reader_waits = false;
        if (s.window.is_grant_due() && !s.peer_finished) state_->list(id, s);
        return {{}, n};
    }
    if (s.peer_finished && !s.reset_here) return {copoll::errc::eof, 0};
    if (s.is_reset) return {errc::stream_reset, 0};
    if (!into.empty()) s.reader_waits = true;
    return {state_->ended, 0};
}

io_result session::write(stream_id id, std::span<const std::byte> bytes) {
    stream& s = state_->at(id);
    if (s.is_reset) return {errc::stream_reset, 0};
    if (s.finished) return {copoll::errc::closed, 0};
    if (state_->ended) return {state_->ended, 0};
    const std::size_t wanted = std::min<std::size_t>(bytes.size(), s.send_window);
    const std::size_t room = state_->room();
    if (!bytes.empty()) s.writer_waits = s.send_window == 0;
    if (wanted == 0 || room < frame_header::size + std::min(wanted, least_frame)) return {};
    const std::size_t n = std::min(wanted, room - frame_header::size);
    state_->put_data(id, s, bytes.first(n));
    s.send_window -= static_cast<std::uint32_t>(n);
    s.idle_for = 0;
    return {{}, n};
}

void session::wait_for_room(stream_id id, bool waits) noexcept {
    if (stream* const s = state_->find(id)) s->waits_for_room = waits;
}

void session::stop_reading(stream_id id) noexcept {
    if (stream* const s = state_->find(id)) s->reader_waits = false;
}

void session::stop_writing(stream_id id) noexcept {
    if (stream* const s = state_->find(id)) s->writer_waits = false;
}

std::uint32_t session::send_window(stream_id id) const noexcept {
    return state_->at(id).send_window;
}

result<void> session::finish(stream_id id) {
    stream& s = state_->at(id);
    if (s.is_reset) return fail(errc::stream_reset);
    if (state_->ended) return fail(state_->ended);
    if (std::exchange(s.finished, true)) return {};
    s.owes_fin = true;
    state_->list(id, s);
    if (s.writer_waits) state_->announce(id, s, false, true);
    return {};
}

void session::reset(stream_id id, reset_code why) {
    stream& s = state_->at(id);
    if (!s.is_over()) return state_->abort(id, s, static_cast<std::uint32_t>(why));
    s.is_reset = s.reset_here = true;
    state_->drop_unread(s);
    state_->announce(id, s, true, true);
}

std::optional<reset_code> session::reset_by_peer(stream_id id) const noexcept {
    const stream& s = state_->at(id);
    if (!s.reset_by_peer) return std::nullopt;
    return static_cast<reset_code>(s.why_reset);
}

void session::release(stream_id id) {
    stream& s = state_->at(id);
    s.released = true;
    state_->drop_unread(s);
    if (!s.finished && !s.is_reset) {
        state_->abort(id, s, static_cast<std::uint32_t>(reset_code::none));
    } else if (!s.is_reset && !s.peer_finished) {
        state_->left.push_back(id);
    }
    state_->remove_if_over(id, s);
}

/// Makes place for a stream by resetting one that is left. A reset can destroy at the peer what it
/// has not read yet; one that comes before the end of the stream certainly does.
bool session::state::bury_oldest(bool opened_here) {
    for (const stream_id id : left) {
        stream& s = *find(id);
        if (is_own(id) != opened_here || s.is_reset || s.owes_frame()) continue;
        put({frame_type::window_update, flag_rst, id,
             static_cast<std::uint32_t>(reset_code::garbage_collected)});
        s.is_reset = true;
        remove_if_over(id, s);
        return true;
    }
    return false;
}

/// Of a stream of which the peer never heard it hears nothing. What was finished and then released
/// has its end before the reset: nobody wanted to take it back.
void session::state::abort(stream_id id, stream& s, std::uint32_t why) {
    const bool has_end = s.released && s.owes_fin && !s.owes_syn;
    s.is_reset = s.reset_here = true;
    s.why_reset = why;
    s.owes_rst = !s.owes_syn;
    s.owes_ack = s.owes_ack && has_end;
    s.owes_fin = has_end;
    s.owes_syn = false;
    acknowledged(s);
    drop_unread(s);
    announce(id, s, true, true);
    list(id, s);
}

/// Nothing may be done with the stream after this.
void session::state::remove_if_over(stream_id id, stream& s) {
    const bool unheld = s.released || (s.unaccepted && s.is_reset);
    if (!unheld || !s.is_over() || s.owes_frame()) return;
    acknowledged(s);
    if (s.unaccepted) unaccepted.erase(id);
    if (s.released) left.erase(id);
    if (is_own(id)) --opened;
    window_growth -= s.window.size() - initial_window;
    if (id == found_id) {
        found_id = session_id;
        found = nullptr;
    }
    streams.erase(id);
}

// ---- Events

void session::state::announce(stream_id id, stream& s, bool readable, bool writable) {
    if (s.released || s.unaccepted) return;
    s.readable = s.readable || readable;
    s.writable = s.writable || writable;
    if (!std::exchange(s.has_news, true)) news.push_back(id);
}

std::optional<stream_event> session::next_event() {
    while (!state_->news.empty()) {
        const stream_id id = state_->news.front();
        state_->news.pop_front();
        stream* const s = state_->find(id);
        if (!s || s->released) continue;
        s->has_news = false;
        return stream_event{id, std::exchange(s->readable, false),
                            std::exchange(s->writable, false)};
    }
    return std::nullopt;
}

// ---- The session

void session::go_away(go_away_code why) {
    state& s = *state_;
    if (s.ended) return;
    if (why != go_away_code::normal) {
        s.fail_with(copoll::errc::closed, why);
    } else if (!std::exchange(s.went_away, true)) {
        s.goodbye = why;
    }
}

void session::end(std::error_code why) {
    if (state_->ended) return;
    state_->ended = why;
    state_->announce_end();
}

std::error_code session::state::fail_with(std::error_code why, go_away_code code) {
    ended = why;
    goodbye = code;
    announce_end();
    return why;
}

void session::state::announce_end() {
    for (const stream_id id : ids()) announce(id, *find(id), true, true);
}

std::error_code session::error() const noexcept { return state_->ended; }
std::optional<go_away_code> session::peer_went_away() const noexcept {
    return state_->peer_went_away;
}
std::size_t session::streams() const noexcept { return state_->streams.size(); }
bool session::expects_input() const noexcept {
    return std::ranges::any_of(state_->streams, [](const auto& entry) {
        const stream& s = entry.second;
        return !s.peer_finished && !s.is_reset && !s.released;
    });
}

}  // namespace copoll::p2p::yamux
