// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "socket.hpp"

#include <chrono>
#include <random>

namespace load {

// When messages are due that come from many who know nothing of each other: a Poisson process, as
// the arrivals at a server from outside are. Even intervals would hide that messages queue behind
// each other long before a server is at its limit. The sequence is the same in each run.
class arrivals {
public:
    arrivals(double per_second, clock::time_point from) : gap_{per_second}, from_{from} {
        advance();
    }

    [[nodiscard]] clock::time_point due() const { return due_; }

    void advance() {
        after_ += gap_(random_);
        due_ = from_ + std::chrono::duration_cast<clock::duration>(
                           std::chrono::duration<double>{after_});
    }

private:
    std::mt19937_64 random_;  // seeded with its default
    std::exponential_distribution<double> gap_;
    clock::time_point from_;
    clock::time_point due_;
    double after_ = 0;  // seconds; rounded for each message alone, so that the rate stays
};

}  // namespace load
