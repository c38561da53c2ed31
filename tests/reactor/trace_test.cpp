// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/trace.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>

#include <copoll/event.hpp>
#include <copoll/mutex.hpp>
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/foreign_event.hpp"
#include "support/next_turn.hpp"
#include "support/run_test.hpp"
#include "support/traps.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// What the hook is told, a letter each: turns T t, waits W w; tasks: B begin, S suspend, R resume,
/// E end.
struct diary {
    std::string all;
    std::string of_tasks;

    trace_hook hook() {
        return {[](void* self, const trace_event& event) noexcept {
            auto& d = *static_cast<diary*>(self);
            const char letter = "TtWwBSRE"[static_cast<std::size_t>(event.kind)];
            d.all += letter;
            if (event.task) d.of_tasks += letter;
        }, this};
    }
};

void keep_the_loop_for(clock::duration d) {
    const auto began = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - began < d) {
    }
}

constexpr bool time_stands_still_in_a_turn = std::string_view{backend::name} == "sim";

task<result<void>> keeps_the_loop_twice() {
    for (int i = 0; i < 2; ++i) {
        co_await next_turn{};
        keep_the_loop_for(5ms);
    }
    co_return {};
}
[[maybe_unused]] constexpr unsigned keeps_the_loop_at = __LINE__ - 5;

}  // namespace

#if COPOLL_TASK_TRACE

namespace {

/// Only the indentation, the last part of each name, and the note behind the place.
std::string shape(const std::string& tree) {
    std::istringstream lines{tree};
    std::string text;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t name = line.find_first_not_of(' ');
        const std::size_t place = line.find("  ", name);
        std::string_view called = std::string_view{line}.substr(name, place - name);
        if (const auto colons = called.rfind("::"); colons != called.npos)
            called.remove_prefix(colons + 2);
        text.append(line, 0, name).append(called);
        if (place != line.npos) {
            const std::size_t note = line.find("  ", place + 2);
            if (note != line.npos) text.append(line, note);
        }
        text += '\n';
    }
    return text;
}

std::string place(unsigned line) { return "  trace_test.cpp:" + std::to_string(line) + "\n"; }

// Each waits at a line of its own.

task<void> waits(event& e) {
    co_await e.wait();
}
constexpr unsigned waits_at = __LINE__ - 2;

task<result<void>> sleeps() {
    co_return co_await sleep_for(1h);
}
constexpr unsigned sleeps_at = __LINE__ - 2;

task<result<void>> locks(mutex& m) {
    const auto lock = co_await check(m.lock());
    co_return {};
}
constexpr unsigned locks_at = __LINE__ - 3;

task<result<void>> accepts(tcp_listener& l) {
    const auto peer = co_await check(l.accept());
    co_return {};
}
constexpr unsigned accepts_at = __LINE__ - 3;

task<void> middle(event& e) { co_await waits(e); }
task<result<void>> outer(event& e) {
    co_await middle(e);
    co_return {};
}
task<int> at_once() { co_return 1; }

task<void> dumps(std::string& tree) {
    co_await next_turn{};
    co_await next_turn{};
    tree = dump_tasks(*(co_await this_env{}).owner);
}
task<void> dumps_and_sets(std::string& tree, event& e) {
    co_await dumps(tree);
    e.set();
}

/// The tree while the children of a scope wait, among them one that dumps.
template <class Spawn>
std::string tree_of_scope(Spawn spawn) {
    std::string tree;
    const result<void> r = run([](Spawn& add, std::string& text) -> task<result<void>> {
        event e;
        co_await with_scope([](scope& s, Spawn& f, std::string& t, event& set) -> task<void> {
            f(s, set);
            s.spawn(dumps_and_sets, std::ref(t), std::ref(set));
            co_await turns(1);
        }, add, text, e);
        co_return {};
    }(spawn, tree));
    CHECK(error_of(r) == no_error);
    return tree;
}

task<void> descends(int depth, event& e) {
    if (depth > 1)
        co_await descends(depth - 1, e);
    else
        co_await e.wait();
}

}  // namespace

// Trees

TEST_CASE("dump_tasks: a chain of awaits") {
    std::string tree;
    const result<void> r = run([](std::string& text) -> task<result<void>> {
        event e;
        co_await when_all(outer(e), dumps_and_sets(text, e));
        co_return {};
    }(tree));
    CHECK(error_of(r) == no_error);
    CHECK(shape(tree) == "lambda\n"
                         "  outer\n"
                         "    middle\n"
                         "      waits\n"
                         "  dumps_and_sets\n"
                         "    dumps  (running)\n");
    CHECK(contains(tree, "      waits" + place(waits_at)));
}

