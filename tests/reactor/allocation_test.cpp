// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/detail/frame_pool.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include <copoll/channel.hpp>
#include <copoll/check.hpp>
#include <copoll/event.hpp>
#include <copoll/mutex.hpp>
#include <copoll/scope.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/allocations.hpp"
#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/run_test.hpp"

// All that a steady state allocates is seen in two ways: by the loop's own counter, and by counting
// what anybody gets from operator new.

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// What was allocated by a hundred times awaiting what `make` makes, after a few to warm up.
template <class Make>
task<std::uint64_t> allocated_by(Make make) {
    const env& e = co_await this_env{};
    const loop& here = *e.owner;
    for (int i = 0; i < 20; ++i) (void)co_await make();
    const auto before = here.stats().allocations + heap_allocations();
    for (int i = 0; i < 100; ++i) (void)co_await make();
    co_return here.stats().allocations + heap_allocations() - before;
}

task<int> leaf() { co_return 1; }

task<result<int>> leaf_result(result<int> r) {
    co_await next_turn{};
    co_return r;
}

task<int> nested() { co_return co_await leaf() + co_await leaf(); }

void* volatile seen_elsewhere;  // keeps the optimizer from making frames smaller

template <std::size_t Size>
task<int> frame_of() {
    std::array<char, Size> local{};
    seen_elsewhere = local.data();
    co_await next_turn{};
    co_return local[Size - 1];
}

}  // namespace

TEST_CASE("allocation: awaiting tasks costs none") {
    run_test([]() -> task<void> {
        CHECK(heap_allocations() > 0);
        const auto at_once = co_await allocated_by([] { return leaf(); });
        const auto later = co_await allocated_by([] { return leaf_result(1); });
        const auto two_levels = co_await allocated_by([] { return nested(); });
        CHECK(at_once == 0);
        CHECK(later == 0);
        CHECK(two_levels == 0);
    }());
}

TEST_CASE("allocation: check costs none, whether it goes on or ends the task") {
    run_test([]() -> task<void> {
        const auto checked = [](result<int> r) -> task<result<int>> {
            co_return co_await check(leaf_result(r));
        };
        const auto good = co_await allocated_by([&] { return checked(1); });
        const auto bad = co_await allocated_by([&] { return checked(fail(errc::eof)); });
        CHECK(good == 0);
        CHECK(bad == 0);
    }());
}

TEST_CASE("allocation: timers cost none") {
    run_test([]() -> task<void> {
        event never;
        const auto sleep = co_await allocated_by([] { return sleep_for(0ms); });
        const auto in_time = co_await allocated_by([] { return with_timeout(leaf_result(1), 1h); });
        const auto late = co_await allocated_by([&] { return with_timeout(never.wait(), 0ms); });
        CHECK(sleep == 0);
        CHECK(in_time == 0);
        CHECK(late == 0);
    }());
}

TEST_CASE("allocation: groups cost none") {
    run_test([]() -> task<void> {
        event never;
        const auto all =
            co_await allocated_by([&] { return when_all(leaf(), leaf_result(1), next_turn{}); });
        const auto race =
            co_await allocated_by([&] { return first_done(never.wait(), leaf_result(1)); });
        const auto success = co_await allocated_by(
            [&] { return first_ok(leaf_result(fail(errc::eof)), leaf_result(1)); });
        CHECK(all == 0);
        CHECK(race == 0);
        CHECK(success == 0);
    }());
}

TEST_CASE("allocation: events and locks cost none") {
    run_test([]() -> task<void> {
        event e;
        mutex m;
        const auto woken = co_await allocated_by([&] {
            e.reset();
            return when_all(e.wait(), e.wait(), later([&] { e.set(); }));
        });
        const auto locked = co_await allocated_by([&] {
            const auto hold = [](mutex& shared) -> task<void> {
                const auto guard = co_await shared.lock();
                co_await next_turn{};
            };
            return when_all(hold(m), hold(m), hold(m));
        });
        CHECK(woken == 0);
        CHECK(locked == 0);
    }());
}

TEST_CASE("allocation: values through a channel cost none") {
    run_test([]() -> task<void> {
        channel<int> ping{1}, pong{1};
        std::uint64_t allocated = 99;
        co_await when_all(
            [](channel<int>& to, channel<int>& from, std::uint64_t& cost) -> task<void> {
                cost = co_await allocated_by([&] { return when_all(to.send(1), from.receive()); });
                to.close();
            }(ping, pong, allocated),
            [](channel<int>& from, channel<int>& to) -> task<result<void>> {
                for (;;) co_await check(to.send(co_await check(from.receive())));
            }(ping, pong));
        CHECK(allocated == 0);
    }());
}

TEST_CASE("allocation: a child that is spawned and ends costs none, nor does its scope") {
    run_test([]() -> task<void> {
        const auto allocated = co_await allocated_by([] {
            return with_scope([](scope& s) -> task<void> {
                for (int i = 0; i < 10; ++i) s.spawn(turns, i);
                s.spawn(leaf());
                co_return;
            });
        });
        CHECK(allocated == 0);
    }());
}

TEST_CASE("allocation: frames of up to 16 KiB are kept, larger ones are not") {
    run_test([]() -> task<void> {
        const auto small = co_await allocated_by([] { return frame_of<10>(); });
        const auto medium = co_await allocated_by([] { return frame_of<2000>(); });
        const auto large = co_await allocated_by([] { return frame_of<12'000>(); });
        const auto huge = co_await allocated_by([] { return frame_of<17'000>(); });
        CHECK(small == 0);
        CHECK(medium == 0);
        CHECK(large == 0);
        CHECK(huge >= 100);
    }());
}

TEST_CASE("frame_pool: memory of every size is aligned, all there, and given again") {
    run_test([]() -> task<void> {
        namespace pool = detail::frame_pool;
        bool aligned = true, reused = true, intact = true;
        for (std::size_t size = 1; size <= 20'000; size += size < 2100 ? 1 : 97) {
            auto* const a = static_cast<unsigned char*>(pool::allocate(size));
            auto* const b = static_cast<unsigned char*>(pool::allocate(size));
            std::memset(a, 0xaa, size);
            std::memset(b, 0xbb, size);
            intact = intact && std::all_of(a, a + size, [](auto c) { return c == 0xaa; });
            aligned =
                aligned && reinterpret_cast<std::uintptr_t>(a) % alignof(std::max_align_t) == 0;
            pool::deallocate(b, size);
            if (size <= 16'384) {
                void* const again = pool::allocate(size);
                reused = reused && again == b;
                pool::deallocate(again, size);
            }
            pool::deallocate(a, size);
        }
        CHECK(aligned);
        CHECK(intact);
        CHECK(reused);
        co_return;
    }());
}

TEST_CASE("frame_pool: gives back what it keeps when the last loop ends") {
    const auto misses_of_a_run = [] {
        const auto before = detail::frame_pool::misses();
        run_test([]() -> task<void> {
            const int value = co_await frame_of<5000>();
            CHECK(value == 0);
        }());
        return detail::frame_pool::misses() - before;
    };
    const auto first = misses_of_a_run();
    const auto second = misses_of_a_run();
    CHECK(first > 0);
    CHECK(second == first);
}
