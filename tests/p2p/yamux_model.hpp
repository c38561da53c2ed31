// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/p2p/yamux.hpp>

namespace copoll_tests {

/// The headers of frames that come in any pieces.
class frame_headers {
public:
    template <class F>
    void take(std::span<const std::byte> bytes, F on_header) {
        using copoll::p2p::yamux::frame_header;
        using copoll::p2p::yamux::frame_type;
        while (!bytes.empty()) {
            const std::size_t wanted = body_ > 0 ? body_ : frame_header::size - head_.size();
            const auto part = bytes.first(std::min(bytes.size(), wanted));
            bytes = bytes.subspan(part.size());
            if (body_ > 0) {
                body_ -= part.size();
                continue;
            }
            head_.append(part);
            if (head_.size() < frame_header::size) continue;
            const auto h = frame_header::decode(
                std::as_const(head_).data().first<frame_header::size>());
            head_.clear();
            if (h && h->type == frame_type::data) body_ = h->length;
            if (h) on_header(*h);
        }
    }

    bool is_between_frames() const noexcept { return head_.empty() && body_ == 0; }

private:
    copoll::buffer head_{};
    std::size_t body_ = 0;
};

/// Two Yamux sessions with a wire between them, and what must hold whatever they are told to do.
///
/// Every step takes its choices from `next()`, which gives numbers: of a random generator, or of a
/// fuzzer's input. `broken` says what did not hold, and is null if all did:
///
/// - the bytes of a stream arrive in order, and none but those that were written;
/// - nobody sends more than was granted to it, on the wire;
/// - what was received and not read is never more than the windows' sizes, its memory never more
///   than the options allow, and in proportion to it; a budget counts what its sessions hold;
/// - who was told to wait is told when there is something again (no lost wake-up);
/// - nobody is cut off for too much work, or given up while it is heard;
/// - a stream is reset only if somebody said so, for want of memory or of places, or because it
///   was idle for as long as it may be;
/// - in the end everything arrives that was written on streams that were not reset, and also what
///   was finished and then released; and when all is released, nothing is left.
template <class Next>
class yamux_model {
public:
    explicit yamux_model(Next next, const copoll::p2p::yamux::options& o = {})
        : next_(std::move(next)), options_(o),
          ends_{end{engine{copoll::p2p::role::dialer, now_, o}},
                end{engine{copoll::p2p::role::listener, now_, o}}} {}

    const char* broken = nullptr;