TEST_CASE("dump_tasks: the children of a scope stand below who awaits it") {
    const std::string tree = tree_of_scope([](scope& s, event& e) {
        s.spawn(outer, std::ref(e));
        s.spawn([](event& set) -> task<void> {
            co_await waits(set);
        }, std::ref(e));
    });
    CHECK(shape(tree) == "lambda\n"
                         "  outer\n"
                         "    middle\n"
                         "      waits\n"
                         "  lambda\n"
                         "    waits\n"
                         "  dumps_and_sets\n"
                         "    dumps  (running)\n");
}

TEST_CASE("dump_tasks: groups in groups, and operations that are no tasks") {
    std::string tree;
    run_test([](std::string& text) -> task<result<void>> {
        event e;
        co_await first_done(when_all(waits(e), with_timeout(outer(e), 1h), e.wait()),
                            dumps_and_sets(text, e));
        co_return {};
    }(tree));
    CHECK(shape(tree) == "lambda\n"
                         "  waits\n"
                         "  outer\n"
                         "    middle\n"
                         "      waits\n"
                         "  dumps_and_sets\n"
                         "    dumps  (running)\n");
}

TEST_CASE("dump_tasks: who has ended but is not joined, and who has not started") {
    std::string tree, early;
    run_test([](std::string& text, std::string& soon) -> task<result<void>> {
        co_await when_all(at_once(), dumps(text));
        co_await with_scope([](scope& s, std::string& t) -> task<void> {
            s.spawn(at_once);
            t = dump_tasks(*(co_await this_env{}).owner);
        }, soon);
        co_return {};
    }(tree, early));
    CHECK(shape(tree) == "lambda\n  at_once  (done)\n  dumps  (running)\n");
    CHECK(shape(early) == "lambda\n  lambda  (running)\n  call  (not started)\n");
}

TEST_CASE("dump_tasks: says at which line a task waits for a timer, a lock or a peer") {
    std::string tree;
    run_test([](std::string& text) -> task<result<void>> {
        mutex m;
        const auto held = m.try_lock();
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        co_await first_done(sleeps(), locks(m), accepts(listener), dumps(text));
        co_return {};
    }(tree));
    CHECK(contains(tree, "\n  sleeps" + place(sleeps_at)));
    CHECK(contains(tree, "\n  locks" + place(locks_at)));
    CHECK(contains(tree, "\n  accepts" + place(accepts_at)));
}

TEST_CASE("dump_tasks: what was awaited is gone when it has ended, whether or not it failed") {
    std::string tree;
    run_test([](std::string& text) -> task<result<void>> {
        const auto fails = []() -> task<result<void>> {
            co_await next_turn{};
            co_return fail(errc::eof);
        };
        const auto leaves = [](auto f) -> task<result<void>> {
            co_await check(f());
            co_return {};
        };
        const auto left = co_await leaves(fails);
        CHECK(error_of(left) == errc::eof);
        co_await when_all(at_once(), turns(3));
        co_await with_timeout(leaves(fails), 1h);
        text = dump_tasks(*(co_await this_env{}).owner);
        co_return {};
    }(tree));
    CHECK(shape(tree) == "lambda  (running)\n");
}

TEST_CASE("dump_tasks: a task that another library resumed has the children that it awaits") {
    std::string tree;
    run_test([](std::string& text) -> task<result<void>> {
        foreign_event f;
        co_await when_all(
            [](foreign_event& event) -> task<void> {
                co_await event;
                co_await next_turn{};
            }(f),
            [](foreign_event& event, std::string& t) -> task<void> {
                co_await next_turn{};
                event.fire(1);
                co_await dumps(t);
            }(f, text));
        co_return {};
    }(tree));
    CHECK(shape(tree) == "lambda\n  lambda  (done)\n  lambda\n    dumps  (running)\n");
}

// Large ones

TEST_CASE("dump_tasks: tasks in a row at one place share a line") {
    const std::string tree = tree_of_scope([](scope& s, event& e) {
        for (int i = 0; i < 1000; ++i) s.spawn(waits, std::ref(e));
    });
    CHECK(contains(shape(tree), "\n  waits  (1000 tasks)\n  dumps_and_sets\n"));
}

