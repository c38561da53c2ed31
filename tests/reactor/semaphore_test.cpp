// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/semaphore.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstddef>
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

/// Says when it has a permit, and keeps it for some turns.
task<void> acquire_and_say(semaphore& s, std::string& trace, char name, int keep = 0) {
    const auto permit = co_await s.acquire();
    trace += permit ? name : '!';
    co_await turns(keep);
}

}  // namespace

TEST_CASE("semaphore: a permit that is there is taken at once, and given back when destroyed") {
    run_test([]() -> task<void> {
        semaphore s{2};
        {
            const auto a = co_await s.acquire();
            CHECK(s.available() == 1);
            const auto b = co_await s.acquire();
            CHECK(s.available() == 0);
            CHECK(a.has_value());
            CHECK(b.has_value());
        }
        CHECK(s.available() == 2);
    }());
}

TEST_CASE("semaphore: released before the wait, it does not wait") {
    run_test([]() -> task<void> {
        semaphore s{0};
        s.release();
        const auto permit = co_await s.acquire();
        CHECK(permit.has_value());
        CHECK(s.available() == 0);
    }());
}

TEST_CASE("semaphore: released during the wait, the waiter has the permit") {
    run_test([]() -> task<void> {
        semaphore s{0};
        const auto [permit, released] =
            co_await when_all(s.acquire(), later([&] { s.release(); }));
        CHECK(permit.has_value());
        CHECK(s.available() == 0);
    }());
}

TEST_CASE("semaphore: release resumes nobody before it returns") {
    run_test([]() -> task<void> {
        semaphore s{0};
        std::string trace;
        co_await when_all(acquire_and_say(s, trace, 'a'), later([&] {
                              s.release();
                              trace += '|';
                          }));
        CHECK(trace == "|a");
    }());
}

TEST_CASE("semaphore: a permit that is dropped goes to the longest waiter") {
    run_test([]() -> task<void> {
        semaphore s{1};
        std::string trace;
        std::vector<task<void>> tasks;
        for (char name : {'a', 'b', 'c', 'd'}) tasks.push_back(acquire_and_say(s, trace, name, 2));
        co_await when_all(std::move(tasks));
        CHECK(trace == "abcd");
        CHECK(s.available() == 1);
    }());
}

TEST_CASE("semaphore: nobody overtakes those who wait") {
    run_test([]() -> task<void> {
        semaphore s{0};
        std::string trace;
        co_await when_all(acquire_and_say(s, trace, 'a'), [](semaphore& sem,
                                                             std::string& t) -> task<void> {
            co_await next_turn{};
            sem.release();
            CHECK_FALSE(sem.try_acquire().has_value());  // it belongs to the waiter already
            co_await acquire_and_say(sem, t, 'b');
        }(s, trace));
        CHECK(trace == "ab");
        CHECK(s.available() == 1);
    }());
}

TEST_CASE("semaphore: release of several wakes as many") {
    run_test([]() -> task<void> {
        semaphore s{0};
        std::string trace;
        co_await when_all(acquire_and_say(s, trace, 'a', 9), acquire_and_say(s, trace, 'b', 9),
                          acquire_and_say(s, trace, 'c', 9), [](semaphore& sem,
                                                                std::string& t) -> task<void> {
                              co_await next_turn{};
                              sem.release(2);
                              co_await turns(2);
                              t += '|';
                              sem.release(2);
                              CHECK(sem.available() == 1);
                          }(s, trace));
        CHECK(trace == "ab|c");
        CHECK(s.available() == 4);
    }());
}

TEST_CASE("semaphore: canceled before the wait, no permit is taken") {
    run_test([]() -> task<void> {
        semaphore s{1};
        stop_source stop;
        stop.request_stop();
        const auto r = co_await stoppable(stop, s.acquire());
        CHECK(error_of(r) == errc::canceled);
        CHECK(s.available() == 1);
    }());
}

TEST_CASE("semaphore: canceled during the wait, no permit is taken") {
    run_test([]() -> task<void> {
        semaphore s{0};
        stop_source stop;
        const auto [r, stopped] =
            co_await when_all(stoppable(stop, s.acquire()), later([&] { stop.request_stop(); }));
        CHECK(error_of(r) == errc::canceled);
        s.release();
        CHECK(s.available() == 1);
    }());
}

TEST_CASE("semaphore: canceled and then released in one turn, the permit stays") {
    run_test([]() -> task<void> {
        semaphore s{0};
        stop_source stop;
        const auto [r, both] = co_await when_all(stoppable(stop, s.acquire()), later([&] {
                                                     stop.request_stop();
                                                     s.release();
                                                 }));
        CHECK(error_of(r) == errc::canceled);
        CHECK(s.available() == 1);
    }());
}

