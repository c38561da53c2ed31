// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/time.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <copoll/channel.hpp>
#include <copoll/check.hpp>
#include <copoll/detail/timer_heap.hpp>
#include <copoll/event.hpp>
#include <copoll/scope.hpp>
#include <copoll/when.hpp>

#include "support/epitaph.hpp"
#include "support/error_of.hpp"
#include "support/foreign_event.hpp"
#include "support/next_turn.hpp"
#include "support/run_test.hpp"
#include "support/stoppable.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// Calls `f` when the loop fires the timers of `at`, as a backend or an operation would: between
/// turns, not in a task.
template <class F>
class at_time : public detail::timer_node {
public:
    at_time(loop& owner, clock::time_point at, F f) : owner_(owner), f_(std::move(f)) {
        fire = [](detail::timer_node& t) noexcept { static_cast<at_time&>(t).f_(); };
        owner.set_timer(*this, at);
    }
    at_time(at_time&&) = delete;
    ~at_time() { owner_.cancel_timer(*this); }

private:
    loop& owner_;
    F f_;
};

task<void> sleep_and_say(clock::time_point until, std::string& trace, char name) {
    const auto slept = co_await sleep_until(until);
    trace += slept ? name : '!';
}

/// Gives what was transferred when it is asked to stop, or ends by itself after so many turns.
task<io_result> transfer(event& stopped_by, io_result when_stopped) {
    const auto r = co_await stopped_by.wait();
    co_return r ? io_result{{}, 100} : when_stopped;
}

task<result<int>> give(int after, result<int> r) {
    co_await turns(after);
    co_return r;
}

}  // namespace

// The heap

TEST_CASE("timer_heap: gives what is due in the order of deadlines, equal ones as they were set") {
    detail::timer_heap heap;
    std::vector<detail::timer_node> nodes(9);
    const auto at = [](int t) { return clock::time_point{clock::duration{t}}; };
    const int deadlines[]{5, 3, 5, 1, 3, 9, 1, 5, 3};
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        nodes[i].deadline = at(deadlines[i]);
        heap.insert(nodes[i]);
    }

    std::vector<std::size_t> order;
    while (const auto* due = heap.pop_due(at(5)))
        order.push_back(static_cast<std::size_t>(due - nodes.data()));

    CHECK(order == std::vector<std::size_t>{3, 6, 1, 4, 8, 0, 2, 7});
    CHECK(heap.size() == 1);
    CHECK(heap.earliest() == at(9));
    heap.erase(nodes[5]);
    CHECK(heap.empty());
}

TEST_CASE("timer_heap: agrees with a sorted map, whatever is set, canceled and due") {
    for (unsigned seed = 1; seed <= 5; ++seed) {
        std::minstd_rand random{seed};
        detail::timer_heap heap;
        std::vector<detail::timer_node> nodes(500);
        std::multimap<clock::time_point, detail::timer_node*> reference;  // equal keys keep order
        const auto forget = [&](detail::timer_node& node) {
            auto [i, end] = reference.equal_range(node.deadline);
            while (i != end && i->second != &node) ++i;
            if (i != end) reference.erase(i);
        };
        clock::time_point now{};
        bool agree = true;
        for (int step = 0; step < 20'000; ++step) {
            detail::timer_node& node = nodes[random() % nodes.size()];
            if (node.set()) {
                forget(node);
                heap.erase(node);
            } else {
                node.deadline = now + clock::duration{random() % 1000};
                reference.emplace(node.deadline, &node);
                heap.insert(node);
            }
            if (step % 100 == 0) {
                now += clock::duration{random() % 200};
                while (detail::timer_node* due = heap.pop_due(now)) {
                    agree = agree && !due->set() && !reference.empty()
                         && due == reference.begin()->second;
                    forget(*due);
                }
            }
            agree = agree && heap.size() == reference.size()
                 && (heap.empty() || heap.earliest() == reference.begin()->first);
        }
        CHECK(agree);
        for (detail::timer_node& node : nodes)
            if (node.set()) heap.erase(node);
        CHECK(heap.empty());
    }
}

// Timers of the loop

