// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/sim.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stdio.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/run_test.hpp"
#include "support/stoppable.hpp"
#include "support/tcp_pair.hpp"
#include "support/traps.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

clock::duration since_begin() { return clock::now().time_since_epoch(); }

task<result<void>> ask(ip::endpoint at, std::uint64_t bytes) {
    auto peer = co_await check(tcp_stream::connect(at));
    auto [sent, back] = co_await when_all(feed(peer, bytes), drain(peer, bytes));
    CHECK(back.n == bytes);
    CHECK(back.intact);
    co_return co_await peer.shutdown_write();
}

/// Some clients at once against an echo server.
task<result<void>> busy_program() {
    auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
    co_return co_await with_scope(
        [](scope& s, tcp_listener& l) -> task<result<void>> {
            const auto at = co_await check(l.local_endpoint());
            for (std::uint64_t i = 1; i <= 5; ++i) s.spawn(ask, at, 1000 * i);
            for (int i = 0; i < 5; ++i) s.spawn(echo, co_await check(l.accept()));
            co_await s.join();
            CHECK(s.failed() == 0);
            co_return {};
        },
        listener);
}

sim::options rough(std::uint64_t seed) {
    return {.seed = seed,
            .short_transfers = true,
            .spurious_percent = 30,
            .latency = 2ms,
            .jitter = 1ms,
            .capacity = 700};
}

std::uint64_t trace_of_busy_program(sim::options o) {
    sim::world w{std::move(o)};
    run_test(busy_program());
    CHECK(w.open_sockets() == 0);
    CHECK(w.open_listeners() == 0);
    return w.trace_hash();
}

}  // namespace

TEST_CASE("seed: the same one gives the same run") {
    CHECK(trace_of_busy_program(rough(7)) == trace_of_busy_program(rough(7)));
    CHECK(trace_of_busy_program({}) == trace_of_busy_program({}));
}

TEST_CASE("seed: programs give the right result under each, in many different orders") {
    std::set<std::uint64_t> traces;
    for (std::uint64_t seed = 0; seed < 50; ++seed)
        traces.insert(trace_of_busy_program(rough(seed)));
    CHECK(traces.size() == 50);
}

namespace {

/// Three readers wait when a byte comes for each, in the order 0, 1, 2.
task<result<void>> three_at_one_instant(std::string& order) {
    auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
    std::vector<tcp_pair> pairs;
    for (int i = 0; i < 3; ++i) pairs.push_back(co_await check(connect_through(listener)));
    co_return co_await with_scope(
        [](scope& s, std::vector<tcp_pair>& all, std::string& seen) -> task<result<void>> {
            for (int i = 0; i < 3; ++i)
                s.spawn(
                    [](tcp_stream& from, int number, std::string& text) -> task<result<void>> {
                        std::array<std::byte, 1> buffer;
                        co_await check(from.read_some(buffer));
                        text += std::to_string(number);
                        co_return {};
                    },
                    std::ref(all[static_cast<std::size_t>(i)].client), i, std::ref(seen));
            co_await check(sleep_for(1ms));
            for (auto& p : all) co_await check(p.server.write_some(bytes_of("x")));
            co_return {};
        },
        pairs, order);
}

std::string order_under(sim::options o) {
    sim::world w{std::move(o)};
    std::string order;
    run_test(three_at_one_instant(order));
    return order;
}

}  // namespace

TEST_CASE("shuffle: what becomes ready at one instant completes in every order") {
    std::set<std::string> orders;
    for (std::uint64_t seed = 0; seed < 100; ++seed) orders.insert(order_under({.seed = seed}));
    CHECK(orders == std::set<std::string>{"012", "021", "102", "120", "201", "210"});
}

TEST_CASE("shuffle: off, it is the order in which it happened") {
    for (std::uint64_t seed = 0; seed < 10; ++seed)
        CHECK(order_under({.seed = seed, .shuffle = false}) == "012");
}

TEST_CASE("clock: an hour is over at once, and exactly an hour long") {
    sim::world w;
    run_test([]() -> task<result<void>> {
        CHECK(since_begin() == 0h);
        co_await check(sleep_for(1h));
        CHECK(since_begin() == 1h);
        co_return {};
    }());
    CHECK(w.now().time_since_epoch() == 1h);
}

TEST_CASE("clock: time stands still while anything is ready") {
    sim::world w;
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        auto [echoed, sent, back] = co_await when_all(
            echo(std::move(server)),
            [](tcp_stream& to) -> task<result<void>> {
                co_await check(feed(to, 1'000'000));
                co_return co_await to.shutdown_write();
            }(client),
            drain(client));
        CHECK(back.n == 1'000'000);
        CHECK(since_begin() == 0s);
        co_return {};
    }());
}

TEST_CASE("world: worlds nest, and without one each loop begins in a new one") {
    sim::world outer;
    run_test([]() -> task<result<void>> { co_return co_await sleep_for(1s); }());
    {
        sim::world inner{{.input = {{0s, "text"}}}};
        CHECK(since_begin() == 0s);
        CHECK(&sim::world::current() == &inner);
    }
    CHECK(&sim::world::current() == &outer);
    CHECK(since_begin() == 1s);
}

TEST_CASE("latency: a connection takes a round trip, bytes take one way") {
    sim::world w{{.latency = 10ms}};
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        CHECK(since_begin() == 20ms);

        co_await check(client.write_some(bytes_of("x")));
        CHECK(since_begin() == 20ms);
        std::array<std::byte, 8> buffer;
        co_await check(with_timeout(server.read_some(buffer), 1h));
        CHECK(since_begin() == 30ms);

        co_await check(server.shutdown_write());
        const auto end = co_await client.read_some(buffer);
        CHECK(end.ec == errc::eof);
        CHECK(since_begin() == 40ms);
        co_return {};
    }());
}

