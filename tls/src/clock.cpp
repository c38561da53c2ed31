// SPDX-License-Identifier: MIT OR Apache-2.0
#include "clock.hpp"

#include <mbedtls/platform.h>
#include <mbedtls/platform_time.h>

#include <utility>

namespace copoll::tls::detail {
namespace {

// mbedTLS has one function for all connections, so each says whose clock counts while it is called.
thread_local wall_clock current = nullptr;

mbedtls_time_t time_for_mbedtls(mbedtls_time_t* into) noexcept {
    const auto now = static_cast<mbedtls_time_t>(wall_time().time_since_epoch().count());
    if (into) *into = now;
    return now;
}

}  // namespace

std::chrono::sys_seconds wall_time() noexcept {
    if (current) return current();
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

clock_guard::clock_guard(wall_clock clock) noexcept : before_(std::exchange(current, clock)) {
    static const int set = mbedtls_platform_set_time(time_for_mbedtls);
    static_cast<void>(set);
}

clock_guard::~clock_guard() { current = before_; }

}  // namespace copoll::tls::detail
