// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/check.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <copoll/event.hpp>

#include "support/epitaph.hpp"
#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/run_test.hpp"

using namespace copoll;
using namespace copoll_tests;

namespace {

enum class when { at_once, later };

task<result<int>> give(when w, result<int> r) {
    if (w == when::later) co_await next_turn{};
    co_return r;
}

task<result<void>> give_nothing(when w, result<void> r) {
    if (w == when::later) co_await next_turn{};
    co_return r;
}

template <class Transfer>
task<Transfer> transfer(when w, Transfer r) {
    if (w == when::later) co_await next_turn{};
    co_return r;
}

/// `depth` tasks, each of which checks the next; the innermost checks a failure.
task<result<int>> checked_chain(std::string& trace, int depth, when w) {
    const epitaph local{trace, std::string_view{"0123456789"}.substr(
                                   static_cast<std::size_t>(depth % 10), 1)};
    if (depth == 0) co_return co_await check(give(w, fail(errc::eof)));
    const int below = co_await check(checked_chain(trace, depth - 1, w));
    trace += "went on";
    co_return below;
}

}  // namespace

TEST_CASE("check: yields the value of what succeeded, at once or later") {
    run_test([]() -> task<result<void>> {
        for (when w : {when::at_once, when::later}) {
            const int value = co_await check(give(w, 3));
            co_await check(give_nothing(w, {}));
            const std::size_t n = co_await check(transfer(w, io_result{{}, 5}));
            const std::uint64_t m = co_await check(transfer(w, copy_result{{}, 1ull << 40}));
            CHECK(value == 3);
            CHECK(n == 5);
            CHECK(m == 1ull << 40);
        }
        co_return {};
    }());
}

TEST_CASE("check: yields what can only be moved") {
    run_test([]() -> task<result<void>> {
        const auto p = co_await check([]() -> task<result<std::unique_ptr<int>>> {
            co_return std::make_unique<int>(9);
        }());
        CHECK(*p == 9);
        co_return {};
    }());
}

TEST_CASE("check: a failure ends the enclosing task with its error, whatever that returns") {
    run_test([]() -> task<result<void>> {
        for (when w : {when::at_once, when::later}) {
            const result<std::string> value = co_await [](when at) -> task<result<std::string>> {
                co_await check(give(at, fail(errc::eof)));
                co_return "went on";
            }(w);
            const result<void> nothing = co_await [](when at) -> task<result<void>> {
                co_await check(give_nothing(at, fail(errc::closed)));
                co_return {};
            }(w);
            const io_result bytes = co_await [](when at) -> task<io_result> {
                co_await check(transfer(at, io_result{errc::connection_reset, 3}));
                co_return {{}, 1};
            }(w);
            const copy_result copied = co_await [](when at) -> task<copy_result> {
                co_await check(transfer(at, copy_result{errc::io, 3}));
                co_return {{}, 1};
            }(w);
            CHECK(error_of(value) == errc::eof);
            CHECK(error_of(nothing) == errc::closed);
            CHECK(bytes.ec == errc::connection_reset);
            CHECK(bytes.n == 0);
            CHECK(copied.ec == errc::io);
        }
        co_return {};
    }());
}

TEST_CASE("check: takes a result that is at hand") {
    run_test([]() -> task<result<void>> {
        const result<int> good = 4;
        const int kept_result = co_await check(good);
        const int temporary = co_await check(result<int>{5});
        const std::size_t bytes = co_await check(io_result{{}, 6});
        CHECK(kept_result == 4);
        CHECK(temporary == 5);
        CHECK(bytes == 6);
        const auto kept = co_await check(result<std::unique_ptr<int>>{std::make_unique<int>(7)});
        CHECK(*kept == 7);

        const result<int> bad = co_await []() -> task<result<int>> {
            const result<void> failed = fail(errc::usage);
            co_await check(failed);
            co_return 1;
        }();
        CHECK(error_of(bad) == errc::usage);
        co_return {};
    }());
}

TEST_CASE("check: takes any operation that can fail") {
    run_test([]() -> task<result<void>> {
        event set;
        set.set();
        co_await check(set.wait());
        co_return {};
    }());
}

TEST_CASE("check: locals are destroyed in order, before the awaiting task goes on") {
    run_test([]() -> task<result<void>> {
        for (when w : {when::at_once, when::later}) {
            std::string trace;
            const auto r = co_await [](std::string& t, epitaph, when at) -> task<result<void>> {
                const epitaph first{t, "first "};
                const epitaph second{t, "second "};
                co_await check(give(at, fail(errc::eof)));
                t += "went on ";
                co_return {};
            }(trace, epitaph{trace, "argument "}, w);
            trace += "next";
            CHECK(error_of(r) == errc::eof);
            CHECK(trace == "second first argument next");
        }
        co_return {};
    }());
}

