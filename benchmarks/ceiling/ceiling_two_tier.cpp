// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The echo server that polls in two tiers: the ceiling for many connections, busy or idle. A poll
// costs the host about 0.25 us for each pollable, ready or not, so
//
//  - who did something lately is hot, and a turn polls the hot ones only;
//  - once a period everybody else, the cold ones, is looked at in one poll that does not wait. The
//    period is a multiple of what that costs, so looking takes a bounded share of the time, and
//    nobody waits for longer than a period;
//  - with nobody hot, one poll over all waits as long as it takes: no clock, no work while idle;
//  - many hot ones are polled in chunks that rotate: a host reports about 128 ready ones at most,
//    always the same first, and the others would starve;
//  - when the hot ones fit one chunk, who was ready is read again after everybody had a turn, as
//    in ceiling_echo.cpp; when not, the next rotation comes too late for that to help.
//
// Rotations count as well as time before a connection cools down: a busy one whose turn did not
// come yet is not quiet.
#include "connection.hpp"
#include "landing.hpp"
#include "listener.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t chunk_size = 96;
constexpr std::size_t turns_per_poll = 256;
constexpr int accepts_per_poll = 64;

constexpr std::uint64_t periods_per_look = 8;  // looking takes at most 1/8 of the time
constexpr std::uint64_t shortest_period = 1'000'000;
constexpr std::uint64_t longest_period = 50'000'000;
constexpr std::uint64_t quiet_looks = 2;
constexpr std::uint64_t quiet_rotations = 2;
constexpr std::size_t saturated = 64;  // so many ready cold ones: there may be more

struct member {
    explicit member(const host::accepted_socket& accepted) : peer{accepted} {}

    connection peer;
    bool hot = false;
    std::size_t index = 0;  // in its tier
    std::uint64_t last_look = 0;
    std::uint64_t last_rotation = 0;
};

// Members, and beside each what it waits for: a list to poll that is changed in place.
class tier {
public:
    [[nodiscard]] std::size_t size() const { return members_.size(); }
    [[nodiscard]] bool empty() const { return members_.empty(); }
    [[nodiscard]] member& operator[](std::size_t index) const { return *members_[index]; }

    void add(member& m) {
        m.index = members_.size();
        members_.push_back(&m);
        pollables_.push_back(m.peer.pollable());
    }

    void remove(const member& m) {
        members_[m.index] = members_.back();
        members_[m.index]->index = m.index;
        pollables_[m.index] = pollables_.back();
        members_.pop_back();
        pollables_.pop_back();
    }

    void update(const member& m) { pollables_[m.index] = m.peer.pollable(); }

    void append_pollables(std::size_t first, std::size_t count,
                          std::vector<host::handle>& list) const {
        const auto begin = pollables_.begin() + static_cast<std::ptrdiff_t>(first);
        list.insert(list.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
    }

private:
    std::vector<member*> members_;
    std::vector<host::handle> pollables_;
};

enum class when { ready, now };

class server {
public:
    explicit server(host::handle listener)
        : listener_{listener}, listener_pollable_{host::subscribe_socket(listener)} {}

    [[noreturn]] void run() {
        for (;;) {
            if (hot_.empty()) {
                stop_clock();
                poll_members(cold_, 0, cold_.size(), when::ready);
            } else {
                if (clock_ == 0) clock_ = host::subscribe_duration(period_);
                poll_hot();
            }
            serve_ready();
            if (std::exchange(clock_fired_, false)) look_at_cold();
            if (std::exchange(accepting_, false)) accept_some();
        }
    }

private:
    void stop_clock() {
        if (clock_ != 0) host::drop_pollable(std::exchange(clock_, 0));
    }

