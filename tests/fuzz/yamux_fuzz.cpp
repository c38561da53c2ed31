// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/yamux.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "fuzz.hpp"
#include "p2p/yamux_model.hpp"

using namespace copoll::p2p;
using namespace copoll::p2p::yamux;
using namespace std::chrono_literals;

namespace {

/// What is known of a stream, by what went in and came out.
struct account {
    std::int64_t may_send = initial_window;  ///< what the session may send
    std::int64_t may_read = initial_window;  ///< what can be read from it
    std::uint64_t written = 0, sent = 0;
    bool finished = false, end_sent = false, given_up = false;
    bool waits_to_read = false, waits_to_write = false;
};

/// A session whose peer says what it likes, while the application uses the streams as it should.
class subject {
public:
    subject(role own, const yamux::options& o)
        : options_(o), paid_(cost * o.frame_burst), session_(own, now_, o) {}

    void hear(std::span<const std::byte> bytes) {
        if (!session_.error()) coming_.take(bytes, [this](const frame_header& h) { comes(h); });
        const auto taken = session_.input(bytes, now_);
        if (taken && !bytes.empty()) heard_at_ = now_;
        if (!taken) must(taken.error().category() == category());
        must(taken.has_value() == !session_.error());
        if (options_.frame_rate > 0) {
            const auto frames = bytes.size() / frame_header::size + 1;
            owed_ = std::max(owed_, now_) + (frames * 1000 / options_.frame_rate + 3) * 1ms;
            must(session_.next_input() <= owed_);
            must(paid_ >= 0 || session_.next_input() > now_ || session_.error());
        }
    }
    /// Much on one stream, if nothing else is on its way.
    void hear_much(stream_id id, std::uint32_t n) {
        if (!coming_.is_between_frames()) return;
        copoll::buffer in;
        in.append(frame_header{frame_type::data, 0, id, n}.encode());
        in.commit(in.prepare(n).size());
        hear(std::as_const(in).data());
    }
    void accept() {
        if (const auto id = session_.accept()) held.push_back(*id);
    }
    void open() {
        const auto id = session_.open();
        if (!id || !*id) return;
        accounts_[**id] = {};
        held.push_back(**id);
    }
    void pass(copoll::clock::duration d) {
        now_ += d;
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
        pay((cost * options_.frame_rate * ms + 999) / 1000);
        if (session_.deadline() > now_) return;
        const bool was_alive = !session_.error();
        const auto looked = session_.check_time(now_);
        if (looked) return must(session_.deadline() > now_);
        if (was_alive) must(now_ - heard_at_ >= options_.answer_within);
    }
    void read(stream_id id) {
        account& a = accounts_[id];
        const auto r = session_.read(id, memory_);
        must(!a.waits_to_read || (r.n == 0 && !r.ec));
        a.waits_to_read = r.n == 0 && !r.ec;
        a.may_read -= static_cast<std::int64_t>(r.n);
        must(a.may_read >= 0 || session_.error());
    }
    void write(stream_id id) {
        account& a = accounts_[id];
        const auto r = session_.write(id, memory_);
        must(!a.waits_to_write || (r.n == 0 && !r.ec));
        a.waits_to_write = r.n == 0 && !r.ec && session_.send_window(id) == 0;
        a.written += r.n;
        pay(static_cast<std::int64_t>(r.n));
    }
    void finish(stream_id id) { accounts_[id].finished = session_.finish(id).has_value(); }
    void reset(stream_id id) {
        accounts_[id].given_up = true;
        session_.reset(id);
    }
    void release(stream_id id) {
        const bool is_reset = session_.write(id, {}).ec == errc::stream_reset;
        account& a = accounts_[id];
        if (!a.finished || a.given_up || is_reset) a.given_up = true;
        else left_[id] = true;
        session_.release(id);
        std::erase(held, id);
    }

