// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "histogram.hpp"
#include "options.hpp"
#include "socket.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace load {

// What the clients of one run have in common.
struct run_state {
    int epoll = -1;
    std::size_t open = 0;  // clients that are not done
    bool failed = false;   // one of them did
    verification verify = verification::full;
    std::vector<std::byte> scratch;  // where received bytes land before they are compared
    clock::time_point now;           // read once after each wait and each receive
    bool counting = false;           // inside the measured part of the run
    histogram latency;
    std::uint64_t messages = 0;   // that `latency` has
    std::uint64_t came_back = 0;  // while counting
    std::uint64_t bytes = 0;
    std::string suite;  // of TLS, that was agreed on last

    // In open loop messages belong to the measured part if they were due in it, so that those count
    // as well for which the server took until after its end.
    bool open_loop = false;
    clock::time_point due_from, due_to;
    std::uint64_t owed = 0;  // messages that were due and have not come back
    // Of the measured ones those that had not when the load ended. `latency` has how old they were
    // then, as they took at least so long; it is exact up to the youngest.
    std::uint64_t unanswered = 0;
    std::int64_t exact_below = std::numeric_limits<std::int64_t>::max();
    histogram lateness;      // of the load itself: from when one was due until it was sent

    [[nodiscard]] bool counts(clock::time_point started) const {
        return open_loop ? due_from <= started && started < due_to : counting;
    }
};

// One of those who keep the server busy. `messages` are those that count, whatever it calls so.
class client {
public:
    virtual ~client() = default;

    virtual void start() = 0;
    virtual void on_event(std::uint32_t epoll_events) = 0;

    // Brings to an end what was begun, and begins nothing more.
    virtual void finish() = 0;

    // Ends at once what did not come to its end in time.
    virtual void give_up() = 0;

    [[nodiscard]] virtual bool done() const = 0;
    [[nodiscard]] virtual std::uint64_t bytes_sent() const = 0;
    [[nodiscard]] virtual std::uint64_t bytes_received() const = 0;

    [[nodiscard]] const std::string& failure() const { return failure_; }
    [[nodiscard]] std::uint64_t messages() const { return messages_; }

protected:
    explicit client(run_state& run) : run_{&run} { ++run_->open; }

    // One message came back whole that was begun, or due, at `started`.
    void count(clock::time_point started) {
        if (run_->counting) ++run_->came_back;
        if (!run_->counts(started)) return;
        ++messages_;
        ++run_->messages;
        const std::chrono::nanoseconds took = run_->now - started;
        run_->latency.record(took.count());
    }

    // One message that was due at `started` is given up.
    void count_unanswered(clock::time_point started) {
        if (!run_->counts(started)) return;
        ++run_->unanswered;
        const std::chrono::nanoseconds age = run_->now - started;
        run_->latency.record(age.count());
        run_->exact_below = std::min(run_->exact_below, age.count());
    }

    void set_failure(std::string what) {
        failure_ = std::move(what);
        run_->failed = true;
    }

    run_state* run_;

private:
    std::string failure_;
    std::uint64_t messages_ = 0;
};

}  // namespace load
