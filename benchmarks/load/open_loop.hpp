// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "arrivals.hpp"
#include "client.hpp"
#include "connection.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace load {

// Hands out messages to connections in turn when they are due, whatever became of those before.
class open_loop {
public:
    // Messages that are due from now until `end`.
    open_loop(double per_second, run_state& run, std::vector<connection*> among,
              clock::time_point end)
        : run_{&run}, among_{std::move(among)}, end_{end}, arrivals_{per_second, run.now} {
        run_->open_loop = true;
    }

    // Whether none is left to be sent.
    [[nodiscard]] bool done() const { return arrivals_.due() >= end_; }

    // When the next one is due.
    [[nodiscard]] clock::time_point next() const {
        return done() ? clock::time_point::max() : arrivals_.due();
    }

    // Sends what is due, but not so much at once that nobody looks after what comes back, and
    // nothing after a failure: whom it would go to may be gone.
    void send_due() {
        for (int n = 0; n < most_at_once && next() <= run_->now && !run_->failed; ++n) {
            run_->now = clock::now();
            const auto due = arrivals_.due();
            if (run_->counts(due)) {
                const std::chrono::nanoseconds late = run_->now - due;
                run_->lateness.record(late.count());
            }
            next_connection().send_due(due);
            arrivals_.advance();
        }
    }

private:
    static constexpr int most_at_once = 64;

    connection& next_connection() {
        turn_ = (turn_ + 1) % among_.size();
        return *among_[turn_];
    }

    run_state* run_;
    std::vector<connection*> among_;
    clock::time_point end_;
    arrivals arrivals_;
    std::size_t turn_ = 0;
};

}  // namespace load
