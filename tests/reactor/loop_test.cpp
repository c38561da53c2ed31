// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/loop.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <copoll/channel.hpp>
#include <copoll/check.hpp>
#include <copoll/event.hpp>
#include <copoll/mutex.hpp>
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/semaphore.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/epitaph.hpp"
#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/run_test.hpp"
#include "support/stoppable.hpp"
#include "support/traps.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// So often a task that starves the others would go on.
constexpr int starved = 100'000;

/// How often `step`, which is always done at once, runs before a timer that is due ends that.
template <class Step>
task<int> rounds_before_timer(Step step) {
    bool ended = false;
    const auto [rounds, slept] = co_await when_all(
        [](Step s, const bool& end) -> task<int> {
            int i = 0;
            for (; i < starved && !end; ++i) co_await s();
            co_return i;
        }(std::move(step), ended),
        [](bool& end) -> task<void> {
            co_await sleep_for(0ms);
            end = true;
        }(ended));
    co_return rounds;
}

task<result<void>> wait_for(event& e, std::string& trace) {
    const epitaph local{trace, "x"};
    co_return co_await e.wait();
}

}  // namespace

// Order

TEST_CASE("loop: what becomes ready in a turn runs in the next, in that order") {
    run_test([]() -> task<void> {
        std::string trace;
        const auto child = [](std::string& t, char name) -> task<void> {
            for (int i = 0; i < 3; ++i) {
                t += name;
                co_await next_turn{};
            }
        };
        co_await when_all(child(trace, 'a'), child(trace, 'b'), child(trace, 'c'));
        CHECK(trace == "abcabcabc");
    }());
}

TEST_CASE("loop: the time of a turn stands still, and moves on between turns") {
    run_test([]() -> task<void> {
        loop& here = *(co_await this_env{}).owner;
        const auto first = here.turn_time();
        const auto second = here.turn_time();
        co_await sleep_for(1ms);
        const auto third = here.turn_time();
        CHECK(first == second);
        CHECK(third >= first + 1ms);
    }());
}

// Fairness

TEST_CASE("loop: a task that always finds its event set starves no timer") {
    run_test([]() -> task<void> {
        event e;
        e.set();
        const int rounds = co_await rounds_before_timer([&] { return e.wait(); });
        CHECK(rounds < starved);
    }());
}

TEST_CASE("loop: a task that always finds a permit starves no timer") {
    run_test([]() -> task<void> {
        semaphore s{1};
        mutex m;
        const int permits = co_await rounds_before_timer([&] { return s.acquire(); });
        const int locks = co_await rounds_before_timer([&] { return m.lock(); });
        CHECK(permits < starved);
        CHECK(locks < starved);
    }());
}

TEST_CASE("loop: a task that always finds room and values in a channel starves no timer") {
    run_test([]() -> task<void> {
        channel<int> c{1};
        const int rounds = co_await rounds_before_timer([&] {
            return [](channel<int>& ring) -> task<void> {
                co_await ring.send(1);
                co_await ring.receive();
            }(c);
        });
        CHECK(rounds < starved);
    }());
}

TEST_CASE("loop: a task that goes on after it was canceled starves no timer") {
    run_test([]() -> task<void> {
        event never;
        stop_source stop;
        stop.request_stop();
        const int sleeping =
            co_await rounds_before_timer([&] { return stoppable(stop, sleep_for(1h)); });
        const int waiting =
            co_await rounds_before_timer([&] { return stoppable(stop, never.wait()); });
        const int in_group = co_await rounds_before_timer([&] {
            return stoppable(stop, when_all(never.wait(), with_timeout(never.wait(), 1h)));
        });
        CHECK(sleeping < starved);
        CHECK(waiting < starved);
        CHECK(in_group < starved);
    }());
}

TEST_CASE("loop: a task that is always ready by being posted starves no timer") {
    run_test([]() -> task<void> {
        const int rounds = co_await rounds_before_timer([] { return next_turn{}; });
        CHECK(rounds < starved);
    }());
}

TEST_CASE("loop: two tasks that are always done at once take turns") {
    run_test([]() -> task<void> {
        event e;
        e.set();
        std::string trace;
        const auto busy = [](event& set, std::string& t, char name) -> task<void> {
            for (int i = 0; i < 100; ++i) {
                t += name;
                co_await set.wait();
            }
        };
        co_await when_all(busy(e, trace, 'a'), busy(e, trace, 'b'));

        std::size_t run = 0, longest = 0;
        for (std::size_t i = 0; i < trace.size(); ++i) {
            run = i > 0 && trace[i] == trace[i - 1] ? run + 1 : 1;
            longest = std::max(longest, run);
        }
        CHECK(trace.size() == 200);
        CHECK(longest == loop::inline_budget + 1);
    }());
}

// Deadlock

TEST_CASE("loop: a task that waits for what nobody can do is a deadlock, and is told to stop") {
    const auto frames_before = detail::frame_pool::live();
    std::error_code seen;
    const result<void> r = run([](std::error_code& told) -> task<result<void>> {
        event never;
        told = error_of(co_await never.wait());
        co_return {};
    }(seen));
    CHECK(error_of(r) == errc::deadlock);
    CHECK(seen == errc::canceled);
    CHECK(detail::frame_pool::live() == frames_before);
}

