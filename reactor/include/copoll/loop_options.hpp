// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include <copoll/clock.hpp>
#include <copoll/detail/config.hpp>
#include <copoll/trace.hpp>

namespace copoll {

/// How the `wasi` backend divides its polls; the other backends have a kernel that does it, and
/// ignore them. The defaults are measured, see docs/design/007-two-tier-polling.md.
/// Precondition: no member is 0 but `flat_up_to`, and the shortest period is not the longer one.
struct polling_options {
    /// Up to so many waiters one poll over all of them is cheapest.
    std::uint32_t flat_up_to = 16;
    /// Active waiters in one poll. More ready ones than about 128 a host does not report.
    std::uint32_t chunk = 96;
    /// The quiet waiters are polled once a period: at most 1/`share` of the time is spent on that,
    /// within these bounds. While anything is active, who was quiet waits at most a period.
    std::uint32_t share = 8;
    clock::duration shortest_period = std::chrono::milliseconds{1};
    clock::duration longest_period = std::chrono::milliseconds{50};
};

struct loop_options {
    polling_options polling{};
    trace_hook trace{};
    /// A task that keeps the loop for so long is reported on stderr, once for each place that it
    /// went on from. 0: never, and the clock is not read for it. A group of tasks that hand over to
    /// one another without the loop counts as one.
    clock::duration stall_limit = std::chrono::milliseconds{COPOLL_TASK_TRACE ? 100 : 0};
};

}  // namespace copoll
