// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <catch2/catch_test_macros.hpp>

#include <chrono>

#include <copoll/backend/context.hpp>
#include <copoll/clock.hpp>

#if __has_include(<copoll/backend/sim.hpp>)
#include <copoll/backend/sim.hpp>
#endif

#include "support/run_test.hpp"

namespace copoll_tests {

/// `run_in_worlds(f)` is `run_test(f())`; on the simulated backend in several worlds, which permute
/// what a real network leaves open: order, latency, short transfers, calls that would block though
/// something is there, and cancellations that come too late.
template <class F>
void run_in_worlds(F f) {
#if __has_include(<copoll/backend/sim.hpp>)
    using namespace std::chrono_literals;
    const backend::options all[] = {
        {},
        {.seed = 2, .short_transfers = true},
        {.seed = 3, .latency = 1ms, .jitter = 1ms},
        {.seed = 4, .spurious_percent = 30},
        {.seed = 5, .late_cancel_percent = 50},
        {.seed = 6, .short_transfers = true, .spurious_percent = 20, .late_cancel_percent = 50,
         .latency = 100us, .jitter = 1ms},
        {.seed = 7, .short_transfers = true, .spurious_percent = 50, .capacity = 1000},
    };
    for (const auto& options : all) {
        INFO("in the world of seed " << options.seed);
        backend::world w{options};
        run_test(f());
        CHECK(w.open_sockets() == 0);
        CHECK(w.open_listeners() == 0);
    }
#else
    run_test(f());
#endif
}

/// Whether that was so long ago, by a clock that is the test's own. Others are not asked.
inline bool is_ago([[maybe_unused]] clock::duration d, [[maybe_unused]] clock::time_point then) {
#if __has_include(<copoll/backend/sim.hpp>)
    return clock::now() - then == d;
#else
    return true;
#endif
}

}  // namespace copoll_tests
