// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/task.hpp>

#include <catch2/catch_test_macros.hpp>

#include <coroutine>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <copoll/check.hpp>
#include <copoll/when.hpp>

#include "support/epitaph.hpp"
#include "support/foreign_event.hpp"
#include "support/next_turn.hpp"
#include "support/run_test.hpp"
#include "support/traps.hpp"

using namespace copoll;
using namespace copoll_tests;

namespace {

task<int> seven() { co_return 7; }

task<int> seven_later() {
    co_await next_turn{};
    co_return 7;
}

/// A chain of `depth` tasks, each awaiting the next; the innermost awaits `leaf`.
task<int> chain(int depth, task<int> leaf) {
    if (depth == 0) co_return co_await std::move(leaf);
    co_return 1 + co_await chain(depth - 1, std::move(leaf));
}

task<void> says_that_it_ran(std::string& trace) {
    trace += "ran ";
    co_return;
}


}  // namespace

TEST_CASE("task: does nothing before it is awaited") {
    run_test([]() -> task<void> {
        std::string trace;
        task<void> lazy = says_that_it_ran(trace);
        co_await turns(3);
        CHECK(trace.empty());

        co_await std::move(lazy);

        CHECK(trace == "ran ");
    }());
}

TEST_CASE("task: one that is never awaited is destroyed without running") {
    run_test([]() -> task<void> {
        std::string trace;
        {
            const auto unused = [](std::string& t, epitaph) -> task<void> {
                t += "ran ";
                co_return;
            }(trace, epitaph{trace, "argument gone"});
            co_await next_turn{};
            CHECK(trace.empty());
        }
        CHECK(trace == "argument gone");
    }());
}

TEST_CASE("task: gives what it returns, at once or later") {
    run_test([]() -> task<void> {
        const int at_once = co_await seven();
        const int later = co_await seven_later();
        CHECK(at_once == 7);
        CHECK(later == 7);
    }());
}

TEST_CASE("task: gives what can only be moved, and what has no default") {
    struct no_default {
        explicit no_default(int v) : value(v) {}
        int value;
    };
    run_test([]() -> task<void> {
        const auto p = co_await [](int v) -> task<std::unique_ptr<int>> {
            co_return std::make_unique<int>(v);
        }(5);
        const auto q = co_await [](int v) -> task<result<std::unique_ptr<int>>> {
            co_return std::make_unique<int>(v);
        }(6);
        const auto r = co_await [](int v) -> task<no_default> { co_return no_default{v}; }(8);
        CHECK(*p == 5);
        CHECK(**q == 6);
        CHECK(r.value == 8);
    }());
}

TEST_CASE("task: its frame is gone before the next statement of who awaited it") {
    run_test([]() -> task<void> {
        std::string trace;
        co_await [](std::string& t, epitaph) -> task<void> {
            const epitaph local{t, "local "};
            co_await next_turn{};
            t += "body ";
        }(trace, epitaph{trace, "argument "});
        trace += "next";
        CHECK(trace == "body local argument next");
    }());
}

TEST_CASE("task: keeps the arguments given by value while it runs") {
    run_test([]() -> task<void> {
        const std::string kept = co_await [](std::string s) -> task<std::string> {
            co_await turns(2);
            co_return s + "!";
        }(std::string(100, 'x'));
        CHECK(kept == std::string(100, 'x') + "!");
    }());
}

TEST_CASE("task: can be moved until it is awaited") {
    run_test([]() -> task<void> {
        task<int> a = seven();
        task<int> b = std::move(a);
        task<int> c = chain(1, seven());
        c = std::move(b);
        const int got = co_await std::move(c);
        CHECK(got == 7);
    }());
}

TEST_CASE("task: is neither copied nor empty by default") {
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<task<int>>);
    STATIC_REQUIRE_FALSE(std::is_default_constructible_v<task<int>>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<task<int>>);
    STATIC_REQUIRE(operation<task<void>>);
    STATIC_REQUIRE(fallible_operation<task<result<int>>>);
    STATIC_REQUIRE_FALSE(fallible_operation<task<int>>);
}

TEST_CASE("task: knows its loop and its stop token") {
    run_test([]() -> task<void> {
        const env& outer = co_await this_env{};
        const auto same = co_await [](const env& o) -> task<bool> {
            const env& inner = co_await this_env{};
            co_return inner.owner == o.owner&& inner.stop == o.stop;
        }(outer);
        CHECK(outer.owner != nullptr);
        CHECK(outer.stop.stop_possible());
        CHECK_FALSE(outer.stop.stop_requested());
        CHECK(same);
    }());
}

