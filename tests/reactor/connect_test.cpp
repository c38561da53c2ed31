// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/connect.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/open_handles.hpp"
#include "support/run_test.hpp"
#include "support/stoppable.hpp"
#include "support/tcp_pair.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

using endpoints = std::vector<ip::endpoint>;

ip::endpoint endpoint(const char* text) { return *ip::endpoint::parse(text); }

/// A port of loopback on which nobody listens.
task<result<ip::endpoint>> free_endpoint() {
    auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
    co_return listener.local_endpoint();
}

}  // namespace

TEST_CASE("host_port: a name or an address, and a port") {
    CHECK(host_port::parse("example.com:80") == host_port{"example.com", 80});
    CHECK(host_port::parse("localhost:0") == host_port{"localhost", 0});
    CHECK(host_port::parse("127.0.0.1:65535") == host_port{"127.0.0.1", 65535});
    CHECK(host_port::parse("[::1]:443") == host_port{"::1", 443});
    for (const char* wrong :
         {"", ":", "example.com", "example.com:", ":80", "example.com:65536", "example.com:-1",
          "example.com:+1", "example.com: 80", "example.com:080", "example.com:80x", "::1:80",
          "[::1]", "[::1:80", "[localhost]:80", "a b:80", "127.1:80", "a:b:80"}) {
        INFO(wrong);
        CHECK(error_of(host_port::parse(wrong)) == errc::parse_error);
    }
}

TEST_CASE("interleave_families: IPv6 first, then in turn, each family in its order") {
    const auto a4 = endpoint("10.0.0.1:1");
    const auto b4 = endpoint("10.0.0.2:1");
    const auto c4 = endpoint("10.0.0.3:1");
    const auto a6 = endpoint("[2001:db8::1]:1");
    const auto b6 = endpoint("[2001:db8::2]:1");
    CHECK(interleave_families({}).empty());
    CHECK(interleave_families({b4, a4}) == endpoints{b4, a4});
    CHECK(interleave_families({a4, b4, c4, a6}) == endpoints{a6, a4, b4, c4});
    CHECK(interleave_families({b6, a6, a4}) == endpoints{b6, a4, a6});
}

TEST_CASE("connect: to a name, by way of whichever of its addresses answers") {
    run_in_worlds([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(listener.local_endpoint());

        auto client = co_await check(connect("localhost", at.port));
        auto server = co_await check(listener.accept());

        CHECK(client.remote_endpoint() == at);
        co_await check(feed(client, 100));
        const drained got = co_await drain(server, 100);
        CHECK(got.intact);
        co_return {};
    });
}

TEST_CASE("connect: to the text of an address") {
    run_in_worlds([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(listener.local_endpoint());

        auto client = co_await check(connect("127.0.0.1", at.port));

        CHECK(client.remote_endpoint() == at);
        co_return {};
    });
}

TEST_CASE("connect: an attempt that fails makes way for the next") {
    run_in_worlds([]() -> task<result<void>> {
        const auto closed = co_await check(free_endpoint());
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(listener.local_endpoint());

        const endpoints to{closed, closed, at};
        auto client = co_await check(connect(to, {.attempt_delay = 60s}));

        CHECK(client.remote_endpoint() == at);
        co_return {};
    });
}

TEST_CASE("connect: when nobody answers the error is that of the attempt that got furthest") {
    run_in_worlds([]() -> task<result<void>> {
        const auto closed = co_await check(free_endpoint());
        const ip::endpoint nowhere{ip::any_v4, 0};
        const endpoints some{nowhere, closed, nowhere};
        const endpoints none{nowhere};

        const auto refused = co_await connect(some);
        const auto invalid = co_await connect(none);
        const auto by_name = co_await connect("localhost", closed.port);

        CHECK(error_of(refused) == errc::connection_refused);
        CHECK(error_of(invalid) == errc::invalid_argument);
        CHECK((error_of(by_name) == errc::connection_refused ||
               error_of(by_name) == errc::unreachable));
        co_return {};
    });
}

TEST_CASE("connect: what nobody can connect to") {
    run_in_worlds([]() -> task<result<void>> {
        const auto port_0 = co_await connect("localhost", 0);
        const auto no_name = co_await connect("no name", 80);
        const auto nobody = co_await connect(endpoints());
        CHECK(error_of(port_0) == errc::invalid_argument);
        CHECK(error_of(no_name) == errc::invalid_argument);
        CHECK(error_of(nobody) == errc::invalid_argument);
        co_return {};
    });
}

TEST_CASE("connect: attempts that lost leave no handle behind") {
    run_in_worlds([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(listener.local_endpoint());
        const auto closed = co_await check(free_endpoint());
        const endpoints to{closed, at, at};
        const open_handles meter;

        for (int i = 0; i < 10; ++i) {
            auto [connected, accepted] = co_await when_all(connect(to), listener.accept());
            CHECK(connected.has_value());
            CHECK(accepted.has_value());
        }

        CHECK(meter.grown_by(10) <= 2);  // a component may hold a timer and the listener's pollable
        co_return {};
    });
}

