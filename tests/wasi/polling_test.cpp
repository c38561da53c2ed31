// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/context.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <copoll/loop.hpp>
#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/wasi/pollable.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/tcp_pair.hpp"
#include "wasi/faulty_host.hpp"

// How the polls are divided: what a turn costs, who gets their turn when.

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

backend::pollable timer_of(clock::duration d) {
    return backend::pollable{host::counted<host::raw::copoll_clock_subscribe_duration,
                                           host::call::timer>(d.count())};
}

std::vector<backend::pollable> timers(std::size_t n, clock::duration d) {
    std::vector<backend::pollable> all;
    for (std::size_t i = 0; i < n; ++i) all.push_back(timer_of(d));
    return all;
}

/// Waits until stop is requested, or its timer is due.
task<void> wait_for(const backend::pollable& p) { (void)co_await wasi::ready(p.get()); }

void wait_for_all(scope& s, const std::vector<backend::pollable>& all) {
    for (const auto& p : all) s.spawn(wait_for, std::cref(p));
}

/// Is active without pause, until stop is requested; counts its turns.
task<void> spin(const backend::pollable& due, std::uint64_t& turns) {
    while (co_await wasi::ready(due.get())) ++turns;
}

std::uint64_t pollables_per_poll(std::uint32_t polls_before, std::uint64_t polled_before) {
    return (the_host.polled - polled_before) / (the_host.polls - polls_before);
}

}  // namespace

TEST_CASE("two tiers: a poll costs what the active ones cost") {
    run_test([]() -> task<result<void>> {
        const auto quiet = timers(1000, 24h);
        const auto busy = timer_of(0ms);
        std::uint64_t turns = 0;
        co_await with_scope([](scope& s, auto& all, auto& due, auto& n) -> task<void> {
            wait_for_all(s, all);
            s.spawn(spin, std::cref(due), std::ref(n));
            co_await sleep_for(100ms);  // the quiet ones cool down

            const auto polls = the_host.polls;
            const auto polled = the_host.polled;
            n = 0;
            co_await sleep_for(100ms);
            CHECK(n > 100);
            CHECK(pollables_per_poll(polls, polled) < 100);
            s.request_stop();
        }, quiet, busy, turns);
        co_return {};
    }());
}

TEST_CASE("two tiers: who was quiet is found while others are always active") {
    run_test([]() -> task<result<void>> {
        const auto quiet = timers(1000, 24h);
        const auto busy = timer_of(0ms);
        std::uint64_t turns = 0;
        co_await with_scope([](scope& s, auto& all, auto& due, auto& n) -> task<void> {
            wait_for_all(s, all);
            s.spawn(spin, std::cref(due), std::ref(n));
            const auto late = timer_of(80ms);  // has cooled down by then
            const auto begin = clock::now();
            const auto found = co_await with_timeout(wasi::ready(late.get()), 20s);
            CHECK(found.has_value());
            CHECK(clock::now() - begin >= 80ms);
            s.request_stop();
        }, quiet, busy, turns);
        co_return {};
    }());
}

TEST_CASE("two tiers: hundreds of quiet ones that are ready at once are all found") {
    run_test([]() -> task<result<void>> {
        const auto quiet = timers(600, 60ms);
        const auto busy = timer_of(0ms);
        std::uint64_t turns = 0;
        co_await with_scope([](scope& s, auto& all, auto& due, auto& n) -> task<result<void>> {
            s.spawn(spin, std::cref(due), std::ref(n));
            const auto waited = co_await with_timeout(
                with_scope([](scope& waiting, auto& those) -> task<result<void>> {
                    wait_for_all(waiting, those);
                    co_return {};
                }, all), 20s);
            s.request_stop();
            co_return waited;
        }, quiet, busy, turns);
        co_return {};
    }());
}

TEST_CASE("two tiers: everybody quiet costs no poll") {
    run_test([]() -> task<result<void>> {
        const auto quiet = timers(1000, 24h);
        co_await with_scope([](scope& s, auto& all) -> task<void> {
            wait_for_all(s, all);
            co_await sleep_for(100ms);  // they cool down
            const auto polls = the_host.polls;
            co_await sleep_for(300ms);
            CHECK(the_host.polls - polls <= 3);
            s.request_stop();
        }, quiet);
        co_return {};
    }());
}

TEST_CASE("timers: 100,000 that are set are one pollable of the host, and can be canceled") {
    run_test([]() -> task<result<void>> {
        const auto alive = the_host.alive_of(resource_kind::pollable);
        const loop& owner = *(co_await this_env{}).owner;
        co_await with_scope([](scope& s, const loop& l, std::int64_t before) -> task<void> {
            const auto sleep = [](clock::duration d) -> task<void> { (void)co_await sleep_for(d); };
            for (int i = 0; i < 100'000; ++i) s.spawn(sleep, 1h + std::chrono::milliseconds{i});
            const auto polls = the_host.polls;
            const auto polled = the_host.polled;
            co_await sleep_for(20ms);

            CHECK(l.stats().timers == 100'000);
            CHECK(the_host.alive_of(resource_kind::pollable) <= before + 1);
            CHECK(the_host.polled - polled <= 2 * (the_host.polls - polls));
            s.request_stop();
        }, owner, alive);
        CHECK(owner.stats().timers == 0);
        co_return {};
    }());
}

TEST_CASE("a crowd: those who are always ready get as many turns each") {
    for (const polling_options& polling :
         {polling_options{}, polling_options{.flat_up_to = 0, .chunk = 1},
          polling_options{.flat_up_to = 4, .chunk = 7}}) {
        const auto fair = [](const std::vector<backend::pollable>& all,
                             std::vector<std::uint64_t>& turns) -> task<result<void>> {
            co_await with_scope([](scope& s, auto& those, auto& counts) -> task<void> {
                for (std::size_t i = 0; i < those.size(); ++i)
                    s.spawn(spin, std::cref(those[i]), std::ref(counts[i]));
                while (counts.back() < 20) co_await sleep_for(1ms);
                s.request_stop();
            }, all, turns);
            co_return {};
        };
        const auto ready = timers(300, 0ms);
        std::vector<std::uint64_t> turns(ready.size());
        const auto r = run(fair(ready, turns), {.polling = polling});
        CHECK(r.has_value());
        const auto [least, most] = std::ranges::minmax(turns);
        INFO("chunk " << polling.chunk << ": " << least << " to " << most << " turns");
        CHECK(least >= 18);
        CHECK(most <= 2 * least);
    }
}

TEST_CASE("a pollable that is always ready for nothing does not keep the loop busy") {
    const auto alive = the_host.all_alive();
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        the_host.all_ready = true;  // as one host says of an idle stream
        std::array<std::byte, 16> buffer{};
        const auto polls = the_host.polls;
        const auto none = co_await with_timeout(server.read_some(buffer), 200ms);
        CHECK(none.ec == errc::timed_out);
        CHECK(the_host.polls - polls <= 60);

        auto [got, wrote] = co_await when_all(
            with_timeout(server.read_some(buffer), 20s),
            [](tcp_stream& s) -> task<result<void>> {
                co_await check(sleep_for(100ms));
                co_return (co_await write_all(s, bytes_of("late"))).status();
            }(client));
        the_host.all_ready = false;
        CHECK(wrote.has_value());
        CHECK(got.n == 4);
        co_return {};
    }());
    CHECK(the_host.all_alive() == alive);
}
