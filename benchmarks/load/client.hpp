// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "histogram.hpp"
#include "options.hpp"
#include "socket.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace load {

// What the clients of one run have in common.
struct run_state {
    int epoll = -1;
    std::size_t open = 0;  // clients that are not done
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

    run_state* run_;
    std::string failure_;

private:
    std::uint64_t messages_ = 0;
};

}  // namespace load