#if COPOLL_TESTS_CAN_TRAP
TEST_CASE("loop: a deadlock is told on stderr") {
    const outcome o = outcome_of([] {
        (void)run([]() -> task<result<void>> {
            event never;
            co_return co_await never.wait();
        }());
    });
    CHECK_FALSE(o.aborted);
    CHECK(o.words.starts_with("copoll: deadlock: "));
}

TEST_CASE("loop: traps in a deadlock that does not end when it is asked to") {
    const std::string words = last_words([] {
        (void)run([]() -> task<result<void>> {
            event never;
            stop_source deaf;
            co_return co_await stoppable(deaf, never.wait());
        }());
    });
    CHECK(words.find("ignores stop requests") != std::string::npos);
}
#endif

TEST_CASE("loop: a deadlock unwinds children, groups, primitives and timeouts") {
    const auto frames_before = detail::frame_pool::live();
    std::string trace;
    const result<void> r = run([](std::string& t) -> task<result<void>> {
        event never;
        mutex m;
        auto held = m.try_lock();
        channel<int> empty{1};
        co_return co_await with_scope([](scope& s, std::string& tr, event& e, mutex& locked,
                                         channel<int>& c) -> task<result<void>> {
            for (int i = 0; i < 3; ++i) s.spawn(wait_for, std::ref(e), std::ref(tr));
            const auto all = co_await when_all(
                wait_for(e, tr), first_done(wait_for(e, tr), c.receive()), locked.lock(),
                with_scope([](scope& inner, event& ev, std::string& tra) -> task<result<void>> {
                    inner.spawn(wait_for, std::ref(ev), std::ref(tra));
                    co_return {};
                }, e, tr));
            co_return std::get<0>(all);
        }, t, never, m, empty);
    }(trace));
    CHECK(error_of(r) == errc::deadlock);
    CHECK(trace == "xxxxxx");
    CHECK(detail::frame_pool::live() == frames_before);
}

TEST_CASE("loop: after a deadlock a task may still finish its work") {
    int steps = 0;
    const result<void> r = run([](int& done) -> task<result<void>> {
        event never;
        (void)co_await never.wait();
        for (; done < 10; ++done) co_await next_turn{};
        co_return {};
    }(steps));
    CHECK(error_of(r) == errc::deadlock);
    CHECK(steps == 10);
}

TEST_CASE("loop: who waits for a timer is not in a deadlock") {
    const result<void> r = run([]() -> task<result<void>> {
        event never;
        const auto late = co_await with_timeout(never.wait(), 1ms);
        CHECK(error_of(late) == errc::timed_out);
        co_return {};
    }());
    CHECK(error_of(r) == no_error);
}

TEST_CASE("loop: a lock that is taken twice by one task is a deadlock") {
    const result<void> r = run([]() -> task<result<void>> {
        mutex m;
        const auto first = co_await check(m.lock());
        const auto second = co_await check(m.lock());
        co_return {};
    }());
    CHECK(error_of(r) == errc::deadlock);
}

// Counters

TEST_CASE("loop: counts turns, resumed continuations, waits, frames and timers") {
    run_test([]() -> task<void> {
        loop& here = *(co_await this_env{}).owner;
        const loop_stats before = here.stats();

        co_await next_turn{};
        co_await next_turn{};
        const loop_stats after_turns = here.stats();
        co_await sleep_for(1ms);
        const loop_stats after_sleep = here.stats();
        const auto [inside, slept] = co_await when_all(
            [](const loop& l) -> task<loop_stats> {
                co_await next_turn{};
                co_return l.stats();
            }(here),
            sleep_for(1ms));

        CHECK(after_turns.turns == before.turns + 2);
        CHECK(after_turns.resumed == before.resumed + 2);
        CHECK(after_sleep.waits > after_turns.waits);
        CHECK(inside.frames == before.frames + 1);
        CHECK(inside.timers == before.timers + 1);
        CHECK(here.stats().frames == before.frames);
        CHECK(here.stats().timers == before.timers);
    }());
}

TEST_CASE("loop: counts the operations that wait for the host") {
    run_test([]() -> task<result<void>> {
        loop& here = *(co_await this_env{}).owner;
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto before = here.stats().waiters;
        std::uint64_t during = 0;
        event e;
        const auto look = [](loop& l, std::uint64_t& n) -> task<void> {
            co_await next_turn{};
            n = l.stats().waiters;
        };
        co_await first_done(listener.accept(), e.wait(), look(here, during));
        CHECK(during == before + 1);
        CHECK(here.stats().waiters == before);
        co_return {};
    }());
}

TEST_CASE("loop: one after the other, each begins anew") {
    for (int i = 0; i < 3; ++i) {
        run_test([]() -> task<void> {
            const loop_stats at_start = (co_await this_env{}).owner->stats();
            CHECK(at_start.turns == 0);
            CHECK(at_start.waits == 0);
            CHECK(at_start.timers == 0);
            co_await sleep_for(1ms);
        }());
    }
}
