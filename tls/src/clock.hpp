// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/tls/options.hpp>

namespace copoll::tls::detail {

/// While one of these lives, mbedTLS takes the time from `clock` (nullptr: the system's).
class clock_guard {
public:
    explicit clock_guard(wall_clock clock) noexcept;
    clock_guard(const clock_guard&) = delete;
    clock_guard& operator=(const clock_guard&) = delete;
    ~clock_guard();

private:
    wall_clock before_;
};

/// The time by the clock that is in force.
std::chrono::sys_seconds wall_time() noexcept;

}  // namespace copoll::tls::detail