TEST_CASE("task: awaits what knows nothing of this library") {
    run_test([]() -> task<void> {
        foreign_event ready;
        const auto waits = [](foreign_event& e) -> task<int> {
            co_await std::suspend_never{};
            co_return co_await e;
        };
        const auto [got, resumed] = co_await when_all(waits(ready), later([&] { ready.fire(42); }));
        CHECK(got == 42);
    }());
}

TEST_CASE("task: a chain that another library resumes in the middle of a task goes on to its end") {
    run_test([]() -> task<void> {
        foreign_event first, second, third;
        std::string trace;
        const auto waits = [](foreign_event& e, std::string& t, char name) -> task<int> {
            const int got = co_await [](foreign_event& inner) -> task<int> {
                co_return co_await inner;
            }(e);
            t += name;
            co_await next_turn{};
            t += name;
            co_return got;
        };
        const auto [a, b, c, resumed] = co_await when_all(
            waits(first, trace, 'a'), waits(second, trace, 'b'), waits(third, trace, 'c'),
            later([&] {
                first.fire(1);
                second.fire(2);
                third.fire(3);
            }));
        CHECK(a == 1);
        CHECK(b == 2);
        CHECK(c == 3);
        CHECK(trace.size() == 6);
    }());
}

TEST_CASE("task: a million awaits of what is done at once use no stack") {
    run_test([]() -> task<void> {
        std::int64_t sum = 0;
        for (int i = 0; i < 1'000'000; ++i) sum += co_await seven();
        CHECK(sum == 7'000'000);
    }());
}

TEST_CASE("task: a hundred thousand awaits of what is done later use no stack") {
    run_test([]() -> task<void> {
        std::int64_t sum = 0;
        for (int i = 0; i < 100'000; ++i) sum += co_await seven_later();
        CHECK(sum == 700'000);
    }());
}

TEST_CASE("task: a chain a hundred thousand deep uses no stack, ending at once") {
    run_test([]() -> task<void> {
        const int sum = co_await chain(100'000, seven());
        CHECK(sum == 100'007);
    }());
}

TEST_CASE("task: a chain a hundred thousand deep uses no stack, ending later") {
    run_test([]() -> task<void> {
        const int sum = co_await chain(100'000, seven_later());
        CHECK(sum == 100'007);
    }());
}

TEST_CASE("task: while it runs the frames of the chain are alive, and no other") {
    run_test([]() -> task<void> {
        const loop& here = *(co_await this_env{}).owner;
        const auto outside = here.stats().frames;
        const auto inside = co_await chain(10, [](const loop& l) -> task<int> {
            co_return static_cast<int>(l.stats().frames);
        }(here));
        CHECK(inside - 10 == static_cast<int>(outside) + 12);  // 11 of the chain, and the leaf
        CHECK(here.stats().frames == outside);
    }());
}

#if defined(__cpp_exceptions)
TEST_CASE("task: what it throws arrives where it is awaited, its frame gone") {
    run_test([]() -> task<void> {
        std::string trace;
        for (int turns_before = 0; turns_before < 2; ++turns_before) {
            trace.clear();
            try {
                co_await [](std::string& t, int n) -> task<int> {
                    const epitaph local{t, "local "};
                    co_await turns(n);
                    throw std::runtime_error("thrown");
                }(trace, turns_before);
                trace += "missed";
            } catch (const std::runtime_error& e) {
                trace += e.what();
            }
            CHECK(trace == "local thrown");
        }
    }());
}

TEST_CASE("task: an exception passes through tasks that do not catch it") {
    run_test([]() -> task<void> {
        bool caught = false;
        try {
            co_await chain(10, []() -> task<int> {
                co_await next_turn{};
                throw std::runtime_error("thrown");
                co_return 0;
            }());
        } catch (const std::runtime_error&) {
            caught = true;
        }
        CHECK(caught);
    }());
}
#endif

#if COPOLL_TESTS_CAN_TRAP
TEST_CASE("task: traps when it is awaited twice") {
    const std::string words = last_words([] {
        (void)run([]() -> task<result<void>> {
            task<int> once = seven();
            co_await std::move(once);
            co_await std::move(once);
            co_return {};
        }());
    });
    CHECK(words.find("moved from or awaited before") != std::string::npos);
}
#endif