    // One chunk after the other until somebody is ready; all at once, waiting, when nobody is.
    void poll_hot() {
        const std::size_t chunks = (hot_.size() + chunk_size - 1) / chunk_size;
        const std::size_t share = (hot_.size() + chunks - 1) / chunks;
        for (std::size_t i = 0; chunks > 1 && i < chunks; ++i) {
            if (next_ >= hot_.size()) {
                next_ = 0;
                ++rotation_;
            }
            const std::size_t count = std::min(share, hot_.size() - next_);
            poll_members(hot_, std::exchange(next_, next_ + count), count, when::now);
            if (!ready_.empty() || clock_fired_ || accepting_) return;
        }
        ++rotation_;
        poll_members(hot_, 0, hot_.size(), when::ready);
    }

    // Fills ready_ with members of tier[first, first + count), who are hot from here on.
    void poll_members(tier& polled, std::size_t first, std::size_t count, when w) {
        list_.clear();
        polled.append_pollables(first, count, list_);
        list_.push_back(listener_pollable_);
        if (clock_ != 0) list_.push_back(clock_);
        const host::handle at_once = w == when::now ? host::subscribe_duration(0) : 0;
        if (at_once != 0) list_.push_back(at_once);

        ready_.clear();
        for (const std::size_t index : poll(list_, answer_)) {
            if (index < count) {
                ready_.push_back(&polled[first + index]);
            } else if (index == count) {
                accepting_ = true;
            } else if (list_[index] == clock_) {
                clock_fired_ = true;
            }
        }
        if (at_once != 0) host::drop_pollable(at_once);
        for (member* m : ready_) make_hot(*m);
    }

    void make_hot(member& m) {
        m.last_look = look_;
        m.last_rotation = rotation_;
        if (m.hot) return;
        cold_.remove(m);
        m.hot = true;
        hot_.add(m);
    }

    void serve_ready() {
        const bool crowded = hot_.size() > chunk_size;
        for (std::size_t turns = 0; turns < turns_per_poll && !ready_.empty();) {
            turns += ready_.size();
            std::erase_if(ready_, [this](member* m) { return !serve(*m); });
            if (crowded) return;
        }
    }

    // False when the connection has nothing to do until a poll reports it again, or is gone.
    bool serve(member& m) {
        const auto t = m.peer.serve(spare_);
        if (t == turn::over) {
            hot_.remove(m);
            delete &m;
            return false;
        }
        hot_.update(m);
        return t == turn::progress;
    }

    void look_at_cold() {
        stop_clock();
        ++look_;
        cool_down();
        period_ = shortest_period;
        if (cold_.empty()) return;

        const auto begin = host::now();
        poll_members(cold_, 0, cold_.size(), when::now);
        const auto cost = host::now() - begin;
        period_ = ready_.size() >= saturated
                      ? 0
                      : std::clamp(periods_per_look * cost, shortest_period, longest_period);
        serve_ready();
    }

    void cool_down() {
        for (std::size_t i = hot_.size(); i-- > 0;) {
            member& m = hot_[i];
            if (look_ - m.last_look < quiet_looks) continue;
            if (rotation_ - m.last_rotation < quiet_rotations) continue;
            hot_.remove(m);
            m.hot = false;
            cold_.add(m);
        }
    }

    void accept_some() {
        for (int i = 0; i < accepts_per_poll; ++i) {
            const auto accepted = accept(listener_);
            if (!accepted) return;
            auto* m = new member{*accepted};
            m->hot = true;
            hot_.add(*m);
            make_hot(*m);
        }
    }

    host::handle listener_;
    host::handle listener_pollable_;
    tier hot_;
    tier cold_;
    std::size_t next_ = 0;        // of the hot ones, where the next chunk begins
    std::uint64_t rotation_ = 0;  // how often all hot ones were polled
    std::uint64_t look_ = 0;      // how often the cold ones were

    host::handle clock_ = 0;  // runs while anybody is hot
    std::uint64_t period_ = shortest_period;
    bool clock_fired_ = false;
    bool accepting_ = false;

    std::vector<host::handle> list_;
    std::vector<std::uint32_t> answer_;
    std::vector<member*> ready_;
    std::unique_ptr<block> spare_;
};

}  // namespace

int main(int argc, char** argv) { server{listen("ceiling_two_tier", argc, argv)}.run(); }
