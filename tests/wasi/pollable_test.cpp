// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/wasi/pollable.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>

#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/tcp_pair.hpp"

#if __has_include(<wasi/wasip2.h>)
#include <wasi/wasip2.h>
#define HAS_BINDINGS 1
#endif

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

// Imports as a user would have them from bindings of an interface that the library does not know.
extern "C" {
[[clang::import_module("wasi:clocks/monotonic-clock@" COPOLL_WASI_VERSION),
  clang::import_name("subscribe-duration")]] std::int32_t
pollable_test_subscribe_duration(std::int64_t);
[[clang::import_module("wasi:io/poll@" COPOLL_WASI_VERSION),
  clang::import_name("[resource-drop]pollable")]] void pollable_test_drop(std::int32_t);
}

struct raw_timer {
    explicit raw_timer(clock::duration d) : handle(pollable_test_subscribe_duration(d.count())) {}
    raw_timer(const raw_timer&) = delete;
    raw_timer& operator=(const raw_timer&) = delete;
    ~raw_timer() { pollable_test_drop(handle); }
    const std::int32_t handle;
};

}  // namespace

TEST_CASE("ready: waits until the host says so") {
    run_test([]() -> task<result<void>> {
        const raw_timer timer{20ms};
        const auto begin = clock::now();

        co_await check(wasi::ready(timer.handle));

        CHECK(clock::now() - begin >= 20ms);
        CHECK(clock::now() - begin < 1s);
        co_await check(wasi::ready(timer.handle));  // and it still is
        co_return {};
    }());
}

TEST_CASE("ready: beside a socket in one loop, each wakes its own") {
    run_test([]() -> task<result<void>> {
        const raw_timer timer{10ms};
        const raw_timer never{24h};
        auto [client, server] = co_await check(connected_pair());
        std::array<std::byte, 8> buffer{};

        auto first = co_await first_done(client.read_some(buffer), wasi::ready(timer.handle));
        CHECK(first.index == 1);
        CHECK(std::get<0>(first.results).ec == errc::canceled);

        auto [woken, sent] = co_await when_all(
            first_done(wasi::ready(never.handle), client.read_some(buffer)),
            write_all(server, bytes_of("hello")));
        CHECK(woken.index == 1);
        CHECK(error_of(std::get<0>(woken.results)) == errc::canceled);
        CHECK(std::get<1>(woken.results).n == 5);
        co_return {};
    }());
}

TEST_CASE("ready: a timeout gives it up, and it can be awaited again") {
    run_test([]() -> task<result<void>> {
        const raw_timer timer{40ms};

        const auto early = co_await with_timeout(wasi::ready(timer.handle), 5ms);
        const auto later = co_await with_timeout(wasi::ready(timer.handle), 5s);

        CHECK(error_of(early) == errc::timed_out);
        CHECK(later.has_value());
        co_return {};
    }());
}

TEST_CASE("ready: a stop request ends it, before and after it began to wait") {
    run_test([]() -> task<result<void>> {
        const raw_timer never{24h};
        int ended = 0;

        co_await with_scope([](scope& s, std::int32_t handle, int& n) -> task<void> {
            const auto wait = [](std::int32_t h, int& count) -> task<void> {
                const auto r = co_await wasi::ready(h);
                count += error_of(r) == errc::canceled;
            };
            for (int i = 0; i < 3; ++i) s.spawn(wait, handle, std::ref(n));
            co_await sleep_for(2ms);
            s.request_stop();
            s.spawn(wait, handle, std::ref(n));
        }, never.handle, ended);

        CHECK(ended == 4);
        co_return {};
    }());
}

TEST_CASE("ready: dropping the pollable after it was canceled is in order") {
    run_test([]() -> task<result<void>> {
        for (int i = 0; i < 100; ++i) {
            const raw_timer never{24h};
            auto raced = co_await first_done(wasi::ready(never.handle), sleep_for(0ms));
            CHECK(raced.index == 1);
        }
        co_return {};
    }());
}

TEST_CASE("ready: several may wait for one pollable") {
    run_test([]() -> task<result<void>> {
        const raw_timer timer{5ms};

        auto [a, b, c] = co_await when_all(wasi::ready(timer.handle), wasi::ready(timer.handle),
                                           wasi::ready(timer.handle));

        CHECK(a.has_value());
        CHECK(b.has_value());
        CHECK(c.has_value());
        co_return {};
    }());
}

#if defined(HAS_BINDINGS)
TEST_CASE("ready: takes a handle of generated bindings") {
    run_test([]() -> task<result<void>> {
        const auto own = monotonic_clock_subscribe_duration(1'000'000);
        co_await check(wasi::ready(own));
        poll_pollable_drop_own(own);
        co_return {};
    }());
}
#endif