    /// After each step.
    void look() {
        must(session_.unread() <= session_.held());
        must(session_.held() <= options_.max_unread);
        must(session_.held() <= 4 * session_.unread() + 16 * 1024 * session_.streams());
        if (const auto& all = options_.unread_of_all) {
            must(all->used == of_others + std::max(session_.held(), all->apart) - all->apart);
            must(all->used <= all->limit);
        }
        must(session_.streams() <= options_.max_accepted + options_.max_opened);
        while (const auto event = session_.next_event()) {
            must(std::ranges::find(held, event->stream) != held.end());
            if (event->readable) accounts_[event->stream].waits_to_read = false;
            if (event->writable) accounts_[event->stream].waits_to_write = false;
        }
        const copoll::buffer& out = session_.output(now_);
        must(out.size() < 140'000);
        must(seen_ <= out.size());
        leaving_.take(out.data().subspan(seen_), [this](const frame_header& h) { leaves(h); });
        seen_ = out.size();
    }
    void take_output() {
        look();
        session_.output(now_).clear();
        seen_ = 0;
        must(session_.wants_input());
    }
    bool wants_input() const { return session_.wants_input(); }

    /// What was finished and then released has left with its end, unless the peer gave it up.
    void settle() {
        while (!held.empty()) release(held.back());
        take_output();
        if (session_.error()) return;
        for (const auto& [id, is_left] : left_) {
            const account& a = accounts_[id];
            must(a.given_up || (a.end_sent && a.sent == a.written));
        }
    }

    /// Held, or else released.
    stream_id any() const {
        if (held.empty() || left_.size() > held.size())
            return left_.empty() ? session_id : left_.begin()->first;
        return held.front();
    }

    static constexpr std::uint64_t of_others = 250'000;
    std::vector<stream_id> held;

private:
    void pay(std::int64_t n) { paid_ = std::min(paid_ + n, cost * options_.frame_burst); }
    void comes(const frame_header& h) {
        pay((h.type == frame_type::data ? std::int64_t{h.length} : 0) - cost);
        if (h.type == frame_type::ping || h.type == frame_type::go_away) return;
        if (h.has(flag_syn)) {
            accounts_[h.stream] = {};
            left_.erase(h.stream);
        }
        account& a = accounts_[h.stream];
        if (h.has(flag_rst)) a.given_up = true;
        else if (h.type == frame_type::window_update) a.may_send += h.length;
    }
    void leaves(const frame_header& h) {
        if (h.type == frame_type::ping || h.type == frame_type::go_away) return;
        account& a = accounts_[h.stream];
        if (h.has(flag_rst)) {
            must(!left_.contains(h.stream) || a.given_up || a.end_sent);
            return;
        }
        must(!a.end_sent || h.type == frame_type::window_update);
        if (h.has(flag_fin)) a.end_sent = true;
        if (h.type == frame_type::window_update) {
            a.may_read += h.length;
        } else {
            a.may_send -= h.length;
            a.sent += h.length;
            must(a.may_send >= 0);
        }
    }

    static constexpr std::int64_t cost = 256;  ///< of a frame

    yamux::options options_;
    std::int64_t paid_;  ///< for frames, at most
    copoll::clock::time_point now_{}, heard_at_{}, owed_{};
    session session_;
    std::map<stream_id, account> accounts_{};
    std::map<stream_id, bool> left_{};  ///< finished, then released
    copoll_tests::frame_headers coming_{}, leaving_{};
    std::size_t seen_ = 0;  ///< of the output
    std::array<std::byte, 3000> memory_{};
};

}  // namespace

// The first byte says within which bounds. Then the peer says what it likes, while the application
// uses the streams. The first byte of each step says who comes next: an even one the peer, with as
// many bytes as half of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto rest = std::as_bytes(std::span{data, size});
    if (rest.empty()) return 0;
    const auto bounds = std::to_integer<unsigned>(rest.front());
    rest = rest.subspan(1);
    yamux::options options = copoll_tests::model_options(bounds & ~7u);
    options.max_accepted = 12;
    options.max_opened = 8;
    options.max_unaccepted = 5;
    options.max_unread = 400'000;
    if (bounds & 1) {
        options.unread_of_all =
            std::make_shared<unread_budget>(600'000, subject::of_others, 20'000);
    }
    if (bounds & 2) options.ids_used = 0x7ffffffb;
    if (bounds & 4) options.idle_burst = options.idle_rate = 20;
    subject s{bounds & 64 ? role::dialer : role::listener, options};

    while (!rest.empty()) {
        const auto choice = std::to_integer<unsigned>(rest.front());
        rest = rest.subspan(1);
        if (choice % 2 == 0) {
            const auto bytes = rest.first(std::min<std::size_t>(rest.size(), choice / 2));
            rest = rest.subspan(bytes.size());
            s.hear(bytes);
        } else if (choice % 32 == 1) {
            s.accept();
        } else if (choice % 32 == 17) {
            if (s.any() != session_id) s.hear_much(s.any(), 32768 * (1 + choice / 32));
        } else if (choice % 16 == 3) {
            s.open();
        } else if (choice % 16 == 5) {
            s.pass(choice * 4ms);
        } else if (!s.held.empty()) {
            const stream_id id = s.held[choice / 16 % s.held.size()];
            switch (choice % 16) {
                case 7: s.read(id); break;
                case 9: s.write(id); break;
                case 11: s.finish(id); break;
                case 13: s.reset(id); break;
                default: s.release(id);
            }
        }
        s.look();
        if (choice % 3 == 0 || !s.wants_input()) s.take_output();
    }
    s.settle();
    return 0;
}
