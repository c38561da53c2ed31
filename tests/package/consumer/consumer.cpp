// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/run.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include <chrono>
#include <cstdio>

using namespace copoll;

task<result<void>> async_main(args) {
    const auto [first, second] = co_await when_all(sleep_for(std::chrono::milliseconds{1}),
                                                   sleep_for(std::chrono::milliseconds{2}));
    co_await check(first);
    co_await check(second);
    std::puts("consumed");
    co_return {};
}