TEST_CASE("timers: one that fires may cancel others that are due") {
    run_test([]() -> task<void> {
        loop& here = *(co_await this_env{}).owner;
        const auto now = clock::now();
        std::string trace;
        at_time third{here, now, [&] { trace += '3'; }};
        here.cancel_timer(third);
        at_time first{here, now, [&] {
                        trace += '1';
                        here.cancel_timer(third);
                    }};
        here.set_timer(third, now);
        at_time last{here, now, [&] { trace += '4'; }};
        co_await sleep_for(1ms);
        CHECK(trace == "14");
        CHECK(here.stats().timers == 0);
    }());
}

TEST_CASE("timers: one that fires may set another that is due") {
    run_test([]() -> task<void> {
        loop& here = *(co_await this_env{}).owner;
        const auto now = clock::now();
        std::string trace;
        at_time second{here, now + 1h, [&] { trace += '2'; }};
        here.cancel_timer(second);
        at_time setter{here, now, [&] {
                         trace += '1';
                         here.set_timer(second, now);
                     }};
        co_await sleep_for(1ms);
        CHECK(trace == "12");
        CHECK(here.stats().timers == 0);
    }());
}

TEST_CASE("timers: one that fires may resume what waits for another library") {
    run_test([]() -> task<void> {
        loop& here = *(co_await this_env{}).owner;
        const auto now = clock::now();
        foreign_event first, second;
        at_time resume_both{here, now, [&] {
                                first.fire(1);
                                second.fire(2);
                            }};
        const auto waits = [](foreign_event& e) -> task<int> {
            const auto inner = [](foreign_event& f) -> task<int> { co_return co_await f; };
            co_return co_await inner(e);
        };
        const auto [a, b, slept] =
            co_await when_all(waits(first), waits(second), sleep_until(now + 1ms));
        CHECK(a == 1);
        CHECK(b == 2);
    }());
}

// Sleeping

TEST_CASE("sleep_for: never wakes early") {
    run_test([]() -> task<void> {
        for (clock::duration d : {clock::duration{1us}, clock::duration{500us},
                                  clock::duration{1ms}, clock::duration{1234567ns},
                                  clock::duration{7ms}}) {
            const auto begin = clock::now();
            const auto slept = co_await sleep_for(d);
            CHECK(slept.has_value());
            CHECK(clock::now() - begin >= d);
        }
    }());
}

TEST_CASE("sleep_for: no time at all, or less, lets the others run once and goes on") {
    run_test([]() -> task<void> {
        for (clock::duration d : {clock::duration{0}, clock::duration{-1h},
                                  clock::duration::min()}) {
            std::string trace;
            co_await when_all(
                [](clock::duration time, std::string& t) -> task<void> {
                    const auto slept = co_await sleep_for(time);
                    t += slept ? 's' : '!';
                }(d, trace),
                later([&] { trace += 'o'; }));
            CHECK(trace == "os");
        }
    }());
}

TEST_CASE("sleep_until: a time that is past is due at once") {
    run_test([]() -> task<void> {
        const auto begin = clock::now();
        const auto slept = co_await sleep_until(clock::now() - 1h);
        CHECK(slept.has_value());
        CHECK(clock::now() - begin < 1min);
    }());
}

TEST_CASE("sleep_until: those of one deadline wake in the order in which they went to sleep") {
    run_test([]() -> task<void> {
        const auto t = clock::now() + 2ms;
        std::string trace;
        std::vector<task<void>> sleepers;
        for (char name = 'a'; name <= 'z'; ++name)
            sleepers.push_back(sleep_and_say(t, trace, name));
        co_await when_all(std::move(sleepers));
        CHECK(trace == "abcdefghijklmnopqrstuvwxyz");
    }());
}

TEST_CASE("sleep_until: the earlier wakes before the later, even if both are overdue") {
    run_test([]() -> task<void> {
        const auto past = clock::now() - 1s;
        std::string trace;
        co_await when_all(sleep_and_say(past + 3ms, trace, 'c'), sleep_and_say(past, trace, 'a'),
                          sleep_and_say(past + 2ms, trace, 'b'));
        CHECK(trace == "abc");
    }());
}

TEST_CASE("sleep_for: canceled before, it does not sleep") {
    run_test([]() -> task<void> {
        const loop& here = *(co_await this_env{}).owner;
        stop_source stop;
        stop.request_stop();
        const auto r = co_await stoppable(stop, sleep_for(1h));
        CHECK(error_of(r) == errc::canceled);
        CHECK(here.stats().timers == 0);
    }());
}