TEST_CASE("dump_tasks: a recursion of 100,000 tasks is a line, and takes no stack") {
    std::string tree;
    run_test([](std::string& text) -> task<result<void>> {
        event e;
        co_await when_all(descends(100'000, e), dumps_and_sets(text, e));
        co_return {};
    }(tree));
    CHECK(shape(tree) == "lambda\n"
                         "  descends  (99999 tasks)\n"
                         "                                        descends\n"
                         "  dumps_and_sets\n"
                         "    dumps  (running)\n");
}

TEST_CASE("dump_tasks: what is more than 100 lines is counted") {
    const std::string tree = tree_of_scope([](scope& s, event& e) {
        for (int i = 0; i < 100; ++i) {
            s.spawn(waits, std::ref(e));
            s.spawn(outer, std::ref(e));
        }
    });
    CHECK(std::ranges::count(tree, '\n') == 101);
    CHECK(tree.ends_with("\nand 303 more tasks\n"));
}

// The report of a deadlock

#if COPOLL_TESTS_CAN_TRAP
TEST_CASE("loop: the report of a deadlock ends with the tree of tasks") {
    const outcome o = outcome_of([] {
        (void)run([]() -> task<result<void>> {
            event never;
            co_return co_await outer(never);
        }(), {.stall_limit = {}});
    });
    const std::size_t first_line = o.words.find('\n') + 1;
    CHECK(o.words.starts_with("copoll: deadlock: "));
    CHECK(shape(o.words.substr(first_line)) == "lambda\n  outer\n    middle\n      waits\n");
}
#endif

// The hook

TEST_CASE("trace hook: a task begins, suspends, resumes and ends, one at a time") {
    diary d;
    const result<void> r = run([]() -> task<result<void>> {
        co_await turns(1);
        co_return {};
    }(), {.trace = d.hook()});
    CHECK(error_of(r) == no_error);
    CHECK(d.of_tasks == "BSBSRERE");
    CHECK(d.all == "BSBSTREREt");
}

TEST_CASE("trace hook: a task that check ends resumes to end") {
    diary d;
    const auto fails = [](int turns_before) -> task<result<void>> {
        co_await turns(turns_before);
        co_return fail(errc::eof);
    };
    const auto leaves = [](auto f, int n) -> task<result<void>> {
        co_await check(f(n));
        co_return {};
    };
    const result<void> r = run(leaves(fails, 0), {.trace = d.hook()});
    CHECK(error_of(r) == errc::eof);
    CHECK(d.of_tasks == "BSBSBERERE");
}

// Stalls

#if COPOLL_TESTS_CAN_TRAP
TEST_CASE("stall: who keeps the loop is named once a place") {
    const outcome o = outcome_of([] {
        (void)run(keeps_the_loop_twice(), {.stall_limit = 1ms});
    });
    if (time_stands_still_in_a_turn) {
        CHECK(o.words.empty());
        return;
    }
    const std::size_t end = o.words.find('\n');
    CHECK(o.words.starts_with("copoll: stall: the loop was kept for "));
    CHECK(contains(o.words, " ms by keeps_the_loop_twice, going on from trace_test.cpp:" +
                                std::to_string(keeps_the_loop_at) + "\n"));
    CHECK(end + 1 == o.words.size());
}
#endif

#else  // not COPOLL_TASK_TRACE

TEST_CASE("dump_tasks: says that tasks are not traced") {
    std::string tree;
    run_test([](std::string& text) -> task<result<void>> {
        text = dump_tasks(*(co_await this_env{}).owner);
        co_return {};
    }(tree));
    CHECK(contains(tree, "without COPOLL_TASK_TRACE"));
}

#if COPOLL_TESTS_CAN_TRAP
TEST_CASE("stall: that the loop is kept is said once") {
    const outcome o = outcome_of([] {
        (void)run(keeps_the_loop_twice(), {.stall_limit = 1ms});
    });
    if (time_stands_still_in_a_turn) {
        CHECK(o.words.empty());
        return;
    }
    CHECK(o.words.starts_with("copoll: stall: a task kept the loop for "));
    CHECK(o.words.find('\n') + 1 == o.words.size());
}
#endif

#endif

TEST_CASE("trace hook: turns and waits begin and end, one after the other") {
    diary d;
    const result<void> r = run([]() -> task<result<void>> {
        co_await turns(2);
        co_return co_await sleep_for(1ms);
    }(), {.trace = d.hook()});
    CHECK(error_of(r) == no_error);
    CHECK(d.of_tasks.empty() == !COPOLL_TASK_TRACE);
    std::string of_loop;
    for (const char letter : d.all)
        if (std::string_view{"TtWw"}.contains(letter)) of_loop += letter;
    CHECK(of_loop.starts_with("TtTtWw"));
    CHECK(of_loop.ends_with("WwTt"));
    for (std::size_t i = 0; i + 1 < of_loop.size(); i += 2)
        CHECK((of_loop.substr(i, 2) == "Tt" || of_loop.substr(i, 2) == "Ww"));
}

TEST_CASE("stall: is counted, if there is a limit") {
    std::uint64_t with = 0, without = 0;
    const auto count = [](std::uint64_t& n) -> task<result<void>> {
        co_await keeps_the_loop_twice();
        co_await next_turn{};
        n = (co_await this_env{}).owner->stats().stalls;
        co_return {};
    };
    (void)run(count(with), {.stall_limit = 1ms});
    (void)run(count(without), {.stall_limit = {}});
    CHECK(with == (time_stands_still_in_a_turn ? 0 : 2));
    CHECK(without == 0);
}
