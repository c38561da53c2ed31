// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/when.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <copoll/channel.hpp>
#include <copoll/check.hpp>
#include <copoll/event.hpp>
#include <copoll/semaphore.hpp>
#include <copoll/time.hpp>

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

/// Gives `r` after so many turns, whether it is asked to stop or not.
task<result<int>> give(int after, result<int> r) {
    co_await turns(after);
    co_return r;
}

/// Gives `value` after so many turns, or `canceled` at the first at which it is asked to stop.
task<result<int>> give_unless_stopped(int after, int value) {
    const env& e = co_await this_env{};
    for (int i = 0; i < after; ++i) {
        if (e.stop.stop_requested()) co_return fail(errc::canceled);
        co_await next_turn{};
    }
    co_return value;
}

task<void> say(int after, std::string& trace, char name) {
    co_await turns(after);
    trace += name;
}

/// Waits for ever; when asked to stop it takes some turns to end.
task<result<void>> linger(std::string& trace, int after_stop) {
    const epitaph local{trace, "local "};
    event never;
    const auto r = co_await never.wait();
    co_await turns(after_stop);
    trace += "ended ";
    co_return r;
}

task<int> after_sleep(clock::duration d, int value) {
    const auto slept = co_await sleep_for(d);
    co_return slept ? value : -1;
}

/// Calls `f` with every order of 0, 1, 2.
template <class F>
void for_all_orders(F f) {
    std::array<int, 3> order{0, 1, 2};
    do {
        f(order);
    } while (std::next_permutation(order.begin(), order.end()));
}

}  // namespace

// when_all

TEST_CASE("when_all: of what is done at once is done at once") {
    run_test([]() -> task<void> {
        const loop& here = *(co_await this_env{}).owner;
        event set;
        set.set();
        semaphore one{1};
        const auto turns_before = here.stats().turns;
        const auto [waited, permit] = co_await when_all(set.wait(), one.acquire());
        CHECK(waited.has_value());
        CHECK(permit.has_value());
        CHECK(here.stats().turns == turns_before);
    }());
}

TEST_CASE("when_all: gives every result in the order named, in whatever order they come") {
    for_all_orders([](const std::array<int, 3>& order) {
        run_test([](std::array<int, 3> after) -> task<void> {
            std::string trace;
            const auto [a, b, c, said] = co_await when_all(give(after[0], 10), give(after[1], 11),
                                                           give(after[2], fail(errc::eof)),
                                                           say(1, trace, 'x'));
            CHECK(a == 10);
            CHECK(b == 11);
            CHECK(error_of(c) == errc::eof);
            CHECK(trace == "x");
            STATIC_REQUIRE(std::is_same_v<decltype(said), const std::monostate>);
        }(order));
    });
}