TEST_CASE("check: temporaries of the statement are destroyed as well") {
    run_test([]() -> task<result<void>> {
        constexpr auto second = [](const epitaph&, int value) { return value; };
        for (when w : {when::at_once, when::later}) {
            std::string trace;
            (void)co_await [](std::string& t, when at, auto pick) -> task<result<int>> {
                co_return pick(epitaph{t, "temporary "}, co_await check(give(at, fail(errc::eof))));
            }(trace, w, second);
            trace += "next";
            CHECK(trace == "temporary next");
        }
        co_return {};
    }());
}

TEST_CASE("check: a failure passes through several levels, innermost locals first") {
    run_test([]() -> task<void> {
        for (when w : {when::at_once, when::later}) {
            std::string trace;
            const auto r = co_await checked_chain(trace, 5, w);
            CHECK(error_of(r) == errc::eof);
            CHECK(trace == "012345");
        }
    }());
}

TEST_CASE("check: a failure passes through a thousand levels") {
    run_test([]() -> task<void> {
        for (when w : {when::at_once, when::later}) {
            std::string trace;
            const auto r = co_await checked_chain(trace, 1000, w);
            CHECK(error_of(r) == errc::eof);
            CHECK(trace.size() == 1001);
        }
    }());
}

TEST_CASE("check: a level that does not check sees the error and goes on") {
    run_test([]() -> task<result<void>> {
        std::string trace;
        const auto r = co_await [](std::string& t) -> task<result<int>> {
            const auto inner = co_await checked_chain(t, 2, when::later);
            t += " seen";
            CHECK(error_of(inner) == errc::eof);
            co_return co_await check(give(when::later, 8));
        }(trace);
        CHECK(*r == 8);
        CHECK(trace == "012 seen");
        co_return {};
    }());
}

TEST_CASE("check: in a loop, ends the task at the pass that fails") {
    run_test([]() -> task<result<void>> {
        for (when w : {when::at_once, when::later}) {
            std::string trace;
            const auto r = co_await [](std::string& t, when at) -> task<result<void>> {
                for (int i = 0;; ++i) {
                    const epitaph pass{t, "."};
                    co_await check(give(at, i < 100 ? result<int>{i} : fail(errc::eof)));
                }
            }(trace, w);
            CHECK(error_of(r) == errc::eof);
            CHECK(trace == std::string(101, '.'));
        }
        co_return {};
    }());
}

TEST_CASE("check: a million checks of what is done at once use no stack") {
    run_test([]() -> task<result<void>> {
        std::int64_t sum = 0;
        for (int i = 0; i < 1'000'000; ++i) sum += co_await check(give(when::at_once, 2));
        CHECK(sum == 2'000'000);
        co_return {};
    }());
}

TEST_CASE("check: a hundred thousand tasks that end early use no stack") {
    run_test([]() -> task<result<void>> {
        int failures = 0;
        for (int i = 0; i < 100'000; ++i) {
            const auto r = co_await [](when w) -> task<result<int>> {
                co_return co_await check(give(w, fail(errc::eof)));
            }(i % 2 ? when::later : when::at_once);
            failures += r ? 0 : 1;
        }
        CHECK(failures == 100'000);
        co_return {};
    }());
}

TEST_CASE("check: ends the root task too") {
    std::string trace;
    const result<void> r = run([](std::string& t) -> task<result<void>> {
        const epitaph local{t, "local"};
        co_await check(give(when::later, fail(errc::eof)));
        t += "went on";
        co_return {};
    }(trace));
    CHECK(error_of(r) == errc::eof);
    CHECK(trace == "local");
}

TEST_CASE("check: the type that it yields is the success of what it checks") {
    const auto yields = []<class O>(O&&) {
        using checked = std::remove_reference_t<decltype(std::declval<check_op<O>>().op)>;
        return detail::result_traits<result_of<checked>>{};
    };
    using of_value = decltype(yields(give(when::at_once, 1)));
    using of_bytes = decltype(yields(transfer(when::at_once, io_result{})));
    STATIC_REQUIRE(std::is_same_v<of_value::success_type, int>);
    STATIC_REQUIRE(std::is_same_v<of_bytes::success_type, std::size_t>);
}

#if defined(__cpp_exceptions)
TEST_CASE("check: what the checked task throws arrives at the check") {
    run_test([]() -> task<result<void>> {
        bool caught = false;
        try {
            co_await check([]() -> task<result<void>> {
                co_await next_turn{};
                throw std::runtime_error("thrown");
            }());
        } catch (const std::runtime_error&) {
            caught = true;
        }
        CHECK(caught);
        co_return {};
    }());
}

TEST_CASE("check: no handler of the enclosing task runs when it ends early") {
    run_test([]() -> task<result<void>> {
        std::string trace;
        const auto r = co_await [](std::string& t) -> task<result<void>> {
            const epitaph local{t, "local"};
            try {
                co_await check(give(when::later, fail(errc::eof)));
            } catch (...) {
                t += "handler";
            }
            co_return {};
        }(trace);
        CHECK(error_of(r) == errc::eof);
        CHECK(trace == "local");
        co_return {};
    }());
}
#endif
