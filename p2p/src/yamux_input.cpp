// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>

#include "yamux_state.hpp"

/// What the peer's frames do to a session.

namespace copoll::p2p::yamux {
namespace {

/// Pings that wait for their answer; more are not answered.
constexpr std::size_t most_pongs = 32;

/// Round trips are measured again after so long, while there is data.
constexpr clock::duration measure_after = std::chrono::seconds{10};

}  // namespace

result<void> session::input(std::span<const std::byte> bytes, clock::time_point now) {
    state& s = *state_;
    if (s.ended) return fail(s.ended);
    s.now = now;
    s.frames.refill(now);
    if (!bytes.empty()) s.heard_at = now;
    while (!bytes.empty()) {
        if (s.body_left > 0) {
            const auto part = bytes.first(std::min<std::size_t>(bytes.size(), s.body_left));
            s.take_body(part);
            bytes = bytes.subspan(part.size());
            continue;
        }
        bytes = bytes.subspan(s.take_header(bytes));
        if (s.header_size < frame_header::size) break;
        s.header_size = 0;
        const auto h = frame_header::decode(s.header);
        if (!h) return fail(s.fail_with(h.error(), go_away_code::protocol_error));
        s.frames.spend(h->type == frame_type::data ? h->length : 0);
        if (const auto handled = s.handle(*h); !handled) {
            if (s.ended) return fail(s.ended);  // by the peer
            return fail(s.fail_with(handled.error(), go_away_code::protocol_error));
        }
    }
    return {};
}

clock::time_point session::next_input() const noexcept { return state_->frames.next_due(); }

std::size_t session::state::take_header(std::span<const std::byte> bytes) {
    const auto part = bytes.first(std::min(bytes.size(), header.size() - header_size));
    std::ranges::copy(part, header.begin() + static_cast<std::ptrdiff_t>(header_size));
    header_size += part.size();
    return part.size();
}

result<void> session::state::charge() {
    if (!idle.spend(now)) return fail(errc::too_much_work);
    return {};
}

result<void> session::state::handle(const frame_header& h) {
    switch (h.type) {
        case frame_type::data:
        case frame_type::window_update: return handle_stream_frame(h);
        case frame_type::ping: return handle_ping(h);
        case frame_type::go_away: return handle_go_away(h);
    }
    return fail(errc::malformed_frame);
}

result<void> session::state::handle_stream_frame(const frame_header& h) {
    const bool is_data = h.type == frame_type::data;
    if (is_data) body_left = h.length;
    body_stream = session_id;
    if (h.has(flag_syn)) {
        if (const auto opened_there = open_by_peer(h); !opened_there) return opened_there;
        // refused or not; one that gets an answer is paid by that
        if (const auto paid = charge(); !paid || !find(h.stream)) return paid;
    }
    stream* const s = find(h.stream);
    // it was on its way when the stream ended here
    if (!s || s->is_reset) return h.length > 0 && is_data ? result<void>{} : charge();
    const bool accepted = acknowledged(*s);  // whatever the frame is
    if (h.has(flag_rst)) {
        peer_reset(h.stream, *s, is_data ? 0 : h.length);
        return charge();
    }
    if (is_data && h.length > 0) return start_data(*s, h);
    bool brings_something = h.has(flag_syn) || accepted;
    if (!is_data && h.length > 0) {
        if (const auto added = add_send_window(*s, h.length); !added) return added;
        announce(h.stream, *s, false, true);
        brings_something = true;
    }
    if (h.has(flag_fin) && !s->peer_finished) {
        peer_finished(h.stream, *s);
        brings_something = true;
    }
    return brings_something ? result<void>{} : charge();
}

result<void> session::state::open_by_peer(const frame_header& h) {
    if (is_own(h.stream) || streams.contains(h.stream)) return fail(errc::illegal_frame);
    if (h.type == frame_type::data && h.length > initial_window)
        return fail(errc::window_exceeded);
    const bool refuses = unaccepted.size() >= limits.max_unaccepted || went_away;
    const bool is_full = streams.size() - opened >= limits.max_accepted;
    if (refuses || (is_full && !bury_oldest(false))) {
        if (!h.has(flag_rst)) refused.push_back(h.stream);
        return {};
    }
    stream& s = streams.try_emplace(h.stream, now).first->second;
    s.unaccepted = true;
    unaccepted.push_back(h.stream);
    return {};
}

result<void> session::state::start_data(stream& s, const frame_header& h) {
    if (s.peer_finished) return fail(errc::illegal_frame);
    if (h.length > s.window.allowed()) return fail(errc::window_exceeded);
    if (!s.released && !has_room(s, h.length)) {
        abort(h.stream, s, static_cast<std::uint32_t>(reset_code::resource_limit));
        return {};
    }
    body_stream = h.stream;
    body_finishes = h.has(flag_fin);
    const bool is_asking = ping || asked_at;
    if (!is_asking && (!measured_at || now - *measured_at >= measure_after)) start_ping();
    return {};
}

void session::state::take_body(std::span<const std::byte> bytes) {
    const auto n = static_cast<std::uint32_t>(bytes.size());
    body_left -= n;
    stream* const s = body_stream == session_id ? nullptr : find(body_stream);
    if (s && !s->is_reset) {
        // was compared with the whole frame, and only reading can change it since
        static_cast<void>(s->window.receive(n));
        s->idle_for = 0;
        if (s->released) {
            s->window.read(n);
            if (s->window.allowed() == 0) abort(body_stream, *s, 0);
        } else if (keep(*s, bytes)) {
            announce(body_stream, *s, true, false);
        } else {  // another session has taken it since
            abort(body_stream, *s, static_cast<std::uint32_t>(reset_code::resource_limit));
        }
    }
    if (body_left == 0) end_body();
}

void session::state::end_body() {
    stream* const s = body_stream == session_id ? nullptr : find(body_stream);
    if (s && !s->is_reset && body_finishes) peer_finished(body_stream, *s);
    body_stream = session_id;
}

result<void> session::state::add_send_window(stream& s, std::uint32_t n) {
    if (s.send_window + n < s.send_window) return fail(errc::illegal_frame);
    s.send_window += n;
    s.idle_for = 0;
    return {};
}

void session::state::peer_finished(stream_id id, stream& s) {
    if (s.peer_finished) return;
    s.peer_finished = true;
    announce(id, s, true, false);
    remove_if_over(id, s);
}

void session::state::peer_reset(stream_id id, stream& s, std::uint32_t why) {
    s.is_reset = s.reset_by_peer = true;
    s.why_reset = why;
    s.owes_syn = s.owes_ack = s.owes_fin = s.owes_rst = false;
    acknowledged(s);
    // what it had said whole before can be read to its end
    if (!s.peer_finished || s.unaccepted) drop_unread(s);
    announce(id, s, true, true);
    remove_if_over(id, s);
}

result<void> session::state::handle_ping(const frame_header& h) {
    if (h.has(flag_syn)) {
        if (pongs.size() < most_pongs) pongs.push_back(h.length);
        return charge();
    }
    if (!h.has(flag_ack) || !asked_at || h.length != ping_number) return charge();
    round_trip = now - *asked_at;
    asked_at.reset();
    return {};
}

result<void> session::state::handle_go_away(const frame_header& h) {
    peer_went_away = static_cast<go_away_code>(h.length);
    if (*peer_went_away == go_away_code::normal) return charge();
    ended = errc::closed_by_peer;
    announce_end();
    return fail(ended);
}

}  // namespace copoll::p2p::yamux