TEST_CASE("connect: canceled at each stage, nothing stays of it") {
    run_in_worlds([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(listener.local_endpoint());
        for (int turn = 0; turn < 12; ++turn) {
            stop_source stop;
            auto [client, stopped] =
                co_await when_all(stoppable(stop, connect("localhost", at.port)),
                                  [](stop_source& s, int n) -> task<void> {
                                      co_await turns(n);
                                      s.request_stop();
                                  }(stop, turn));
            CHECK((client.has_value() || client.error() == errc::canceled));
        }
        co_return {};
    });
}

#if __has_include(<copoll/backend/sim.hpp>)
// Networks that swallow packets, and answers to the millisecond.

namespace {

ip::address address(const char* text) { return *ip::address::parse(text); }

const ip::address six = address("2001:db8::1");
const ip::address four = address("192.0.2.1");

sim::known_name dual(clock::duration after = {}) {
    return {.name = "dual.example", .addresses = {four, six}, .after = after};
}

clock::duration passed() { return clock::now().time_since_epoch(); }

/// Connects to the name, to a listener at `on`; checks which address answered, and when.
task<result<void>> expect_answer(ip::address on, clock::duration at) {
    auto listener = co_await check(tcp_listener::bind({on, 80}));
    {
        auto client = co_await check(connect("dual.example", 80));
        CHECK(passed() == at);
        CHECK(client.remote_endpoint() == ip::endpoint{on, 80});
        CHECK(sim::world::current().open_sockets() == 1);
        auto server = co_await check(listener.accept());
        CHECK(server.is_open());
    }
    CHECK(sim::world::current().open_sockets() == 0);
    co_return {};
}

}  // namespace

TEST_CASE("connect: IPv6 goes first and wins") {
    sim::world w{{.latency = 10ms, .addresses = {four, six}, .names = {dual()}}};
    run_test([]() -> task<result<void>> {
        auto listener4 = co_await check(tcp_listener::bind({four, 80}));
        co_await check(expect_answer(six, 20ms));
        const auto nobody_came = co_await with_timeout(listener4.accept(), 1s);
        CHECK(error_of(nobody_came) == errc::timed_out);
        co_return {};
    }());
}

TEST_CASE("connect: an IPv6 that swallows packets costs 250 ms, then IPv4 wins") {
    sim::world w{{.addresses = {four}, .blackholes = {six}, .names = {dual()}}};
    run_test(expect_answer(four, 250ms));
}

TEST_CASE("connect: the time of the lookup comes first") {
    sim::world w{{.addresses = {four}, .blackholes = {six}, .names = {dual(100ms)}}};
    run_test(expect_answer(four, 350ms));
}

TEST_CASE("connect: a refused attempt, or one without a route, costs no delay") {
    {
        sim::world refused{{.latency = 10ms, .addresses = {four, six}, .names = {dual()}}};
        run_test(expect_answer(four, 40ms));
    }
    sim::world no_route{{.latency = 10ms, .addresses = {four}, .names = {dual()}}};
    run_test(expect_answer(four, 20ms));
}

TEST_CASE("connect: a name with addresses of one family") {
    sim::world w{{.addresses = {four},
                  .blackholes = {address("192.0.2.7")},
                  .names = {{.name = "dual.example", .addresses = {address("192.0.2.7"), four}}}}};
    run_test(expect_answer(four, 250ms));
}

TEST_CASE("connect: a slow attempt that answers after the next one has begun wins") {
    sim::world w{{.latency = 150ms, .addresses = {six}, .blackholes = {four}, .names = {dual()}}};
    run_test(expect_answer(six, 300ms));
}

TEST_CASE("connect: the delay between attempts is as asked for, but 10 ms at least") {
    sim::world w{{.addresses = {four}, .blackholes = {six, address("2001:db8::2")}}};
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({four, 80}));
        const endpoints to = {{six, 80}, {address("2001:db8::2"), 80}, {four, 80}};
        auto one = co_await check(connect(to, {.attempt_delay = 1s}));
        CHECK(passed() == 2s);
        auto two = co_await check(connect(to, {.attempt_delay = 0s}));
        CHECK(passed() == 2s + 20ms);
        co_return {};
    }());
}

TEST_CASE("connect: all refused is refused, after one round trip each") {
    sim::world w{{.latency = 10ms, .addresses = {four, six}, .names = {dual()}}};
    run_test([]() -> task<result<void>> {
        const auto r = co_await connect("dual.example", 80);
        CHECK(error_of(r) == errc::connection_refused);
        CHECK(passed() == 40ms);
        co_return {};
    }());
    CHECK(w.open_sockets() == 0);
}

