// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/context.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <copoll/loop.hpp>
#include <copoll/scope.hpp>
#include <copoll/task.hpp>
#include <copoll/time.hpp>
#include <copoll/wasi/pollable.hpp>
#include <copoll/when.hpp>

#include "support/allocations.hpp"
#include "support/run_test.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;
namespace host = copoll::backend::host;

namespace {

/// A host timer: a pollable that anyone can have.
backend::pollable timer_of(clock::duration d) {
    return backend::pollable{host::counted<host::raw::copoll_clock_subscribe_duration,
                                           host::call::timer>(d.count())};
}

/// Waits for all; counts those that became ready.
task<result<void>> all_ready(std::vector<backend::pollable>& timers, std::size_t& woken) {
    using waiting = decltype(wasi::ready(0));
    std::vector<waiting> all;
    for (const auto& t : timers) all.push_back(wasi::ready(t.get()));
    const auto results = co_await when_all(std::move(all));
    for (const auto& r : results) woken += r.has_value();
    co_return {};
}

}  // namespace

TEST_CASE("context: room for the answer grows with the list, also after a timer was its last") {
    run_test([]() -> task<result<void>> {
        // with the loop's own timer one more than there is room for
        std::vector<backend::pollable> idle;
        for (int i = 0; i < 64; ++i) idle.push_back(timer_of(24h));
        std::size_t woken = 0;
        co_await check(with_timeout(all_ready(idle, woken), 1ms));
        CHECK(woken == 0);

        for (std::size_t n : {128U, 129U, 500U}) {
            const auto begin = clock::now();
            std::vector<backend::pollable> due;
            due.push_back(timer_of(10ms));
            for (std::size_t i = 1; i < n; ++i) due.push_back(timer_of(0ms));
            woken = 0;
            co_await check(all_ready(due, woken));

            CHECK(woken == n);
            CHECK(clock::now() - begin >= 10ms);  // the list itself lay behind the answer
        }
        co_return {};
    }());
}

TEST_CASE("context: what it allocates is counted, and it allocates only to grow") {
    run_test([]() -> task<result<void>> {
        loop& owner = *(co_await this_env{}).owner;
        std::vector<backend::pollable> due;
        for (int i = 0; i < 100; ++i) due.push_back(timer_of(0ms));
        std::size_t woken = 0;
        co_await check(all_ready(due, woken));
        co_await sleep_for(0ms);
        const auto grown = owner.stats().allocations;

        for (int i = 0; i < 50; ++i) {
            const auto heap = heap_allocations();
            auto a = co_await wasi::ready(due[0].get());
            auto [b, c] = co_await when_all(wasi::ready(due[1].get()), sleep_for(0ms));
            CHECK(a.has_value());
            CHECK(b.has_value());
            CHECK(heap_allocations() == heap);
        }

        CHECK(owner.stats().allocations == grown);
        co_return {};
    }());
}

TEST_CASE("context: a deadline that moves closer, further and away") {
    run_test([]() -> task<result<void>> {
        for (const auto d : {30ms, 5ms, 20ms, 1ms}) {
            const auto begin = clock::now();
            co_await check(sleep_for(d));
            const auto took = clock::now() - begin;
            CHECK(took >= d);
            CHECK(took < d + 1s);

            const auto none = co_await with_timeout(sleep_for(24h), 1ms);
            CHECK(none.error() == errc::timed_out);
        }
        co_return {};
    }());
}

TEST_CASE("context: waiting takes no more polls than there are things to wait for") {
    run_test([]() -> task<result<void>> {
        loop& owner = *(co_await this_env{}).owner;
        std::vector<backend::pollable> idle;
        for (int i = 0; i < 1000; ++i) idle.push_back(timer_of(24h));
        std::size_t woken = 0;

        co_await with_scope([](scope& s, auto& sleeping, std::size_t& n, loop& l) -> task<void> {
            s.spawn(all_ready, std::ref(sleeping), std::ref(n));
            co_await sleep_for(100ms);  // until they count as quiet
            const auto before = l.stats();

            for (int i = 0; i < 10; ++i) co_await sleep_for(10ms);

            const auto after = l.stats();
            CHECK(after.waits - before.waits <= 20);
            CHECK(after.host_calls - before.host_calls <= 80);
            CHECK(after.allocations == before.allocations);
            s.request_stop();
        }, idle, woken, owner);
        co_return {};
    }());
}
