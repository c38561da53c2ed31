// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/sim.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstddef>
#include <vector>

#include <copoll/run.hpp>
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

ip::address address(const char* text) { return *ip::address::parse(text); }

task<std::error_code> bind_error(ip::endpoint at) {
    co_return error_of(co_await tcp_listener::bind(at));
}

task<std::error_code> connect_error(ip::endpoint to) {
    co_return error_of(co_await tcp_stream::connect(to));
}

}  // namespace

TEST_CASE("bind: the same endpoint, or any address with the same port, is in use") {
    sim::world w;
    run_test([]() -> task<result<void>> {
        auto one = co_await check(tcp_listener::bind({ip::loopback_v4, 80}));
        const auto same = co_await bind_error({ip::loopback_v4, 80});
        const auto any = co_await bind_error({ip::any_v4, 80});
        const auto other_port = co_await bind_error({ip::loopback_v4, 81});
        const auto other_loopback = co_await bind_error({address("127.0.0.2"), 80});
        const auto other_family = co_await bind_error({ip::any_v6, 80});
        one.close();
        const auto after_close = co_await bind_error({ip::loopback_v4, 80});

        CHECK(same == errc::address_in_use);
        CHECK(any == errc::address_in_use);
        CHECK(other_port == no_error);
        CHECK(other_loopback == no_error);
        CHECK(other_family == no_error);
        CHECK(after_close == no_error);
        co_return {};
    }());
}

TEST_CASE("bind: only addresses of this machine are available") {
    sim::world w{{.addresses = {address("10.0.0.1"), address("fd00::1")}}};
    run_test([]() -> task<result<void>> {
        const auto own = co_await bind_error({address("10.0.0.1"), 0});
        const auto own6 = co_await bind_error({address("fd00::1"), 0});
        const auto foreign = co_await bind_error({address("10.0.0.2"), 0});
        const auto multicast = co_await bind_error({address("224.0.0.1"), 0});
        const auto mapped = co_await bind_error({address("::ffff:127.0.0.1"), 0});

        CHECK(own == no_error);
        CHECK(own6 == no_error);
        CHECK(foreign == errc::address_not_available);
        CHECK(multicast == errc::invalid_argument);
        CHECK(mapped == errc::invalid_argument);
        co_return {};
    }());
}

TEST_CASE("connect: refused where nobody listens, unreachable where no route leads") {
    sim::world w{{.latency = 10ms, .addresses = {address("10.0.0.1")}}};
    run_test([]() -> task<result<void>> {
        const auto unreachable = co_await connect_error({address("10.0.0.2"), 80});
        CHECK(clock::now().time_since_epoch() == 0ms);
        const auto refused = co_await connect_error({address("10.0.0.1"), 80});
        CHECK(clock::now().time_since_epoch() == 20ms);
        const auto no_port = co_await connect_error({ip::loopback_v4, 0});
        const auto any = co_await connect_error({ip::any_v4, 80});

        CHECK(unreachable == errc::unreachable);
        CHECK(refused == errc::connection_refused);
        CHECK(no_port == errc::invalid_argument);
        CHECK(any == errc::invalid_argument);
        co_return {};
    }());
}

TEST_CASE("connect: a listener on any address answers on each of its family") {
    sim::world w{{.addresses = {address("10.0.0.1")}}};
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::any_v4, 80}));
        auto client = co_await check(tcp_stream::connect({address("10.0.0.1"), 80}));
        auto server = co_await check(listener.accept());
        const auto six = co_await connect_error({ip::loopback_v6, 80});

        CHECK(server.local_endpoint() == ip::endpoint{address("10.0.0.1"), 80});
        CHECK(server.remote_endpoint() == client.local_endpoint());
        CHECK(six == errc::connection_refused);
        co_return {};
    }());
}

TEST_CASE("connect: a black hole never answers") {
    sim::world w{{.blackholes = {address("192.0.2.1")}}};
    run_test([]() -> task<result<void>> {
        const auto r = co_await with_timeout(tcp_stream::connect({address("192.0.2.1"), 80}), 75s);
        CHECK(error_of(r) == errc::timed_out);
        CHECK(clock::now().time_since_epoch() == 75s);
        co_return {};
    }());
    CHECK(w.open_sockets() == 0);
}

TEST_CASE("connect: waits in front of a full backlog until somebody accepts") {
    sim::world w;
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 80}, {.backlog = 1}));
        const ip::endpoint at{ip::loopback_v4, 80};
        auto first = co_await check(tcp_stream::connect(at));
        const auto kept_out = co_await with_timeout(tcp_stream::connect(at), 1s);
        auto [second, accepted] = co_await when_all(tcp_stream::connect(at), listener.accept());

        CHECK(error_of(kept_out) == errc::timed_out);
        CHECK(second.has_value());
        CHECK(accepted->remote_endpoint() == first.local_endpoint());
        co_return {};
    }());
}