TEST_CASE("semaphore: released and then canceled in one turn, the waiter has the permit") {
    run_test([]() -> task<void> {
        semaphore s{0};
        stop_source stop;
        {
            const auto [r, both] = co_await when_all(stoppable(stop, s.acquire()), later([&] {
                                                         s.release();
                                                         stop.request_stop();
                                                     }));
            CHECK(error_of(r) == no_error);
            CHECK(s.available() == 0);
        }
        CHECK(s.available() == 1);
    }());
}

TEST_CASE("semaphore: a waiter that is canceled is passed over") {
    run_test([]() -> task<void> {
        semaphore s{0};
        stop_source stop;
        std::string trace;
        co_await when_all(stoppable(stop, acquire_and_say(s, trace, 'a')),
                          acquire_and_say(s, trace, 'b'), later([&] {
                              stop.request_stop();
                              s.release();
                          }));
        CHECK(trace == "!b");
        CHECK(s.available() == 1);
    }());
}

TEST_CASE("semaphore: waits again after it was canceled") {
    run_test([]() -> task<void> {
        semaphore s{0};
        stop_source stop;
        co_await when_all(stoppable(stop, s.acquire()), later([&] { stop.request_stop(); }));
        const auto [again, released] = co_await when_all(s.acquire(), later([&] { s.release(); }));
        CHECK(again.has_value());
    }());
}

TEST_CASE("semaphore: its waiters may end with their scope, and it after them") {
    run_test([]() -> task<void> {
        std::string trace;
        std::optional<semaphore> s{std::in_place, 1u};
        co_await with_scope([](scope& inner, semaphore& sem, std::string& t) -> task<void> {
            for (char name : {'a', 'b', 'c'}) inner.spawn(acquire_and_say(sem, t, name, 9));
            co_await turns(2);
            inner.request_stop();
        }, *s, trace);
        CHECK(trace == "a!!");
        CHECK(s->available() == 1);
        s.reset();
    }());
}

TEST_CASE("semaphore: a permit that a group drops is given back") {
    run_test([]() -> task<void> {
        semaphore a{0}, b{0};
        {
            const auto [first, both] = co_await when_all(first_ok(a.acquire(), b.acquire()),
                                                         later([&] {
                                                             a.release();
                                                             b.release();
                                                         }));
            CHECK(first.has_value());
            CHECK(a.available() == 0);
            CHECK(b.available() == 1);
        }
        CHECK(a.available() == 1);
    }());
}

TEST_CASE("permit: moved from it gives back nothing") {
    semaphore s{2};
    {
        auto a = s.try_acquire();
        semaphore::permit b = *std::move(a);
        a.reset();
        CHECK(s.available() == 1);
        semaphore::permit c = *s.try_acquire();
        c = std::move(b);
        CHECK(s.available() == 0);
    }
    CHECK(s.available() == 2);
}

TEST_CASE("permit: is given back once when released early") {
    semaphore s{1};
    {
        auto permit = s.try_acquire();
        permit->release();
        CHECK(s.available() == 1);
        permit->release();
        CHECK(s.available() == 1);
    }
    CHECK(s.available() == 1);
}

TEST_CASE("permit: detached it stays out of circulation until the semaphore is released") {
    semaphore s{1};
    s.try_acquire()->detach();
    CHECK(s.available() == 0);
    CHECK_FALSE(s.try_acquire().has_value());
    s.release();
    CHECK(s.available() == 1);
}

TEST_CASE("semaphore: so many at a time and no more") {
    struct crowd {
        semaphore door{3};
        int inside = 0;
        int most = 0;
    };
    run_test([]() -> task<void> {
        crowd c;
        co_await with_scope([](scope& s, crowd& in) -> task<void> {
            for (int i = 0; i < 100; ++i) {
                s.spawn([](crowd& here, int stay) -> task<void> {
                    const auto permit = co_await here.door.acquire();
                    here.most = std::max(here.most, ++here.inside);
                    co_await turns(stay);
                    --here.inside;
                }, std::ref(in), i % 7);
            }
            co_return;
        }, c);
        CHECK(c.most == 3);
        CHECK(c.inside == 0);
        CHECK(c.door.available() == 3);
    }());
}

#if COPOLL_TESTS_CAN_TRAP
TEST_CASE("semaphore: traps when it is destroyed while somebody waits") {
    const std::string words = last_words([] {
        (void)run([]() -> task<result<void>> {
            std::optional<semaphore> s{std::in_place, 0u};
            co_await when_all(s->acquire(), later([&] { s.reset(); }));
            co_return {};
        }());
    });
    CHECK(words.find("destroyed while somebody waits for it") != std::string::npos);
}
#endif