TEST_CASE("jitter: bytes of one connection never overtake each other") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        sim::world w{{.seed = seed, .latency = 1ms, .jitter = 50ms}};
        run_test([]() -> task<result<void>> {
            auto [client, server] = co_await check(connected_pair());
            auto [sent, got] = co_await when_all(
                [](tcp_stream& to) -> task<result<void>> {
                    for (std::uint64_t i = 0; i < 100; ++i) {
                        co_await check(feed(to, 10, i * 10));
                        co_await check(sleep_for(1ms));
                    }
                    co_return co_await to.shutdown_write();
                }(client),
                drain(server));
            CHECK(got.n == 1000);
            CHECK(got.intact);
            CHECK(got.end == errc::eof);
            co_return {};
        }());
    }
}

TEST_CASE("with_timeout: bytes that arrive at the very deadline win") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        sim::world w{{.seed = seed, .latency = 10ms}};
        run_test([]() -> task<result<void>> {
            auto [client, server] = co_await check(connected_pair());
            co_await check(client.write_some(bytes_of("x")));
            std::array<std::byte, 8> buffer;

            const auto exactly = co_await with_timeout(server.read_some(buffer), 10ms);
            const auto nothing = co_await with_timeout(server.read_some(buffer), 10ms);

            CHECK(exactly.n == 1);
            CHECK(nothing.ec == errc::timed_out);
            co_return {};
        }());
    }
}

TEST_CASE("deadlock: a read that nobody will ever answer is reported, not waited for") {
    sim::world w;
    std::error_code seen;
    const auto r = run([](std::error_code& ec) -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        std::array<std::byte, 8> buffer;
        ec = (co_await client.read_some(buffer)).ec;
        co_return {};
    }(seen));
    CHECK(r.error() == errc::deadlock);
    CHECK(seen == errc::canceled);
    CHECK(w.open_sockets() == 0);
}

TEST_CASE("cancel: with late_cancel_percent an operation that can complete does so instead") {
    const auto bytes_of_canceled_read = [](unsigned percent) {
        sim::world w{{.late_cancel_percent = percent}};
        std::size_t n = 0;
        run_test([](std::size_t& got) -> task<result<void>> {
            auto [client, server] = co_await check(connected_pair());
            stop_source stop;
            std::array<std::byte, 8> buffer;
            auto [r, written] = co_await when_all(
                stoppable(stop, client.read_some(buffer)),
                [](tcp_stream& from, stop_source& s) -> task<result<void>> {
                    co_await check(sleep_for(1ms));
                    co_await check(from.write_some(bytes_of("abc")));
                    s.request_stop();  // the bytes are there, but nobody has looked yet
                    co_return {};
                }(server, stop));
            CHECK((r.n == 3 || r.ec == errc::canceled));
            got = r.n;
            co_return {};
        }(n));
        return n;
    };
    CHECK(bytes_of_canceled_read(0) == 0);
    CHECK(bytes_of_canceled_read(100) == 3);
}

TEST_CASE("standard input: chunks come at their time, then the end") {
    sim::world w{{.input = {{0s, "now"}, {2s, "later"}}}};
    run_test([]() -> task<result<void>> {
        stdin_stream in{*(co_await this_env{}).owner};
        std::array<std::byte, 64> buffer;

        const auto first = co_await in.read_some(std::span(buffer).first(2));
        const auto rest = co_await in.read_some(buffer);
        CHECK(first.n == 2);
        CHECK(rest.n == 1);
        CHECK(since_begin() == 0s);
        const auto second = co_await in.read_some(buffer);
        CHECK(second.n == 5);
        CHECK(since_begin() == 2s);
        const auto end = co_await in.read_some(buffer);
        CHECK(end.ec == errc::eof);
        co_return {};
    }());
}

TEST_CASE("standard input: left open it says nothing more") {
    sim::world w{{.input_ends = false}};
    run_test([]() -> task<result<void>> {
        stdin_stream in{*(co_await this_env{}).owner};
        std::array<std::byte, 8> buffer;
        const auto r = co_await with_timeout(in.read_some(buffer), 1h);
        CHECK(r.ec == errc::timed_out);
        co_return {};
    }());
}

TEST_CASE("standard output: the world keeps what was written") {
    sim::world w{{.short_transfers = true}};
    run_test([]() -> task<result<void>> {
        stdout_stream out{*(co_await this_env{}).owner};
        stderr_stream err{*(co_await this_env{}).owner};
        co_await check(write_all(out, bytes_of("hello, ")));
        co_await check(write_all(err, bytes_of("oops")));
        co_await check(write_all(out, bytes_of("world")));
        co_return {};
    }());
    CHECK(w.output() == "hello, world");
    CHECK(w.errors() == "oops");
}

#if COPOLL_TESTS_CAN_TRAP
TEST_CASE("clock: a program that spins until it has moved is stopped") {
    const std::string words = last_words([] {
        sim::world w;
        (void)run([]() -> task<result<void>> {
            while (since_begin() < 1s) co_await check(sleep_for(0s));
            co_return {};
        }());
    });
    CHECK(words.find("the program waits for the clock") != words.npos);
}

TEST_CASE("tcp_stream: two reads at a time are a broken precondition") {
    const std::string words = last_words([] {
        sim::world w;
        (void)run([]() -> task<result<void>> {
            auto [client, server] = co_await check(connected_pair());
            std::array<std::byte, 8> buffer;
            co_await when_all(client.read_some(buffer), client.read_some(buffer));
            co_return {};
        }());
    });
    CHECK(words.find("two reads of a stream at a time") != words.npos);
}
#endif