TEST_CASE("sleep_for: canceled during the sleep, its timer is gone at once") {
    run_test([]() -> task<void> {
        const loop& here = *(co_await this_env{}).owner;
        stop_source stop;
        const auto [r, stopped] =
            co_await when_all(stoppable(stop, sleep_for(1h)), later([&] {
                                  CHECK(here.stats().timers == 1);
                                  stop.request_stop();
                                  CHECK(here.stats().timers == 0);
                              }));
        CHECK(error_of(r) == errc::canceled);
    }());
}

TEST_CASE("sleep_for: due and then canceled in one turn, it has slept") {
    run_test([]() -> task<void> {
        loop& here = *(co_await this_env{}).owner;
        const auto t = clock::now() + 1ms;
        stop_source stop;
        const auto [r, stopped] = co_await when_all(
            stoppable(stop, sleep_until(t)),
            [](loop& l, clock::time_point at, stop_source& s) -> task<void> {
                at_time stopper{l, at, [&s] { s.request_stop(); }};
                co_await sleep_until(at);
            }(here, t, stop));
        CHECK(stop.stop_requested());
        CHECK(error_of(r) == no_error);
    }());
}

TEST_CASE("sleep_for: canceled and then due in one turn, it is canceled") {
    run_test([]() -> task<void> {
        loop& here = *(co_await this_env{}).owner;
        const auto t = clock::now() + 1ms;
        stop_source stop;
        at_time stopper{here, t, [&] { stop.request_stop(); }};
        const auto r = co_await stoppable(stop, sleep_until(t));
        CHECK(error_of(r) == errc::canceled);
    }());
}

TEST_CASE("sleep_for: the longest duration is for ever, not an overflow") {
    run_test([]() -> task<void> {
        constexpr auto for_ever = clock::duration::max();
        const auto first =
            co_await first_done(sleep_for(for_ever), with_timeout(sleep_for(1ms), for_ever));
        CHECK(first.index == 1);
        CHECK(error_of(std::get<0>(first.results)) == errc::canceled);
        CHECK(error_of(std::get<1>(first.results)) == no_error);
    }());
}