    void step() {
        const std::size_t side = next_() % 2;
        switch (next_() % 14) {
            case 0: return open(side);
            case 1: return accept(side);
            case 2:
            case 3: {
                const id one = pick(side);
                return write(side, one, up_to(30'000));
            }
            case 4:
            case 5: {
                const id one = pick(side);
                return read(side, one, up_to(30'000));
            }
            case 6: return finish(side, pick(side));
            case 7: return next_() % 8 == 0 ? reset(side, pick(side)) : void();
            case 8: return next_() % 4 == 0 ? release(side, pick(side)) : void();
            case 9: {
                const std::size_t longest = next_() % 8 ? 50 : 2500;
                return pass(std::chrono::milliseconds{next_() % longest});
            }
            case 10: return next_() % 4 == 0 ? fill(side, pick(side)) : void();
            case 11: return next_() % 4 == 0 ? answer_and_leave(side, pick(side)) : void();
            default: {
                const bool all = next_() % 4 == 0;
                return carry(side, all ? SIZE_MAX : up_to(100'000));
            }
        }
    }

    /// Lets everything arrive, and reads it; then releases all.
    void settle() {
        exchange_all();
        for (const std::size_t side : both) {
            for (const auto& [one, s] : ends_[side].streams) {
                if (s.over || given_up_) continue;
                const auto& others = ends_[1 - side];
                if (const auto left = others.left.find(one); left != others.left.end()) {
                    expect(s.received == left->second, "bytes of a released stream were lost");
                    expect(s.ended, "the end of a released stream was lost");
                }
                const auto peer = others.streams.find(one);
                if (spoiled_.contains(one) || peer == others.streams.end()) continue;
                expect(s.received == peer->second.written, "bytes did not arrive");
                expect(s.ended == peer->second.finished, "an end did not arrive");
            }
        }
        if (given_up_) return;
        for (const std::size_t side : both) {
            for (const id one : ids(side)) {
                finish(side, one);
                release(side, one);
            }
        }
        exchange_all();
        for (end& e : ends_) {
            for (bool more = true; more; more = e.session.next_event().has_value()) {}
            expect(e.session.streams() == 0, "a stream is left");
            expect(e.session.unread() == 0 && e.session.held() == 0, "memory is left");
        }
    }

    /// What has happened, so that who runs models can tell that it has.
    struct counters {
        std::uint64_t carried = 0;    ///< bytes
        std::uint64_t given_up = 0;   ///< sessions whose peer was silent
        std::uint64_t idle = 0;       ///< streams that were reset for that
        std::uint64_t bounded = 0;    ///< streams that were reset for want of memory
        std::uint64_t throttled = 0;  ///< times that a peer was heard later

        counters& operator+=(const counters& o) noexcept {
            carried += o.carried;
            given_up += o.given_up;
            idle += o.idle;
            bounded += o.bounded;
            throttled += o.throttled;
            return *this;
        }
    };
    const counters& happened() const noexcept { return happened_; }

private:
    using id = copoll::p2p::yamux::stream_id;
    using engine = copoll::p2p::yamux::session;
    using header = copoll::p2p::yamux::frame_header;
    using time_point = copoll::clock::time_point;
    static constexpr id none = 0;
    static constexpr std::array<std::size_t, 2> both{0, 1};

    struct seen {
        time_point moved_at;  ///< something was read or written
        std::uint64_t written = 0, received = 0;
        bool finished = false, ended = false, over = false;
        bool waits_to_read = false, waits_to_write = false;
    };
    struct end {
        engine session;
        std::map<id, seen> streams{};
        std::map<id, std::uint64_t> left{};  ///< finished, then released: bytes that were written
        copoll::buffer wire{};               ///< to the other end
        frame_headers leaving{}, coming{};
        std::map<id, std::int64_t> granted{};  ///< beyond the initial window, and not used
        time_point heard_at{};
    };

    std::size_t up_to(std::size_t n) { return 1 + next_() % n; }

    void expect(bool holds, const char* what) {
        if (!holds && !broken) broken = what;
    }

    /// What `side` says on a stream, from `position` on.
    static std::span<const std::byte> text(id stream, std::size_t side, std::uint64_t position,
                                           std::size_t n) {
        constexpr std::size_t period = 65521, longest = 60'000;
        static const std::vector<std::byte> all = [] {
            std::vector<std::byte> made(period + longest);
            for (std::size_t i = 0; i < made.size(); ++i) {
                const std::uint64_t x = (i % period + 1) * std::uint64_t{0x9e3779b97f4a7c15};
                made[i] = static_cast<std::byte>(x >> 56);
            }
            return made;
        }();
        return std::span(all).subspan((position + stream * 977 + side * 31) % period, n);
    }

    std::vector<id> ids(std::size_t side) const {
        std::vector<id> all;
        for (const auto& [one, s] : ends_[side].streams) all.push_back(one);
        return all;
    }

    /// One of the streams that the side holds.
    id pick(std::size_t side) {
        auto& all = ends_[side].streams;
        if (all.empty()) return none;
        // half of it happens to the first few, so that something comes of it
        const std::size_t some = next_() % 2 ? all.size() : std::min<std::size_t>(all.size(), 3);
        return std::next(all.begin(), static_cast<std::ptrdiff_t>(next_() % some))->first;
    }

    /// Until nothing moves any more.
    void exchange_all() {
        for (bool moved = true; moved && !broken;) {
            moved = false;
            for (const std::size_t side : both) {
                const std::uint64_t before = moved_;
                carry(side, SIZE_MAX);
                while (!broken && ends_[side].session.has_unaccepted()) accept(side);
                for (const id one : ids(side)) read(side, one, 20'000);
                moved = moved || moved_ != before;
            }
        }
    }

    // ---- What is done to a session

    void open(std::size_t side) {
        const auto opened = ends_[side].session.open();
        if (opened && *opened) ends_[side].streams.try_emplace(**opened, now_);
    }

    void accept(std::size_t side) {
        const auto accepted = ends_[side].session.accept();
        if (!accepted) return;
        expect(ends_[side].streams.try_emplace(*accepted, now_).second, "an id was used twice");
        if (is_reset(side, *accepted)) spoil(side, *accepted);  // while it waited
        ++moved_;
    }

    void write(std::size_t side, id one, std::size_t n) {
        if (one == none) return;
        end& e = ends_[side];
        seen& s = e.streams.at(one);
        const auto r = e.session.write(one, text(one, side, s.written, n));
        expect(!s.waits_to_write || (r.n == 0 && !r.ec), "a writer was not woken");
        s.waits_to_write = r.n == 0 && !r.ec && e.session.send_window(one) == 0;
        s.written += r.n;
        if (r.n > 0) s.moved_at = now_;
        if (r.ec == copoll::p2p::errc::stream_reset && !ends_[1 - side].left.contains(one))
            spoil(side, one);
    }

    /// The whole window; it is on the wire then.
    void fill(std::size_t side, id one) {
        if (one == none) return;
        const seen& s = ends_[side].streams.at(one);
        for (bool more = true; more;) {
            const std::uint64_t before = s.written;
            write(side, one, 60'000);
            take_output(side);
            more = s.written != before;
        }
    }

    void read(std::size_t side, id one, std::size_t n) {
        if (one == none) return;
        seen& s = ends_[side].streams.at(one);
        const auto into = std::span(memory_).first(n);
        const auto r = ends_[side].session.read(one, into);
        expect(!s.waits_to_read || (r.n == 0 && !r.ec), "a reader was not woken");
        s.waits_to_read = r.n == 0 && !r.ec;
        expect(std::ranges::equal(into.first(r.n), text(one, 1 - side, s.received, r.n)),
               "another byte arrived");
        s.received += r.n;
        moved_ += r.n;
        if (r.n > 0) s.moved_at = now_;
        if (r.ec == copoll::errc::eof) s.ended = true;
        if (r.ec != copoll::p2p::errc::stream_reset || s.over) return;
        const bool by_peer = ends_[side].session.reset_by_peer(one).has_value();
        expect(!by_peer || !ends_[1 - side].left.contains(one), "a released stream was reset");
        spoil(side, one);
    }

    void finish(std::size_t side, id one) {
        if (one == none) return;
        ends_[side].session.finish(one);
        ends_[side].streams.at(one).finished = true;
        hear_events(side);
    }

    void reset(std::size_t side, id one) {
        if (one == none) return;
        spoil(side, one);
        ends_[side].session.reset(one);
        hear_events(side);
    }

    void release(std::size_t side, id one) {
        if (one == none) return;
        end& e = ends_[side];
        const seen s = e.streams.at(one);
        if (s.finished && !s.over && !is_reset(side, one)) e.left[one] = s.written;
        e.session.release(one);
        e.streams.erase(one);
        spoiled_[one] = true;
    }

    void answer_and_leave(std::size_t side, id one) {
        write(side, one, up_to(1000));
        finish(side, one);
        release(side, one);
    }

    /// Nothing is expected to arrive on it any more.
    void spoil(std::size_t side, id one) {
        ends_[side].streams.at(one).over = true;
        spoiled_[one] = true;
    }

    bool is_reset(std::size_t side, id one) {
        return ends_[side].session.write(one, {}).ec == copoll::p2p::errc::stream_reset;
    }

    // ---- Time and the wire

    /// As those do who own a session: its time is looked at when it says.
    void pass(copoll::clock::duration d) {
        const time_point until = now_ + d;
        for (int i = 0; !given_up_; ++i) {
            const auto due = std::min(ends_[0].session.deadline(), ends_[1].session.deadline());
            expect(i < 10'000, "time does not pass");
            if (due > until || broken) break;
            now_ = std::max(now_, due);
            for (const std::size_t side : both) look_at_time(side);
        }
        now_ = until;
    }

    void look_at_time(std::size_t side) {
        end& e = ends_[side];
        if (e.session.deadline() > now_) return;
        const auto looked = e.session.check_time(now_);
        hear_events(side);
        if (looked) return;
        expect(looked.error() == copoll::p2p::errc::ping_unanswered, "time broke something");
        expect(now_ - e.heard_at >= options_.answer_within, "a peer was given up that was heard");
        given_up_ = true;
        ++happened_.given_up;
        ends_[1 - side].session.end(copoll::errc::connection_reset);
        for (const std::size_t each : both) {
            hear_events(each);
            for (const auto& [one, s] : ends_[each].streams)
                expect(!s.waits_to_read && !s.waits_to_write, "the end was not told");
        }
    }

    /// To the wire.
    void take_output(std::size_t side) {
        end& e = ends_[side];
        copoll::buffer& out = e.session.output(now_);
        e.leaving.take(std::as_const(out).data(), [&](const header& h) { leaves(e, h); });
        e.wire.append(std::as_const(out).data());
        out.clear();
    }

    /// Takes the output to the wire, and so many bytes of it to the other end.
    void carry(std::size_t from, std::size_t n) {
        if (given_up_) return;
        end& e = ends_[from];
        end& to = ends_[1 - from];
        take_output(from);
        if (const auto at = to.session.next_input(); at > now_) {
            ++happened_.throttled;
            if (!e.wire.empty()) to.heard_at = at;  // as far as it can be heard
            pass(at - now_);
        }
        if (given_up_) return;
        const auto bytes = std::as_const(e.wire).data().first(std::min(n, e.wire.size()));
        to.coming.take(bytes, [&](const header& h) { comes(to, h); });
        const auto heard = to.session.input(bytes, now_);
        expect(heard.has_value(), "a peer broke the protocol");
        if (!bytes.empty()) to.heard_at = now_;
        expect_in_time(to.session, bytes.size());
        happened_.carried += bytes.size();
        moved_ += bytes.size();
        e.wire.consume(bytes.size());
        hear_events(1 - from);
        expect_bounds(to.session);
    }

    void leaves(end& e, const header& h) {
        using namespace copoll::p2p::yamux;
        if (h.type != frame_type::data) return;
        std::int64_t& granted = e.granted[h.stream];
        granted -= h.length;
        expect(granted + std::int64_t{initial_window} >= 0, "more than the window was sent");
    }

    void comes(end& to, const header& h) {
        using namespace copoll::p2p::yamux;
        if (h.type == frame_type::window_update && !h.has(flag_rst))
            to.granted[h.stream] += h.length;
    }

    /// A peer that sent so many bytes is not heard later than frames of no bytes would be.
    void expect_in_time(const engine& s, std::size_t bytes) {
        if (options_.frame_rate == 0) return;
        const auto frames = static_cast<std::int64_t>(bytes / header::size + 1);
        const std::chrono::milliseconds most{frames * 1000 / options_.frame_rate + 3};
        expect(s.next_input() <= now_ + most, "a peer is not heard");
    }

    void expect_bounds(const engine& s) {
        const std::uint64_t streams = s.streams(), small = 16 * 1024;
        expect(s.unread() <= streams * options_.max_window, "more than the windows was kept");
        expect(s.unread() <= s.held(), "memory was not counted");
        expect(s.held() <= 4 * s.unread() + streams * small, "much memory for little was kept");
        expect(s.held() <= options_.max_unread, "more than allowed was kept");
        if (const auto& all = options_.unread_of_all) {
            std::uint64_t used = 0;
            for (const end& e : ends_)
                used += e.session.held() - std::min(e.session.held(), all->apart);
            expect(all->used == used, "a budget does not count what is held");
            expect(all->used <= all->limit, "more than the budget was kept");
        }
    }

    void hear_events(std::size_t side) {
        end& e = ends_[side];
        while (const auto event = e.session.next_event()) {
            const auto found = e.streams.find(event->stream);
            if (found == e.streams.end()) continue;
            if (event->readable) found->second.waits_to_read = false;
            if (event->writable) found->second.waits_to_write = false;
            if (!found->second.over && is_reset(side, event->stream))
                expect_reason(e, event->stream, found->second);
        }
    }

    /// For a reset by this side, which nobody has asked for.
    void expect_reason(const end& e, id one, const seen& s) {
        if (e.session.reset_by_peer(one) || e.session.error() || s.over) return;
        const bool is_idle = options_.idle_stream > copoll::clock::duration{} &&
                             now_ - s.moved_at >= options_.idle_stream;
        const bool is_bounded = options_.unread_of_all || options_.max_unread < 1024 * 1024;
        expect(is_idle || is_bounded, "a stream was reset for nothing");
        ++(is_bounded ? happened_.bounded : happened_.idle);
    }

    Next next_;
    copoll::p2p::yamux::options options_;
    time_point now_{};
    std::array<end, 2> ends_;
    std::map<id, bool> spoiled_;
    std::vector<std::byte> memory_ = std::vector<std::byte>(30'000);
    bool given_up_ = false;
    counters happened_{};
    std::uint64_t moved_ = 0;
};

/// Bounds and times of which `choice` takes some, bit by bit.
inline copoll::p2p::yamux::options model_options(unsigned choice) {
    using namespace std::chrono_literals;
    copoll::p2p::yamux::options o;
    if (choice & 1) o.max_accepted = o.max_opened = 3;
    if (choice & 1) o.max_unaccepted = o.max_unacknowledged = 2;
    if (choice & 2) o.max_unread = 300 * 1024;
    if (choice & 4) {
        o.unread_of_all =
            std::make_shared<copoll::p2p::yamux::unread_budget>(600'000, 0, 40'000);
    }
    if (choice & 8) o.idle_stream = 2s;
    if (choice & 16) o.keep_alive = 3s;
    if (choice & 16) o.answer_within = 2s;
    if (choice & 32) o.frame_burst = 50;
    if (choice & 32) o.frame_rate = 2000;
    return o;
}
constexpr unsigned model_choices = 64;

}  // namespace copoll_tests
