// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <string>
#include <utility>

#include <copoll/detail/frame_pool.hpp>
#include <copoll/run.hpp>
#include <copoll/task.hpp>

/// `run_test(f())` runs a test's coroutine on a loop of its own, to the end, and checks that it
/// ended well (no error, no deadlock) and left no coroutine frame behind.
///
///     TEST_CASE("sleep: wakes") {
///         run_test([]() -> task<void> {
///             const auto woken = co_await sleep_for(1ms);
///             CHECK(woken);
///         }());
///     }
///
/// The lambda must not capture. A test that uses `co_await check(x)` is a `task<result<void>>`.
/// No `co_await` inside CHECK: it names its argument twice, and GCC then awaits it twice.

namespace copoll_tests {

using namespace copoll;

inline void run_test(task<result<void>> body, std::uint64_t frames_of_body = 1) {
    const auto frames_before = detail::frame_pool::live() - frames_of_body;
    const result<void> r = run(std::move(body));
    INFO("the test ended with: " << (r ? std::string("success") : r.error().message()));
    CHECK(r.has_value());
    CHECK(detail::frame_pool::live() == frames_before);
}

inline void run_test(task<void> body) {
    const auto with_result = [](task<void> t) -> task<result<void>> {
        co_await std::move(t);
        co_return {};
    };
    run_test(with_result(std::move(body)), 2);
}

}  // namespace copoll_tests