TEST_CASE("when_all: sleeps end in the order of their length, whatever their place") {
    std::array<int, 4> order{0, 1, 2, 3};
    do {
        run_test([](std::array<int, 4> after) -> task<void> {
            const clock::time_point begin = clock::now();
            const auto [a, b, c, d] =
                co_await when_all(after_sleep(after[0] * 1ms, 0), after_sleep(after[1] * 1ms, 1),
                                  after_sleep(after[2] * 1ms, 2), after_sleep(after[3] * 1ms, 3));
            CHECK(std::tuple(a, b, c, d) == std::tuple(0, 1, 2, 3));
            CHECK(clock::now() - begin >= 3ms);
        }(order));
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("when_all: its tasks run side by side") {
    run_test([]() -> task<void> {
        std::string trace;
        const auto twice = [](std::string& t, char name) -> task<void> {
            t += name;
            co_await next_turn{};
            t += name;
        };
        co_await when_all(twice(trace, 'a'), twice(trace, 'b'), twice(trace, 'c'));
        CHECK(trace == "abcabc");
    }());
}

TEST_CASE("when_all: a child may do what one named before it waits for") {
    run_test([]() -> task<void> {
        channel<int> c{1};
        semaphore none{0};
        const auto [received, sent] = co_await when_all(c.receive(), c.send(1));
        CHECK(received == 1);
        CHECK(sent.has_value());

        CHECK(c.try_send(2));
        const auto [sent_full, received_old] = co_await when_all(c.send(3), c.receive());
        const auto received_new = co_await c.receive();
        CHECK(sent_full.has_value());
        CHECK(received_old == 2);
        CHECK(received_new == 3);
    }());
}

TEST_CASE("when_all: of nothing is done at once") {
    run_test([]() -> task<void> {
        const std::vector<int> results = co_await when_all(std::vector<task<int>>{});
        CHECK(results.empty());
    }());
}

TEST_CASE("when_all: takes any number of one kind") {
    run_test([]() -> task<void> {
        std::vector<task<result<int>>> tasks;
        for (int i = 0; i < 1000; ++i) tasks.push_back(give(i * 7 % 13, i));
        const auto results = co_await when_all(std::move(tasks));

        bool in_order = results.size() == 1000;
        for (std::size_t i = 0; i < results.size(); ++i)
            in_order = in_order && results[i] == static_cast<int>(i);
        CHECK(in_order);
    }());
}

TEST_CASE("when_all: takes any number of operations and of void tasks") {
    run_test([]() -> task<void> {
        event e;
        std::string trace;
        std::vector<event::wait_op> waits;
        for (int i = 0; i < 5; ++i) waits.push_back(e.wait());
        std::vector<task<void>> speakers;
        for (char name : {'a', 'b', 'c'}) speakers.push_back(say(1, trace, name));

        const auto [woken, said, set] = co_await when_all(
            when_all(std::move(waits)), when_all(std::move(speakers)), later([&] { e.set(); }));

        CHECK(woken.size() == 5);
        CHECK(std::ranges::all_of(woken, [](const auto& r) { return r.has_value(); }));
        CHECK(said.size() == 3);
        CHECK(trace == "abc");
    }());
}

TEST_CASE("when_all: gives what can only be moved") {
    run_test([]() -> task<void> {
        const auto make = [](int v) -> task<std::unique_ptr<int>> {
            co_return std::make_unique<int>(v);
        };
        auto [a, b] = co_await when_all(make(1), make(2));
        std::vector<task<std::unique_ptr<int>>> more;
        more.push_back(make(3));
        const auto c = co_await when_all(std::move(more));
        CHECK(*a + *b + *c.front() == 6);
    }());
}

TEST_CASE("when_all: a failure stops nobody") {
    run_test([]() -> task<void> {
        const auto [failed, other] =
            co_await when_all(give(0, fail(errc::eof)), give_unless_stopped(5, 1));
        CHECK(error_of(failed) == errc::eof);
        CHECK(other == 1);
    }());
}

TEST_CASE("when_all: canceled before it starts, every child is asked to stop") {
    run_test([]() -> task<void> {
        event e;
        stop_source stop;
        stop.request_stop();
        const auto [a, b, c] = co_await stoppable(
            stop, when_all(e.wait(), give_unless_stopped(5, 1), give(2, 2)));
        CHECK(error_of(a) == errc::canceled);
        CHECK(error_of(b) == errc::canceled);
        CHECK(c == 2);
    }());
}

TEST_CASE("when_all: canceled while it waits, who has ended keeps its result") {
    run_test([]() -> task<void> {
        event e;
        stop_source stop;
        const auto [results, stopped] = co_await when_all(
            stoppable(stop, when_all(e.wait(), give(0, 1), give_unless_stopped(9, 2), give(5, 3))),
            [](stop_source& s) -> task<void> {
                co_await turns(3);
                s.request_stop();
            }(stop));
        const auto& [waited, early, stopping, deaf] = results;
        CHECK(error_of(waited) == errc::canceled);
        CHECK(early == 1);
        CHECK(error_of(stopping) == errc::canceled);
        CHECK(deaf == 3);
    }());
}

TEST_CASE("when_all: has destroyed its children's locals and arguments when it is done") {
    run_test([]() -> task<void> {
        std::string trace;
        const auto child = [](epitaph, int after) -> task<void> { co_await turns(after); };
        co_await when_all(child(epitaph{trace, "a"}, 3), child(epitaph{trace, "b"}, 1));
        trace += '|';
        CHECK(trace.size() == 3);
        CHECK(trace.back() == '|');
    }());
}

TEST_CASE("when_all: one that is never awaited destroys its tasks, and runs none") {
    run_test([]() -> task<void> {
        std::string trace;
        {
            const auto child = [](epitaph, std::string& t) -> task<void> {
                t += "ran";
                co_return;
            };
            [[maybe_unused]] auto unused =
                when_all(child(epitaph{trace, "a"}, trace), child(epitaph{trace, "b"}, trace));
            co_await next_turn{};
            CHECK(trace.empty());
        }
        CHECK(trace.size() == 2);
    }());
}

// first_done

TEST_CASE("first_done: tells which was first, and gives every result") {
    for_all_orders([](const std::array<int, 3>& order) {
        run_test([](std::array<int, 3> after) -> task<void> {
            const auto [index, results] = co_await first_done(give_unless_stopped(after[0] * 2, 0),
                                                              give_unless_stopped(after[1] * 2, 1),
                                                              give_unless_stopped(after[2] * 2, 2));
            const auto& [a, b, c] = results;
            const result<int> all[]{a, b, c};
            for (std::size_t i = 0; i < 3; ++i) {
                if (i == index) {
                    CHECK(after[i] == 0);
                    CHECK(all[i] == static_cast<int>(i));
                } else {
                    CHECK(error_of(all[i]) == errc::canceled);
                }
            }
        }(order));
    });
}

TEST_CASE("first_done: an error is an end like any other") {
    run_test([]() -> task<void> {
        const auto [index, results] =
            co_await first_done(give_unless_stopped(9, 1), give(1, fail(errc::eof)));
        CHECK(index == 1);
        CHECK(error_of(std::get<0>(results)) == errc::canceled);
        CHECK(error_of(std::get<1>(results)) == errc::eof);
    }());
}

TEST_CASE("first_done: a second that ends in the same turn keeps its result") {
    run_test([]() -> task<void> {
        event a, b;
        const auto [raced, set] = co_await when_all(first_done(a.wait(), b.wait()), later([&] {
                                                        b.set();
                                                        a.set();
                                                    }));
        CHECK(raced.index == 1);
        CHECK(error_of(std::get<0>(raced.results)) == no_error);
        CHECK(error_of(std::get<1>(raced.results)) == no_error);
    }());
}

TEST_CASE("first_done: waits for a loser however long that takes to stop") {
    run_test([]() -> task<void> {
        std::string trace;
        const auto [index, results] = co_await first_done(linger(trace, 20), give(1, 7));
        trace += "next";
        CHECK(index == 1);
        CHECK(std::get<1>(results) == 7);
        CHECK(error_of(std::get<0>(results)) == errc::canceled);
        CHECK(trace == "ended local next");
    }());
}

TEST_CASE("first_done: a loser that ignores the request ends all the same, with what it has") {
    run_test([]() -> task<void> {
        const auto [index, results] = co_await first_done(give(0, 1), give(10, 2));
        CHECK(index == 0);
        CHECK(std::get<1>(results) == 2);
    }());
}

TEST_CASE("first_done: with one that is done at once, no operation after it is started") {
    run_test([]() -> task<void> {
        event set;
        set.set();
        channel<int> c{1};
        CHECK(c.try_send(1));
        const auto first =
            co_await first_done(set.wait(), c.receive(), with_timeout(c.receive(), 1h),
                                when_all(c.receive()), first_ok(c.receive()));
        const auto& [waited, plain, timed, all, ok] = first.results;
        CHECK(first.index == 0);
        CHECK(waited.has_value());
        CHECK(error_of(plain) == errc::canceled);
        CHECK(error_of(timed) == errc::canceled);
        CHECK(error_of(std::get<0>(all)) == errc::canceled);
        CHECK(error_of(ok) == errc::canceled);
        CHECK(c.size() == 1);
    }());
}

TEST_CASE("first_done: takes any number of one kind") {
    run_test([]() -> task<void> {
        std::vector<task<result<int>>> tasks;
        for (int i = 0; i < 100; ++i) tasks.push_back(give_unless_stopped(i == 42 ? 3 : 1000, i));
        const auto [index, results] = co_await first_done(std::move(tasks));
        CHECK(index == 42);
        CHECK(results.size() == 100);
        CHECK(results[42] == 42);
        CHECK(error_of(results[41]) == errc::canceled);
    }());
}

TEST_CASE("first_done: canceled while it waits, every child is asked to stop") {
    run_test([]() -> task<void> {
        event a, b;
        stop_source stop;
        const auto [raced, stopped] =
            co_await when_all(stoppable(stop, first_done(a.wait(), b.wait())),
                              later([&] { stop.request_stop(); }));
        CHECK(error_of(std::get<0>(raced.results)) == errc::canceled);
        CHECK(error_of(std::get<1>(raced.results)) == errc::canceled);
    }());
}

TEST_CASE("first_done: a void child stands as monostate") {
    run_test([]() -> task<void> {
        std::string trace;
        const auto [index, results] =
            co_await first_done(say(1, trace, 'a'), give_unless_stopped(9, 1));
        CHECK(index == 0);
        CHECK(trace == "a");
        STATIC_REQUIRE(
            std::is_same_v<decltype(results), const std::tuple<std::monostate, result<int>>>);
    }());
}

TEST_CASE("first_done: a thousand races in a row leave nothing behind") {
    run_test([]() -> task<void> {
        const loop& here = *(co_await this_env{}).owner;
        event never;
        const auto frames = here.stats().frames;
        for (int i = 0; i < 1000; ++i) co_await first_done(never.wait(), give(i % 3, i));
        CHECK(here.stats().frames == frames);
        CHECK(here.stats().timers == 0);
    }());
}

// first_ok

TEST_CASE("first_ok: gives the first success, whoever fails before, in every order") {
    for (unsigned failing = 0; failing < 8; ++failing) {
        for_all_orders([failing](const std::array<int, 3>& order) {
            run_test([](std::array<int, 3> after, unsigned fails) -> task<void> {
                constexpr std::array errors{errc::eof, errc::closed, errc::io};
                const auto child = [&](std::size_t i) {
                    return give(after[i] * 2, fails >> i & 1 ? result<int>{fail(errors[i])}
                                                             : static_cast<int>(i));
                };
                const result<int> r = co_await first_ok(child(0), child(1), child(2));

                int winner = -1;
                for (int i = 0; i < 3; ++i) {
                    const auto at = static_cast<std::size_t>(i);
                    if (fails >> i & 1) continue;
                    if (winner < 0 || after[at] < after[static_cast<std::size_t>(winner)])
                        winner = i;
                }
                if (winner < 0)
                    CHECK(error_of(r) == errors[0]);
                else
                    CHECK(r == winner);
            }(order, failing));
        });
    }
}

TEST_CASE("first_ok: asks the others to stop when one succeeds, not when one fails") {
    run_test([]() -> task<void> {
        const auto second = co_await first_ok(give(0, fail(errc::eof)), give_unless_stopped(3, 2),
                                              give_unless_stopped(9, 3));
        CHECK(second == 2);
    }());
}

TEST_CASE("first_ok: waits for a loser however long that takes to stop") {
    run_test([]() -> task<void> {
        std::string trace;
        const auto r = co_await first_ok(linger(trace, 20), []() -> task<result<void>> {
            co_await next_turn{};
            co_return {};
        }());
        trace += "next";
        CHECK(r.has_value());
        CHECK(trace == "ended local next");
    }());
}

TEST_CASE("first_ok: of two that succeed the later is destroyed") {
    run_test([]() -> task<void> {
        std::string trace;
        const auto make = [](std::string& t, std::string_view name,
                             int after) -> task<result<epitaph>> {
            epitaph made{t, name};
            co_await turns(after);
            co_return made;
        };
        {
            const auto r = co_await first_ok(make(trace, "slow", 3), make(trace, "fast", 1));
            CHECK(r.has_value());
            CHECK(trace == "slow");
        }
        CHECK(trace == "slowfast");
    }());
}

TEST_CASE("first_ok: if all fail a check ends with the error of the one named first") {
    run_test([]() -> task<void> {
        const auto of_tuple = co_await []() -> task<result<void>> {
            co_await check(first_ok(give(3, fail(errc::eof)), give(1, fail(errc::io))));
            co_return {};
        }();
        const auto of_range = co_await []() -> task<result<void>> {
            std::vector<task<result<int>>> tasks;
            tasks.push_back(give(3, fail(errc::closed)));
            tasks.push_back(give(1, fail(errc::io)));
            co_await check(first_ok(std::move(tasks)));
            co_return {};
        }();
        CHECK(error_of(of_tuple) == errc::eof);
        CHECK(error_of(of_range) == errc::closed);
    }());
}

TEST_CASE("first_ok: can be checked, timed, and part of another group") {
    run_test([]() -> task<result<void>> {
        event never;
        const int value = co_await check(first_ok(give(2, fail(errc::eof)), give(1, 5)));
        const auto late = co_await with_timeout(first_ok(never.wait(), never.wait()), 1ms);
        const auto nested = co_await first_ok(first_ok(give(2, fail(errc::eof)), give(9, 6)),
                                              with_timeout(give(3, 7), 1h));
        CHECK(value == 5);
        CHECK(error_of(late) == errc::timed_out);
        CHECK(nested == 7);
        co_return {};
    }());
}

TEST_CASE("first_ok: takes any number of one kind") {
    run_test([]() -> task<void> {
        std::vector<task<result<int>>> tasks;
        for (int i = 0; i < 100; ++i)
            tasks.push_back(give(i, i < 42 ? result<int>{fail(errc::eof)} : i));
        const auto r = co_await first_ok(std::move(tasks));
        CHECK(r == 42);
    }());
}

TEST_CASE("first_ok: canceled while it waits") {
    run_test([]() -> task<void> {
        event a, b;
        stop_source stop;
        const auto [r, stopped] = co_await when_all(stoppable(stop, first_ok(a.wait(), b.wait())),
                                                    later([&] { stop.request_stop(); }));
        CHECK(error_of(r) == errc::canceled);
    }());
}

// Nested

TEST_CASE("groups: nest, and a stop request reaches the innermost") {
    run_test([]() -> task<void> {
        event never;
        stop_source stop;
        const auto [outer, stopped] = co_await when_all(
            stoppable(stop, when_all(first_done(never.wait(), when_all(never.wait(), give(1, 1))),
                                     when_all(give(0, 2), first_ok(never.wait(), never.wait())))),
            later([&] { stop.request_stop(); }));
        const auto& [raced, both] = outer;
        const auto& [lost, inner] = raced.results;
        CHECK(error_of(lost) == errc::canceled);
        CHECK(error_of(std::get<0>(inner)) == errc::canceled);
        CHECK(std::get<1>(inner) == 1);
        CHECK(std::get<0>(both) == 2);
        CHECK(error_of(std::get<1>(both)) == errc::canceled);
    }());
}

TEST_CASE("groups: a race inside a race ends when the outer one is won") {
    run_test([]() -> task<void> {
        std::string trace;
        const auto outer =
            co_await first_done(first_done(linger(trace, 3), linger(trace, 1)), give(2, 5));
        trace += "next";
        CHECK(outer.index == 1);
        CHECK(std::get<0>(outer.results).index == 1);
        CHECK(trace.ends_with("next"));
        CHECK(trace.size() == std::string("ended ended local local next").size());
    }());
}

TEST_CASE("groups: may be kept and moved until they are awaited") {
    run_test([]() -> task<void> {
        event e;
        const auto waits = [](event& ev) {
            return when_all(with_timeout(ev.wait(), 1h), first_ok(ev.wait(), ev.wait()));
        };
        std::vector<decltype(waits(e))> kept;
        for (int i = 0; i < 10; ++i) kept.push_back(waits(e));
        co_await turns(3);

        const auto [all, set] =
            co_await when_all(when_all(std::move(kept)), later([&] { e.set(); }));

        CHECK(all.size() == 10);
        for (const auto& [timed, first] : all) {
            CHECK(timed.has_value());
            CHECK(first.has_value());
        }
    }());
}

TEST_CASE("groups: ten levels deep") {
    run_test([]() -> task<void> {
        const auto level = [](const auto& self, int depth) -> task<int> {
            if (depth == 0) {
                co_await next_turn{};
                co_return 1;
            }
            const auto [a, b] = co_await when_all(self(self, depth - 1), self(self, depth - 1));
            co_return a + b;
        };
        const int leaves = co_await level(level, 10);
        CHECK(leaves == 1024);
    }());
}

#if defined(__cpp_exceptions)
TEST_CASE("when_all: what a child throws arrives when all have ended") {
    run_test([]() -> task<void> {
        std::string trace;
        try {
            co_await when_all(
                [](std::string& t) -> task<int> {
                    const epitaph local{t, "thrower "};
                    co_await next_turn{};
                    throw std::runtime_error("thrown");
                }(trace),
                [](std::string& t) -> task<int> {
                    const epitaph local{t, "other "};
                    co_await turns(9);
                    co_return 1;
                }(trace));
        } catch (const std::runtime_error& e) {
            trace += e.what();
        }
        CHECK(trace == "thrower other thrown");
    }());
}

TEST_CASE("first_done: what a child throws arrives when the losers have ended") {
    run_test([]() -> task<void> {
        std::string trace;
        try {
            co_await first_done(linger(trace, 5), []() -> task<int> {
                co_await next_turn{};
                throw std::runtime_error("thrown");
            }());
        } catch (const std::runtime_error& e) {
            trace += e.what();
        }
        CHECK(trace == "ended local thrown");
    }());
}
#endif

#if COPOLL_TESTS_CAN_TRAP
TEST_CASE("first_done, first_ok: trap when there is nothing to wait for") {
    CHECK(last_words([] { (void)first_done(std::vector<task<int>>{}); }).find("first_done") !=
          std::string::npos);
    CHECK(last_words([] { (void)first_ok(std::vector<task<result<int>>>{}); }).find("first_ok") !=
          std::string::npos);
}
#endif