TEST_CASE(
    "tcp_listener: closing it resets who waits to be accepted, and refuses who waits for that") {
    sim::world w;
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 80}, {.backlog = 1}));
        auto waiting = co_await check(tcp_stream::connect({ip::loopback_v4, 80}));
        auto [refused, closed] = co_await when_all(tcp_stream::connect({ip::loopback_v4, 80}),
                                                   [](tcp_listener& l) -> task<result<void>> {
                                                       co_await check(sleep_for(1s));
                                                       l.close();
                                                       co_return {};
                                                   }(listener));
        std::array<std::byte, 8> buffer;
        const auto read = co_await waiting.read_some(buffer);

        CHECK(error_of(refused) == errc::connection_refused);
        CHECK(read.ec == errc::connection_reset);
        co_return {};
    }());
}

TEST_CASE("accept: a connection that was reset meanwhile is skipped") {
    sim::world w;
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 80}));
        const ip::endpoint at{ip::loopback_v4, 80};
        auto lost = co_await check(tcp_stream::connect(at));
        sim::world::current().reset_connections();
        auto client = co_await check(tcp_stream::connect(at));

        auto server = co_await check(listener.accept());

        CHECK(server.remote_endpoint() == client.local_endpoint());
        co_return {};
    }());
}

TEST_CASE("write_some: a peer that does not read takes `capacity` bytes") {
    sim::world w{{.capacity = 1000}};
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        std::array<std::byte, 600> bytes{};
        const auto first = co_await client.write_some(bytes);
        const auto second = co_await client.write_some(bytes);
        const auto third = co_await with_timeout(client.write_some(bytes), 1s);
        const auto read = co_await server.read_some(std::span(bytes).first(10));
        const auto fourth = co_await client.write_some(bytes);

        CHECK(first.n == 600);
        CHECK(second.n == 400);
        CHECK(third.ec == errc::timed_out);
        CHECK(read.n == 10);
        CHECK(fourth.n == 10);
        co_return {};
    }());
}

TEST_CASE("close: with unread input it resets, and the peer loses what it had not read") {
    sim::world w;
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(client.write_some(bytes_of("never read")));
        co_await check(server.write_some(bytes_of("answer")));
        server.close();

        std::array<std::byte, 8> buffer;
        const auto read = co_await client.read_some(buffer);
        const auto written = co_await client.write_some(bytes_of("more"));
        const auto ended = co_await client.shutdown_write();

        CHECK(read.ec == errc::connection_reset);
        CHECK(written.ec == errc::connection_reset);
        CHECK(error_of(ended) == errc::connection_reset);
        co_return {};
    }());
}

TEST_CASE("close: in order, the peer reads all, and its second write fails") {
    sim::world w{{.latency = 10ms}};
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(server.write_some(bytes_of("answer")));
        server.close();
        co_await check(sleep_for(1s));

        const auto accepted = co_await client.write_some(bytes_of("into the void"));
        const auto at_once = co_await client.write_some(bytes_of("again"));
        co_await check(sleep_for(20ms));  // there and back
        const auto late = co_await client.write_some(bytes_of("again"));
        const drained got = co_await drain(client);

        CHECK(accepted.n > 0);
        CHECK(at_once.n > 0);
        CHECK(late.ec == errc::connection_reset);
        CHECK(got.n == 6);
        CHECK(got.end == errc::eof);
        co_return {};
    }());
}

TEST_CASE("close: bytes that are still on the way to the closed end break the connection") {
    sim::world w{{.latency = 10ms}};
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(client.write_some(bytes_of("on the way")));
        server.close();
        co_await check(sleep_for(20ms));

        const auto written = co_await client.write_some(bytes_of("more"));

        CHECK(written.ec == errc::connection_reset);
        co_return {};
    }());
}

TEST_CASE("close: a writer that waits for room is told of the reset") {
    sim::world w{{.capacity = 10}};
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        auto [sent, closed] =
            co_await when_all(feed(client, 100), [](tcp_stream& s) -> task<result<void>> {
                co_await check(sleep_for(1s));
                s.close();
                co_return {};
            }(server));
        CHECK(sent.n == 10);
        CHECK(sent.ec == errc::connection_reset);
        co_return {};
    }());
}

TEST_CASE("shutdown: after read, what the peer sends is dropped without a sign to it") {
    sim::world w{{.capacity = 10}};
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        auto [unread, ended] =
            co_await when_all(feed(client, 100), [](tcp_stream& s) -> task<result<void>> {
                co_await check(sleep_for(1s));
                co_return co_await s.shutdown(direction::read);
            }(server));
        std::array<std::byte, 8> buffer;
        const auto read = co_await server.read_some(buffer);
        co_await check(server.write_some(bytes_of("still here")));
        const drained got = co_await drain(client, 10);

        CHECK(unread.n == 100);
        CHECK(read.ec == errc::eof);
        CHECK(got.n == 10);
        co_return {};
    }());
}