TEST_CASE("connect: the error of a peer counts more than that of a missing route") {
    for (const auto& local : {four, six}) {  // the other one is unreachable
        sim::world w{{.addresses = {local}, .names = {dual()}}};
        run_test([]() -> task<result<void>> {
            const auto r = co_await connect("dual.example", 80);
            CHECK(error_of(r) == errc::connection_refused);
            co_return {};
        }());
    }
    sim::world w{{.names = {dual()}}};
    run_test([]() -> task<result<void>> {
        const auto r = co_await connect("dual.example", 80);
        CHECK(error_of(r) == errc::unreachable);
        co_return {};
    }());
}

TEST_CASE("connect: the timeout covers the lookup and all attempts") {
    sim::world w{{.blackholes = {four, six},
                  .names = {dual(100ms), {.name = "mute.example", .answers = false}}}};
    run_test([]() -> task<result<void>> {
        const auto mute = co_await connect("mute.example", 80, {.timeout = 1s});
        CHECK(error_of(mute) == errc::timed_out);
        CHECK(passed() == 1s);
        const auto swallowed = co_await connect("dual.example", 80, {.timeout = 2s});
        CHECK(error_of(swallowed) == errc::timed_out);
        CHECK(passed() == 3s);
        const endpoints both{{four, 80}, {six, 80}};
        const auto by_default = co_await connect(both);
        CHECK(error_of(by_default) == errc::timed_out);
        CHECK(passed() == 33s);
        co_return {};
    }());
    CHECK(w.open_sockets() == 0);
}

TEST_CASE("connect: an error of the lookup comes out") {
    sim::world w{{.names = {{.name = "denied.example", .error = errc::lookup_denied}}}};
    run_test([]() -> task<result<void>> {
        const auto unknown = co_await connect("unknown.example", 80);
        const auto denied = co_await connect("denied.example", 80);
        CHECK(error_of(unknown) == errc::name_unresolvable);
        CHECK(error_of(denied) == errc::lookup_denied);
        co_return {};
    }());
}

TEST_CASE("connect: canceled in the middle, all attempts are given up") {
    sim::world w{{.blackholes = {four, six}, .names = {dual(100ms)}}};
    run_test([]() -> task<result<void>> {
        for (const auto after : {0ms, 50ms, 100ms, 200ms, 350ms, 400ms}) {
            const auto begin = clock::now();
            auto raced = co_await first_done(sleep_for(after), connect("dual.example", 80));
            CHECK(error_of(std::get<1>(raced.results)) == errc::canceled);
            CHECK(clock::now() - begin == after);
        }
        co_return {};
    }());
    CHECK(w.open_sockets() == 0);
}

TEST_CASE("connect: of two that answer in one turn one stays open") {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        sim::world w{{.seed = seed, .addresses = {four, six}, .names = {dual()}}};
        run_test([]() -> task<result<void>> {
            // in front of full backlogs the attempts wait until somebody accepts
            auto at_six = co_await check(tcp_listener::bind({six, 80}, {.backlog = 1}));
            auto at_four = co_await check(tcp_listener::bind({four, 80}, {.backlog = 1}));
            auto first = co_await check(tcp_stream::connect({six, 80}));
            auto second = co_await check(tcp_stream::connect({four, 80}));
            const auto accept_both = [](tcp_listener& a, tcp_listener& b) -> task<result<void>> {
                co_await check(sleep_for(1s));
                auto [from_a, from_b] = co_await when_all(a.accept(), b.accept());
                CHECK((from_a && from_b));
                co_return {};
            };

            auto [client, accepted] =
                co_await when_all(connect("dual.example", 80), accept_both(at_six, at_four));
            CHECK(passed() == 1s);
            CHECK(client.has_value());
            first.close();
            second.close();
            CHECK(sim::world::current().open_sockets() == 1);

            auto [one, other] = co_await when_all(with_timeout(at_six.accept(), 1s),
                                                  with_timeout(at_four.accept(), 1s));
            CHECK((one.has_value() || other.has_value()));
            client->close();
            co_return {};
        }());
        CHECK(w.open_sockets() == 0);
    }
}

TEST_CASE("connect: an attempt that was too late to be canceled is closed") {
    sim::world w{{.late_cancel_percent = 100, .latency = 125ms, .addresses = {four, six},
                  .names = {dual()}}};
    run_test([]() -> task<result<void>> {
        auto at_six = co_await check(tcp_listener::bind({six, 80}));
        auto at_four = co_await check(tcp_listener::bind({four, 80}));
        {
            auto client = co_await check(connect("dual.example", 80));
            CHECK(client.remote_endpoint() == ip::endpoint{six, 80});
            CHECK(sim::world::current().open_sockets() == 1);
        }
        co_return {};
    }());
    CHECK(w.open_sockets() == 0);
}

TEST_CASE("connect: an answer together with the timeout, or with a stop request, counts") {
    sim::world w{{.late_cancel_percent = 100, .latency = 500ms, .addresses = {four}}};
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({four, 80}));
        const endpoints to{{four, 80}};
        auto client = co_await connect(to, {.timeout = 1s});
        CHECK(client.has_value());
        auto raced = co_await first_done(sleep_for(1s), connect(to));
        CHECK(std::get<1>(raced.results).has_value());
        co_return {};
    }());
}
#endif