TEST_CASE("sleep_for: ten thousand sleep side by side, and half of them are canceled") {
    struct night {
        int slept = 0;
        int canceled = 0;
    };
    run_test([]() -> task<void> {
        const auto sleep = [](night& n, clock::duration d) -> task<void> {
            const auto r = co_await sleep_for(d);
            ++(r ? n.slept : n.canceled);
        };
        night n;
        co_await with_scope([](scope& s, night& count, auto sleeper) -> task<void> {
            for (int i = 0; i < 5'000; ++i) {
                s.spawn(sleeper, std::ref(count), 1h + i * 1ns);
                s.spawn(sleeper, std::ref(count), i * 1us);
            }
            while (count.slept < 5'000) co_await sleep_for(1ms);
            s.request_stop();
        }, n, sleep);
        CHECK(n.slept == 5'000);
        CHECK(n.canceled == 5'000);
    }());
}

// with_timeout, with_deadline

TEST_CASE("with_timeout: gives the operation's own result and its own error") {
    run_test([]() -> task<void> {
        const loop& here = *(co_await this_env{}).owner;
        const auto at_once = co_await with_timeout(give(0, 1), 1h);
        const auto later = co_await with_timeout(give(3, 2), 1h);
        const auto failed = co_await with_timeout(give(3, fail(errc::eof)), 1h);
        CHECK(at_once == 1);
        CHECK(later == 2);
        CHECK(error_of(failed) == errc::eof);
        CHECK(here.stats().timers == 0);
    }());
}

TEST_CASE("with_timeout: time is up") {
    run_test([]() -> task<void> {
        event never;
        const auto begin = clock::now();
        const auto after = co_await with_timeout(never.wait(), 2ms);
        const auto at = co_await with_deadline(never.wait(), clock::now() + 2ms);
        CHECK(error_of(after) == errc::timed_out);
        CHECK(error_of(at) == errc::timed_out);
        CHECK(clock::now() - begin >= 2ms);
    }());
}

TEST_CASE("with_timeout: a deadline that is past leaves an operation what it has at once") {
    run_test([]() -> task<void> {
        event set, never;
        set.set();
        for (clock::duration d : {clock::duration{0}, clock::duration{-1h}}) {
            const auto done = co_await with_timeout(set.wait(), d);
            const auto late = co_await with_timeout(never.wait(), d);
            CHECK(error_of(done) == no_error);
            CHECK(error_of(late) == errc::timed_out);
        }
        const auto past = co_await with_deadline(never.wait(), clock::time_point{});
        CHECK(error_of(past) == errc::timed_out);
    }());
}

TEST_CASE("with_timeout: what was transferred until then is told") {
    run_test([]() -> task<void> {
        event never;
        const auto some = co_await with_timeout(transfer(never, {errc::canceled, 3}), 1ms);
        const auto own = co_await with_timeout(transfer(never, {errc::eof, 2}), 1ms);
        const auto complete = co_await with_timeout(transfer(never, {{}, 5}), 1ms);
        CHECK(some.ec == errc::timed_out);
        CHECK(some.n == 3);
        CHECK(own.ec == errc::eof);
        CHECK(own.n == 2);
        CHECK(complete.ec == no_error);
        CHECK(complete.n == 5);
    }());
}

TEST_CASE("with_timeout: an operation that does not stop for it keeps its result") {
    run_test([]() -> task<void> {
        const auto slow = co_await with_timeout([]() -> task<result<int>> {
            stop_source deaf;
            co_await stoppable(deaf, sleep_for(3ms));
            co_return 1;
        }(), 1ms);
        CHECK(slow == 1);
    }());
}

TEST_CASE("with_timeout: data that comes in the same turn before the deadline wins") {
    run_test([]() -> task<void> {
        loop& here = *(co_await this_env{}).owner;
        const auto t = clock::now() + 1ms;
        channel<int> c{1};
        at_time data{here, t, [&] { CHECK(c.try_send(1)); }};
        const auto r = co_await with_deadline(c.receive(), t);
        CHECK(r == 1);
    }());
}

TEST_CASE("with_timeout: data that comes in the same turn after the deadline stays where it is") {
    run_test([]() -> task<void> {
        loop& here = *(co_await this_env{}).owner;
        const auto t = clock::now() + 1ms;
        channel<int> c{1};
        const auto [r, sent] = co_await when_all(
            with_deadline(c.receive(), t),
            [](loop& l, clock::time_point at, channel<int>& to) -> task<void> {
                at_time data{l, at, [&to] { CHECK(to.try_send(1)); }};
                co_await sleep_until(at);
            }(here, t, c));
        CHECK(error_of(r) == errc::timed_out);
        CHECK(c.size() == 1);
    }());
}

TEST_CASE("with_timeout: stopped by its task before the deadline in one turn, it is canceled") {
    run_test([]() -> task<void> {
        loop& here = *(co_await this_env{}).owner;
        const auto t = clock::now() + 1ms;
        event never;
        stop_source stop;
        at_time stopper{here, t, [&] { stop.request_stop(); }};
        const auto r = co_await stoppable(stop, with_deadline(never.wait(), t));
        CHECK(error_of(r) == errc::canceled);
    }());
}

TEST_CASE("with_timeout: stopped by its task after the deadline in one turn, it is timed out") {
    run_test([]() -> task<void> {
        loop& here = *(co_await this_env{}).owner;
        const auto t = clock::now() + 1ms;
        event never;
        stop_source stop;
        const auto [r, stopped] = co_await when_all(
            stoppable(stop, with_deadline(never.wait(), t)),
            [](loop& l, clock::time_point at, stop_source& s) -> task<void> {
                at_time stopper{l, at, [&s] { s.request_stop(); }};
                co_await sleep_until(at);
            }(here, t, stop));
        CHECK(stop.stop_requested());
        CHECK(error_of(r) == errc::timed_out);
    }());
}

TEST_CASE("with_timeout: stopped by its task before it starts, it is canceled") {
    run_test([]() -> task<void> {
        event never;
        stop_source stop;
        stop.request_stop();
        const auto r = co_await stoppable(stop, with_timeout(never.wait(), 0ms));
        CHECK(error_of(r) == errc::canceled);
    }());
}

TEST_CASE("with_timeout: time is up for the operation only, not for the task around it") {
    run_test([]() -> task<void> {
        event never;
        const auto r = co_await with_timeout(never.wait(), 1ms);
        const env& e = co_await this_env{};
        CHECK(error_of(r) == errc::timed_out);
        CHECK_FALSE(e.stop.stop_requested());
    }());
}

TEST_CASE("with_timeout: a deadline that passes after the operation has ended is not its cause") {
    run_test([]() -> task<void> {
        const auto [ended, slept] = co_await when_all(
            with_timeout(give(1, fail(errc::canceled)), 1ms), sleep_for(4ms));
        CHECK(error_of(ended) == errc::canceled);
    }());
}

TEST_CASE("with_timeout: its timer is gone when the operation ends, though its group goes on") {
    run_test([]() -> task<void> {
        const loop& here = *(co_await this_env{}).owner;
        std::uint64_t timers_after = 99;
        const auto [ended, looked] = co_await when_all(
            with_timeout(give(1, 7), 1h), [](const loop& l, std::uint64_t& n) -> task<void> {
                co_await turns(5);
                n = l.stats().timers;
            }(here, timers_after));
        CHECK(ended == 7);
        CHECK(timers_after == 0);
    }());
}

TEST_CASE("with_timeout: nested, the shorter one decides") {
    run_test([]() -> task<void> {
        event never;
        const auto inner = co_await with_timeout(with_timeout(never.wait(), 1ms), 1h);
        const auto outer = co_await with_timeout(with_timeout(never.wait(), 1h), 1ms);
        CHECK(error_of(inner) == errc::timed_out);
        CHECK(error_of(outer) == errc::timed_out);
    }());
}

TEST_CASE("with_timeout: around a group, all of it stops and who was done keeps its result") {
    run_test([]() -> task<void> {
        event never;
        int value = 0;
        const auto r = co_await with_timeout([](event& n, int& v) -> task<result<void>> {
            const auto [waited, given] = co_await when_all(n.wait(), give(1, 7));
            v = given.value_or(-1);
            co_return waited;
        }(never, value), 1ms);
        CHECK(error_of(r) == errc::timed_out);
        CHECK(value == 7);
    }());
}

TEST_CASE("with_timeout: inside a group, each has a time of its own") {
    run_test([]() -> task<void> {
        event never, soon;
        const auto [a, b, c, set] =
            co_await when_all(with_timeout(never.wait(), 1ms), with_timeout(soon.wait(), 1h),
                              with_timeout(give(2, 3), 1h), later([&] { soon.set(); }));
        CHECK(error_of(a) == errc::timed_out);
        CHECK(error_of(b) == no_error);
        CHECK(c == 3);
    }());
}

TEST_CASE("with_timeout: a task that is out of time is gone, with its locals, when that is told") {
    run_test([]() -> task<void> {
        event never;
        std::string trace;
        const auto r = co_await with_timeout(
            [](event& n, std::string& t, epitaph) -> task<result<void>> {
                const epitaph local{t, "local "};
                co_await check(n.wait());
                t += "went on ";
                co_return {};
            }(never, trace, epitaph{trace, "argument "}),
            1ms);
        trace += "next";
        CHECK(error_of(r) == errc::timed_out);
        CHECK(trace == "local argument next");
    }());
}

TEST_CASE("with_timeout: can be checked") {
    run_test([]() -> task<void> {
        event never;
        const auto late = co_await [](event& n) -> task<result<int>> {
            co_await check(with_timeout(n.wait(), 1ms));
            co_return 1;
        }(never);
        const auto in_time = co_await []() -> task<result<int>> {
            co_return co_await check(with_timeout(give(2, 5), 1h));
        }();
        CHECK(error_of(late) == errc::timed_out);
        CHECK(in_time == 5);
    }());
}

TEST_CASE("with_timeout: a thousand in a row that are in time leave no timer") {
    run_test([]() -> task<void> {
        const loop& here = *(co_await this_env{}).owner;
        int good = 0;
        for (int i = 0; i < 1000; ++i) {
            const auto r = co_await with_timeout(give(1, i), 1h);
            good += r == i ? 1 : 0;
        }
        CHECK(good == 1000);
        CHECK(here.stats().timers == 0);
    }());
}
