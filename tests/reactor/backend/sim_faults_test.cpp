// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/sim.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stdio.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/tcp_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// A client asks, a server echoes and ends. Both give up on errors.
task<result<void>> conversation() {
    auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
    co_return co_await with_scope(
        child_failure::stop_all,
        [](scope& s, tcp_listener& l) -> task<result<void>> {
            s.spawn(
                [](ip::endpoint at) -> task<result<void>> {
                    auto peer = co_await check(tcp_stream::connect(at));
                    co_await check(write_all(peer, bytes_of("question")));
                    co_await check(peer.shutdown_write());
                    std::array<std::byte, 8> answer;
                    co_await check(read_exactly(peer, answer));
                    co_return {};
                },
                co_await check(l.local_endpoint()));
            co_return co_await echo(co_await check(l.accept()));
        },
        listener);
}

/// `conversation` once for each call that can fail. Gives how many of the failures it noticed.
std::uint64_t fail_each_call(sim::options o) {
    std::uint64_t noticed = 0;
    for (std::uint64_t k = 1;; ++k) {
        o.fail_at = k;
        sim::world w{o};
        const auto r = run(conversation());
        INFO("call " << k << " failed");
        CHECK(w.open_sockets() == 0);
        CHECK(w.open_listeners() == 0);
        CHECK(error_of(r) != errc::deadlock);
        if (!w.fault_injected()) {
            CHECK(r.has_value());
            return noticed;
        }
        // a fault behind the last byte may pass unseen, any other is the result
        if (r) continue;
        ++noticed;
        CHECK(r.error() == o.fail_with);
    }
}

}  // namespace

TEST_CASE("fail_at: whichever call fails, the program ends with its error and leaks nothing") {
    CHECK(fail_each_call({}) > 10);
    CHECK(fail_each_call({.fail_with = errc::connection_reset}) > 10);
    CHECK(fail_each_call({.short_transfers = true, .latency = 5ms}) > 20);
}

TEST_CASE("fail_next: each kind of call fails when told to, once") {
    sim::world w;
    run_test([]() -> task<result<void>> {
        sim::world& here = sim::world::current();
        const std::error_code ec = errc::access_denied;
        const auto at = ip::endpoint{ip::loopback_v4, 80};

        here.fail_next(sim::call::listen, ec);
        const auto listen = co_await tcp_listener::bind(at);
        auto listener = co_await check(tcp_listener::bind(at));
        here.fail_next(sim::call::connect, ec);
        const auto connect = co_await tcp_stream::connect(at);
        auto client = co_await check(tcp_stream::connect(at));
        here.fail_next(sim::call::accept, ec);
        const auto accept = co_await listener.accept();
        auto server = co_await check(listener.accept());
        here.fail_next(sim::call::write, ec);
        const auto write = co_await client.write_some(bytes_of("x"));
        co_await check(client.write_some(bytes_of("x")));
        std::array<std::byte, 8> buffer;
        here.fail_next(sim::call::read, ec);
        const auto read = co_await server.read_some(buffer);
        co_await check(server.read_some(buffer));
        here.fail_next(sim::call::shutdown, ec);
        const auto shutdown = co_await client.shutdown_write();
        co_await check(client.shutdown_write());

        CHECK(error_of(listen) == ec);
        CHECK(error_of(connect) == ec);
        CHECK(error_of(accept) == ec);
        CHECK(error_of(write) == ec);
        CHECK(error_of(read) == ec);
        CHECK(error_of(shutdown) == ec);
        co_return {};
    }());
    CHECK(w.fault_injected());
}

TEST_CASE("fail_next: a closed standard output") {
    sim::world w;
    run_test([]() -> task<result<void>> {
        stdout_stream out{*(co_await this_env{}).owner};
        sim::world::current().fail_next(sim::call::output, errc::closed);
        const auto r = co_await write_all(out, bytes_of("nobody reads this"));
        CHECK(r.ec == errc::closed);
        co_return {};
    }());
    CHECK(w.output().empty());
}

TEST_CASE("accept: a connection that the system reports as aborted is skipped") {
    sim::world w;
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 80}));
        auto client = co_await check(tcp_stream::connect({ip::loopback_v4, 80}));
        sim::world::current().fail_next(sim::call::accept, errc::connection_aborted);
        const auto server = co_await listener.accept();
        CHECK(server.has_value());
        co_return {};
    }());
}

TEST_CASE("reset_after: the reader gets exactly that many bytes before the reset") {
    for (std::uint64_t n = 0; n <= 20; ++n) {
        sim::world w{{.short_transfers = true, .reset_after = n}};
        run_test([](std::uint64_t bytes) -> task<result<void>> {
            auto [client, server] = co_await check(connected_pair());
            co_await check(feed(client, 40));
            const drained got = co_await drain(server);
            const auto written = co_await client.write_some(bytes_of("x"));

            CHECK(got.n == bytes);
            CHECK(got.intact);
            CHECK(got.end == errc::connection_reset);
            CHECK(written.ec == errc::connection_reset);
            co_return {};
        }(n));
    }
}

TEST_CASE("reset_connections: both ends see it, waiting or not") {
    sim::world w;
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        std::array<std::byte, 8> buffer;
        auto [read, cut] = co_await when_all(client.read_some(buffer), []() -> task<result<void>> {
            co_await check(sleep_for(1s));
            sim::world::current().reset_connections();
            co_return {};
        }());
        const auto written = co_await server.write_some(bytes_of("x"));

        CHECK(read.ec == errc::connection_reset);
        CHECK(written.ec == errc::connection_reset);
        co_return {};
    }());
}

TEST_CASE("fail_next: an injected reset is one for the peer too") {
    sim::world w;
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        sim::world::current().fail_next(sim::call::write, errc::connection_reset);
        const auto written = co_await client.write_some(bytes_of("x"));
        std::array<std::byte, 8> buffer;
        const auto read = co_await server.read_some(buffer);

        CHECK(written.ec == errc::connection_reset);
        CHECK(read.ec == errc::connection_reset);
        co_return {};
    }());
}

TEST_CASE("accept: waits while the system has no descriptor left") {
    backend::world w;
    run_test([](backend::world& here) -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(listener.local_endpoint());
        auto client = co_await check(tcp_stream::connect(at));
        for (int i = 0; i < 3; ++i) here.fail_next(backend::call::accept, errc::too_many_open);
        const auto begin = clock::now();

        const auto server = co_await listener.accept();

        CHECK(server.has_value());
        CHECK(clock::now() - begin == 70ms);  // 10, 20 and 40
        for (int i = 0; i < 100; ++i) here.fail_next(backend::call::accept, errc::out_of_memory);
        const auto none = co_await with_timeout(listener.accept(), 50ms);
        CHECK(error_of(none) == errc::timed_out);
        co_return {};
    }(w));
}
