// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>

#include <copoll/time.hpp>

#include "yamux_state.hpp"

/// What a session does because time passes: asks silent peers, measures, resets idle streams.

namespace copoll::p2p::yamux {
namespace {

/// In the time after which a stream is idle.
constexpr unsigned sweeps = 4;

}  // namespace

/// It counts as asked when it leaves.
void session::state::start_ping() {
    ping = ++ping_number;
    measured_at = now;
    ping_can_wait = true;
}

clock::time_point session::state::silence_due() const noexcept {
    using copoll::detail::after;
    if (limits.keep_alive == clock::duration{}) return clock::time_point::max();
    // a peer that nobody listens to is not silent
    const auto since = std::max(heard_at, frames.next_due());
    if (asked_at) return after(std::max(*asked_at, since), limits.answer_within);
    return after(since, limits.keep_alive);
}

clock::time_point session::state::sweep_due() const noexcept {
    if (limits.idle_stream == clock::duration{}) return clock::time_point::max();
    return copoll::detail::after(swept_at, limits.idle_stream / sweeps);
}

/// Counting sweeps takes a byte of a stream, and no clock when something moves.
void session::state::sweep() {
    swept_at = now;
    for (const stream_id id : ids()) {
        stream& s = *find(id);
        if (s.is_over()) continue;
        if (!s.is_up_to_peer()) s.idle_for = 0;
        else if (s.idle_for++ >= sweeps)
            abort(id, s, static_cast<std::uint32_t>(reset_code::garbage_collected));
    }
}

clock::time_point session::deadline() const noexcept {
    const state& s = *state_;
    if (s.ended) return clock::time_point::max();
    return std::min(s.silence_due(), s.sweep_due());
}

result<void> session::check_time(clock::time_point now) {
    state& s = *state_;
    if (s.ended) return fail(s.ended);
    s.now = now;
    if (now >= s.sweep_due()) s.sweep();
    if (now < s.silence_due()) return {};
    if (s.asked_at) return fail(s.fail_with(errc::ping_unanswered, go_away_code::normal));
    if (!s.ping) s.start_ping();
    s.ping_can_wait = false;
    s.asked_at = now;  // a peer to which nothing can be said is gone, too
    return {};
}

std::optional<clock::duration> session::round_trip() const noexcept { return state_->round_trip; }

}  // namespace copoll::p2p::yamux
