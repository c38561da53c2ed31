// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/mutex.hpp>

#include <catch2/catch_test_macros.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

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

/// Says when it has the lock and, some turns later, when it is about to give it back.
task<void> lock_and_say(mutex& m, std::string& trace, char name, int keep = 0) {
    const auto guard = co_await m.lock();
    trace += guard ? name : '!';
    co_await turns(keep);
    if (guard) trace += name;
}

}  // namespace

TEST_CASE("mutex: unlocked before the wait, it is locked at once and until the guard is gone") {
    run_test([]() -> task<void> {
        mutex m;
        CHECK_FALSE(m.is_locked());
        {
            const auto guard = co_await m.lock();
            CHECK(guard.has_value());
            CHECK(m.is_locked());
            CHECK_FALSE(m.try_lock().has_value());
        }
        CHECK_FALSE(m.is_locked());
        CHECK(m.try_lock().has_value());
    }());
}

TEST_CASE("mutex: unlocked during the wait, the waiter has the lock") {
    run_test([]() -> task<void> {
        mutex m;
        auto held = m.try_lock();
        const auto [guard, unlocked] = co_await when_all(m.lock(), later([&] { held.reset(); }));
        CHECK(guard.has_value());
        CHECK(m.is_locked());
    }());
}

TEST_CASE("mutex: what it guards is not interleaved, and the lock passes in order") {
    run_test([]() -> task<void> {
        mutex m;
        std::string trace;
        std::vector<task<void>> tasks;
        for (char name : {'a', 'b', 'c', 'd'}) tasks.push_back(lock_and_say(m, trace, name, 3));
        co_await when_all(std::move(tasks));
        CHECK(trace == "aabbccdd");
    }());
}

TEST_CASE("mutex: unlocking resumes nobody before it returns") {
    run_test([]() -> task<void> {
        mutex m;
        std::string trace;
        auto held = m.try_lock();
        co_await when_all(lock_and_say(m, trace, 'a'), later([&] {
                              held.reset();
                              trace += '|';
                          }));
        CHECK(trace == "|aa");
    }());
}

TEST_CASE("mutex: who unlocks and locks again comes after those who wait") {
    run_test([]() -> task<void> {
        mutex m;
        std::string trace;
        co_await when_all(
            [](mutex& shared, std::string& t) -> task<void> {
                auto guard = co_await shared.lock();
                co_await turns(2);
                guard->release();
                co_await lock_and_say(shared, t, 'a');
            }(m, trace),
            lock_and_say(m, trace, 'b', 2));
        CHECK(trace == "bbaa");
    }());
}

TEST_CASE("mutex: canceled before the wait, it is not locked") {
    run_test([]() -> task<void> {
        mutex m;
        stop_source stop;
        stop.request_stop();
        const auto r = co_await stoppable(stop, m.lock());
        CHECK(error_of(r) == errc::canceled);
        CHECK_FALSE(m.is_locked());
    }());
}

TEST_CASE("mutex: canceled during the wait, it is not locked") {
    run_test([]() -> task<void> {
        mutex m;
        stop_source stop;
        auto held = m.try_lock();
        const auto [r, stopped] =
            co_await when_all(stoppable(stop, m.lock()), later([&] { stop.request_stop(); }));
        CHECK(error_of(r) == errc::canceled);
        held.reset();
        CHECK_FALSE(m.is_locked());
    }());
}

TEST_CASE("mutex: canceled and then unlocked in one turn, it is not locked") {
    run_test([]() -> task<void> {
        mutex m;
        stop_source stop;
        auto held = m.try_lock();
        const auto [r, both] = co_await when_all(stoppable(stop, m.lock()), later([&] {
                                                     stop.request_stop();
                                                     held.reset();
                                                 }));
        CHECK(error_of(r) == errc::canceled);
        CHECK_FALSE(m.is_locked());
    }());
}

TEST_CASE("mutex: unlocked and then canceled in one turn, the waiter has the lock") {
    run_test([]() -> task<void> {
        mutex m;
        stop_source stop;
        auto held = m.try_lock();
        const auto [r, both] = co_await when_all(stoppable(stop, m.lock()), later([&] {
                                                     held.reset();
                                                     stop.request_stop();
                                                 }));
        CHECK(error_of(r) == no_error);
        CHECK(m.is_locked());
    }());
}

TEST_CASE("mutex: locks after it was canceled") {
    run_test([]() -> task<void> {
        mutex m;
        stop_source stop;
        auto held = m.try_lock();
        co_await when_all(stoppable(stop, m.lock()), later([&] { stop.request_stop(); }));
        const auto [again, unlocked] = co_await when_all(m.lock(), later([&] { held.reset(); }));
        CHECK(again.has_value());
    }());
}

TEST_CASE("mutex: its waiters may end with their scope, and it after them") {
    run_test([]() -> task<void> {
        std::string trace;
        std::optional<mutex> m{std::in_place};
        co_await with_scope([](scope& s, mutex& shared, std::string& t) -> task<void> {
            for (char name : {'a', 'b', 'c'}) s.spawn(lock_and_say(shared, t, name, 9));
            co_await turns(2);
            s.request_stop();
        }, *m, trace);
        CHECK(trace == "a!!a");
        CHECK_FALSE(m->is_locked());
        m.reset();
    }());
}

#if COPOLL_TESTS_CAN_TRAP
TEST_CASE("mutex: traps when it is destroyed while somebody waits") {
    const std::string words = last_words([] {
        (void)run([]() -> task<result<void>> {
            std::optional<mutex> m{std::in_place};
            auto held = m->try_lock();
            held->detach();
            co_await when_all(m->lock(), later([&] { m.reset(); }));
            co_return {};
        }());
    });
    CHECK(words.find("destroyed while somebody waits for it") != std::string::npos);
}
#endif
