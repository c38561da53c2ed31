// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/event.hpp>

#include <catch2/catch_test_macros.hpp>

#include <optional>
#include <string>
#include <vector>

#include <copoll/check.hpp>
#include <copoll/scope.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/run_test.hpp"
#include "support/stoppable.hpp"
#include "support/traps.hpp"

using namespace copoll;
using namespace copoll_tests;

namespace {

task<void> wait_and_say(event& e, std::string& trace, char name) {
    const auto woken = co_await e.wait();
    trace += woken ? name : '!';
}

}  // namespace

TEST_CASE("event: set before the wait, it completes at once") {
    run_test([]() -> task<void> {
        event e;
        e.set();
        const auto first = co_await e.wait();
        const auto second = co_await e.wait();
        CHECK(first.has_value());
        CHECK(second.has_value());
        CHECK(e.is_set());
    }());
}

TEST_CASE("event: set during the wait, it wakes") {
    run_test([]() -> task<void> {
        event e;
        const auto [woken, set] = co_await when_all(e.wait(), later([&] { e.set(); }));
        CHECK(woken.has_value());
    }());
}

TEST_CASE("event: set resumes nobody before it returns") {
    run_test([]() -> task<void> {
        event e;
        std::string trace;
        co_await when_all(wait_and_say(e, trace, 'a'), wait_and_say(e, trace, 'b'), later([&] {
                              e.set();
                              trace += '|';
                          }));
        CHECK(trace == "|ab");
    }());
}

TEST_CASE("event: wakes all who wait, in the order they came") {
    run_test([]() -> task<void> {
        event e;
        std::string trace;
        std::vector<task<void>> waiters;
        for (char name = 'a'; name <= 'z'; ++name) waiters.push_back(wait_and_say(e, trace, name));
        waiters.push_back(later([&] { e.set(); }));
        co_await when_all(std::move(waiters));
        CHECK(trace == "abcdefghijklmnopqrstuvwxyz");
    }());
}

TEST_CASE("event: canceled before the wait, it does not wait") {
    run_test([]() -> task<void> {
        event e;
        stop_source stop;
        stop.request_stop();
        const auto r = co_await stoppable(stop, e.wait());
        CHECK(error_of(r) == errc::canceled);
    }());
}

TEST_CASE("event: canceled during the wait") {
    run_test([]() -> task<void> {
        event e;
        stop_source stop;
        const auto [r, stopped] =
            co_await when_all(stoppable(stop, e.wait()), later([&] { stop.request_stop(); }));
        CHECK(error_of(r) == errc::canceled);
        CHECK_FALSE(e.is_set());
    }());
}

TEST_CASE("event: a stop request resumes nobody before it returns") {
    run_test([]() -> task<void> {
        event e;
        stop_source stop;
        std::string trace;
        co_await when_all(stoppable(stop, wait_and_say(e, trace, 'a')), later([&] {
                              stop.request_stop();
                              trace += '|';
                          }));
        CHECK(trace == "|!");
    }());
}

TEST_CASE("event: canceled and then set in one turn, it is canceled") {
    run_test([]() -> task<void> {
        event e;
        stop_source stop;
        const auto [r, both] = co_await when_all(stoppable(stop, e.wait()), later([&] {
                                                     stop.request_stop();
                                                     e.set();
                                                 }));
        CHECK(error_of(r) == errc::canceled);
        CHECK(e.is_set());
    }());
}

TEST_CASE("event: set and then canceled in one turn, it is set") {
    run_test([]() -> task<void> {
        event e;
        stop_source stop;
        const auto [r, both] = co_await when_all(stoppable(stop, e.wait()), later([&] {
                                                     e.set();
                                                     stop.request_stop();
                                                 }));
        CHECK(error_of(r) == no_error);
    }());
}

TEST_CASE("event: set from a stop callback while the waiter is canceled by the same request") {
    run_test([]() -> task<void> {
        event e;
        stop_source stop;
        const stop_callback setter{stop.get_token(), [&] { e.set(); }};
        const auto [r, stopped] =
            co_await when_all(stoppable(stop, e.wait()), later([&] { stop.request_stop(); }));
        CHECK(error_of(r) == errc::canceled);  // the newest callback comes first
        CHECK(e.is_set());
    }());
}

TEST_CASE("event: one waiter that is canceled leaves the others waiting, in order") {
    run_test([]() -> task<void> {
        event e;
        stop_source stop;
        std::string trace;
        co_await when_all(wait_and_say(e, trace, 'a'), stoppable(stop, wait_and_say(e, trace, 'b')),
                          wait_and_say(e, trace, 'c'), [](event& ev, stop_source& s,
                                                          std::string& t) -> task<void> {
                              co_await next_turn{};
                              s.request_stop();
                              co_await turns(2);
                              t += '|';
                              ev.set();
                          }(e, stop, trace));
        CHECK(trace == "!|ac");
    }());
}

TEST_CASE("event: waits again after it was canceled") {
    run_test([]() -> task<void> {
        event e;
        stop_source stop;
        co_await when_all(stoppable(stop, e.wait()), later([&] { stop.request_stop(); }));
        const auto [again, set] = co_await when_all(e.wait(), later([&] { e.set(); }));
        CHECK(again.has_value());
    }());
}

TEST_CASE("event: its waiters may end with their scope, and it after them") {
    run_test([]() -> task<void> {
        std::string trace;
        std::optional<event> e{std::in_place};
        co_await with_scope([](scope& s, event& ev, std::string& t) -> task<void> {
            for (char name : {'a', 'b', 'c'}) s.spawn(wait_and_say(ev, t, name));
            co_await turns(2);
            s.request_stop();
        }, *e, trace);
        e.reset();
        CHECK(trace == "!!!");
    }());
}

TEST_CASE("event: after a reset later waits wait, and who was woken stays woken") {
    run_test([]() -> task<void> {
        event e;
        std::string trace;
        co_await when_all(wait_and_say(e, trace, 'a'), [](event& ev, std::string& t) -> task<void> {
            co_await next_turn{};
            ev.set();
            ev.reset();
            CHECK_FALSE(ev.is_set());
            const auto [r, set] = co_await when_all(ev.wait(), later([&] {
                                                        t += '|';
                                                        ev.set();
                                                    }));
            t += r ? 'b' : '!';
        }(e, trace));
        CHECK(trace == "a|b");
    }());
}

TEST_CASE("event: wakes ten thousand") {
    run_test([]() -> task<void> {
        event e;
        std::string trace;
        co_await with_scope([](scope& s, event& ev, std::string& t) -> task<void> {
            for (int i = 0; i < 10'000; ++i) s.spawn(wait_and_say(ev, t, 'a'));
            co_await turns(2);
            ev.set();
        }, e, trace);
        CHECK(trace == std::string(10'000, 'a'));
    }());
}

TEST_CASE("event: a canceled wait can be checked") {
    run_test([]() -> task<void> {
        event e;
        stop_source stop;
        stop.request_stop();
        const auto r = co_await stoppable(stop, [](event& ev) -> task<result<void>> {
            co_await check(ev.wait());
            co_return {};
        }(e));
        CHECK(error_of(r) == errc::canceled);
    }());
}

#if COPOLL_TESTS_CAN_TRAP
TEST_CASE("event: traps when it is destroyed while somebody waits") {
    const std::string words = last_words([] {
        (void)run([]() -> task<result<void>> {
            std::optional<event> e{std::in_place};
            co_await when_all(e->wait(), later([&] { e.reset(); }));
            co_return {};
        }());
    });
    CHECK(words.find("destroyed while somebody waits for it") != std::string::npos);
}
#endif
