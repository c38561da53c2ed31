// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tcp.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/open_handles.hpp"
#include "support/run_test.hpp"
#include "support/tcp_pair.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// Long enough for what is on its way over loopback to have arrived.
constexpr auto moment = 30ms;

/// Writes until nothing more is taken, as to a peer that does not read; gives how much it was.
task<std::uint64_t> fill_pipe(tcp_stream& to) {
    std::uint64_t sent = 0;
    for (;;) {
        const auto chunk = pattern(64 * 1024, sent);
        const auto [ec, n] = co_await with_timeout(to.write_some(chunk), 200ms);
        sent += n;
        if (ec == errc::timed_out) co_return sent;
        if (ec) {
            FAIL_CHECK(ec.message());
            co_return sent;
        }
    }
}

task<result<void>> send_and_end(tcp_stream& to, std::uint64_t n) {
    co_await check(feed(to, n));
    co_return co_await to.shutdown_write();
}

/// Has 1,000 bytes of the pattern echoed that nobody else sends.
task<result<void>> ask(ip::endpoint at, int who, int& served) {
    auto peer = co_await check(tcp_stream::connect(at));
    const auto position = static_cast<std::uint64_t>(who) * 1000;
    co_await check(feed(peer, 1000, position));
    co_await check(peer.shutdown_write());
    const drained back = co_await drain(peer, UINT64_MAX, position);
    served += back.n == 1000 && back.intact && back.end == errc::eof;
    co_return {};
}

task<result<void>> serve_and_ask(scope& s, tcp_listener& listener, int count, int& served) {
    const auto at = co_await check(listener.local_endpoint());
    for (int i = 0; i < count; ++i) s.spawn(ask, at, i, std::ref(served));
    for (int i = 0; i < count; ++i) s.spawn(echo, co_await check(listener.accept()));
    co_return {};
}

/// Connects, has 100 bytes echoed, closes.
task<result<void>> echo_round(tcp_listener& listener) {
    auto [client, server] = co_await check(connect_through(listener));
    auto [echoed, sent, back] =
        co_await when_all(echo(std::move(server)), send_and_end(client, 100), drain(client));
    CHECK(back.n == 100);
    CHECK(back.end == errc::eof);
    co_return {};
}

task<result<void>> echo_of_random_sizes(ip::address on) {
    auto [client, server] = co_await check(connected_pair(on));
    co_return co_await with_scope(
        [](scope& s, tcp_stream& asking, tcp_stream& answering) -> task<result<void>> {
            s.spawn(echo, std::move(answering));
            std::mt19937 random{7};
            std::uint64_t position = 0;
            for (int i = 0; i < 60; ++i) {
                const std::size_t size = i % 3 == 0 ? 1 + random() % 16 : 1 + random() % 150'000;
                const auto message = pattern(size, position);
                // at the same time: neither side could take a message this long unread
                auto [sent, back] =
                    co_await when_all(write_all(asking, message), drain(asking, size, position));
                CHECK(sent.n == size);
                CHECK(back.n == size);
                CHECK(back.intact);
                CHECK(back.no_empty);
                position += size;
            }
            co_await check(asking.shutdown_write());
            const drained rest = co_await drain(asking);
            CHECK(rest.end == errc::eof);
            co_return {};
        },
        client, server);
}

}  // namespace

TEST_CASE("echo: messages of random sizes come back byte by byte") {
    run_in_worlds([] { return echo_of_random_sizes(ip::loopback_v4); });
}

TEST_CASE("echo: the same over IPv6") {
    run_in_worlds([]() -> task<result<void>> {
        if (!co_await has_ipv6()) co_return {};
        co_return co_await echo_of_random_sizes(ip::loopback_v6);
    });
}

TEST_CASE("echo: 12 MiB go out and come back at the same time") {
    run_in_worlds([]() -> task<result<void>> {
        constexpr std::uint64_t size = 12 * 1024 * 1024;
        auto [client, server] = co_await check(connected_pair());

        auto [echoed, sent, back] =
            co_await when_all(echo(std::move(server)), send_and_end(client, size), drain(client));

        CHECK(sent.has_value());
        CHECK(back.n == size);
        CHECK(back.intact);
        CHECK(back.no_empty);
        co_return {};
    });
}

TEST_CASE("bind: port 0 takes a free port, and both ends know the endpoints") {
    run_in_worlds([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(listener.local_endpoint());
        CHECK(at.address == ip::loopback_v4);
        CHECK(at.port != 0);

        auto [client, server] = co_await check(connect_through(listener));

        CHECK(client.remote_endpoint() == at);
        CHECK(server.local_endpoint() == at);
        CHECK(server.remote_endpoint() == client.local_endpoint());
        CHECK(client.local_endpoint()->port != at.port);
        co_return {};
    });
}

TEST_CASE("bind: endpoints of IPv6") {
    run_in_worlds([]() -> task<result<void>> {
        if (!co_await has_ipv6()) co_return {};
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v6, 0}));
        const auto at = co_await check(listener.local_endpoint());
        CHECK(at.address == ip::loopback_v6);

        auto [client, server] = co_await check(connect_through(listener));

        CHECK(client.remote_endpoint() == at);
        CHECK(server.remote_endpoint() == client.local_endpoint());
        co_return {};
    });
}

TEST_CASE("bind: an IPv6 listener leaves the port of IPv4 alone") {
    run_in_worlds([]() -> task<result<void>> {
        if (!co_await has_ipv6()) co_return {};
        auto six = co_await check(tcp_listener::bind({ip::any_v6, 0}));
        const auto port = co_await check(six.local_endpoint());

        auto four = co_await tcp_listener::bind({ip::any_v4, port.port});

        CHECK(four.has_value());
        co_return {};
    });
}

TEST_CASE("bind: a port can be bound again right after its listener closed") {
    run_in_worlds([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(listener.local_endpoint());
        {   // the accepting side closes first, so that its address waits out TIME_WAIT
            auto [client, server] = co_await check(connect_through(listener));
            server.close();
            const drained seen = co_await drain(client);
            CHECK(seen.end == errc::eof);
        }
        listener.close();

        auto again = co_await tcp_listener::bind(at);

        CHECK(again.has_value());
        co_return {};
    });
}

TEST_CASE("accept: 200 connections at once have an echo each") {
    run_in_worlds([]() -> task<result<void>> {
        int count = 200;
        auto listener =
            co_await check(tcp_listener::bind({ip::loopback_v4, 0}, {.backlog = 200}));
        int served = 0;

        co_await check(with_scope(serve_and_ask, listener, count, served));

        CHECK(served == count);
        co_return {};
    });
}

TEST_CASE("accept: connections made before anyone accepts are there") {
    run_in_worlds([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}, {.backlog = 8}));
        const auto at = co_await check(listener.local_endpoint());
        auto first = co_await check(tcp_stream::connect(at));
        auto second = co_await check(tcp_stream::connect(at));
        co_await check(write_all(second, bytes_of("2")));

        auto a = co_await check(listener.accept());
        auto b = co_await check(listener.accept());

        CHECK(a.remote_endpoint() == first.local_endpoint());
        CHECK(b.remote_endpoint() == second.local_endpoint());
        std::array<std::byte, 4> buffer;
        const io_result got = co_await b.read_some(buffer);
        CHECK(got.n == 1);
        co_return {};
    });
}

TEST_CASE("shutdown_write: the server answers after the client's end") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(write_all(client, bytes_of("question")));
        co_await check(client.shutdown_write());

        std::array<std::byte, 64> buffer;
        auto asked = co_await read_exactly(server, buffer);
        CHECK(asked.n == 8);
        CHECK(asked.ec == errc::eof);
        co_await check(write_all(server, bytes_of("the answer")));
        server.close();

        auto answered = co_await read_exactly(client, buffer);
        CHECK(answered.n == 10);
        CHECK(answered.ec == errc::eof);
        co_return {};
    });
}

TEST_CASE("shutdown_write: the client goes on sending after the server's end") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(server.shutdown_write());
        std::array<std::byte, 64> buffer;
        const io_result end = co_await client.read_some(buffer);
        CHECK(end.ec == errc::eof);

        for (std::uint64_t i = 0; i < 10; ++i) {
            co_await check(feed(client, 1000, i * 1000));
            const drained got = co_await drain(server, 1000, i * 1000);
            CHECK(got.n == 1000);
            CHECK(got.intact);
        }
        co_return {};
    });
}

TEST_CASE("shutdown_write: the end comes behind all that was written") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const std::uint64_t size = co_await fill_pipe(client);

        auto [ended, got] = co_await when_all(client.shutdown_write(), drain(server));

        CHECK(ended.has_value());
        CHECK(got.n == size);
        CHECK(got.intact);
        CHECK(got.end == errc::eof);
        co_return {};
    });
}

TEST_CASE("shutdown_write: writing is closed from then on, and a second one is harmless") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(client.shutdown_write());

        const auto [ec, n] = co_await client.write_some(bytes_of("late"));
        CHECK(ec == errc::closed);
        CHECK(n == 0);
        const auto again = co_await client.shutdown_write();
        CHECK(again.has_value());

        std::array<std::byte, 8> buffer;
        const io_result end = co_await server.read_some(buffer);
        CHECK(end.ec == errc::eof);
        co_return {};
    });
}

TEST_CASE("shutdown: after read, reading is at its end and writing goes on") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(client.shutdown(direction::read));

        std::array<std::byte, 8> buffer;
        const io_result end = co_await client.read_some(buffer);
        co_await check(write_all(client, bytes_of("ping")));
        const io_result got = co_await read_exactly(server, std::span(buffer).first(4));
        CHECK(end.ec == errc::eof);
        CHECK(got.n == 4);
        co_return {};
    });
}

TEST_CASE("shutdown: after read, with data read before, reading is at its end") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(write_all(server, bytes_of("data")));
        std::array<std::byte, 4> buffer;
        co_await check(read_exactly(client, buffer));

        co_await check(client.shutdown(direction::read));

        std::array<std::byte, 4> more;
        const io_result end = co_await client.read_some(more);
        CHECK(text_of(buffer) == "data");
        CHECK(end.ec == errc::eof);
        co_return {};
    });
}

TEST_CASE("shutdown: after both, reading is at its end, writing is closed, the peer is told") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(client.shutdown(direction::both));

        std::array<std::byte, 8> buffer;
        const io_result end = co_await client.read_some(buffer);
        const io_result late = co_await client.write_some(bytes_of("late"));
        const io_result told = co_await server.read_some(buffer);
        CHECK(end.ec == errc::eof);
        CHECK(late.ec == errc::closed);
        CHECK(told.ec == errc::eof);
        co_return {};
    });
}

TEST_CASE("read_some: after the end it says so again") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(write_all(server, bytes_of("last")));
        server.close();

        std::array<std::byte, 8> buffer;
        const io_result got = co_await read_exactly(client, std::span(buffer).first(4));
        CHECK(got.n == 4);
        for (int i = 0; i < 3; ++i) {
            const auto [ec, n] = co_await client.read_some(buffer);
            CHECK(ec == errc::eof);
            CHECK(n == 0);
        }
        co_return {};
    });
}

TEST_CASE("read_some, write_some: an empty buffer completes at once with nothing") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());

        const auto read = co_await client.read_some({});
        const auto written = co_await client.write_some({});

        CHECK(!read.ec);
        CHECK(read.n == 0);
        CHECK(!written.ec);
        CHECK(written.n == 0);
        co_return {};
    });
}

TEST_CASE("read_some: gives what is there without waiting for a full buffer") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(write_all(server, bytes_of("abc")));

        std::array<std::byte, 1024> buffer;
        const auto [ec, n] = co_await client.read_some(buffer);

        CHECK(!ec);
        CHECK(n == 3);
        co_return {};
    }());
}

TEST_CASE("read_some: small buffers take a message in pieces, in order") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());

        auto [sent, got] =
            co_await when_all(feed(server, 100'000), drain(client, 100'000, 0, 7));

        CHECK(sent.n == 100'000);
        CHECK(got.n == 100'000);
        CHECK(got.intact);
        CHECK(got.no_empty);
        co_return {};
    });
}

TEST_CASE("tcp_stream: moves between reads, with bytes on their way") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        co_await check(feed(server, 300));

        const drained one = co_await drain(client, 100, 0, 100);
        tcp_stream second = std::move(client);
        CHECK(!client.is_open());
        CHECK(second.is_open());
        const drained two = co_await drain(second, 100, 100, 100);
        std::optional<tcp_stream> third{std::move(second)};
        const drained rest = co_await drain(*third, 100, 200, 100);
        CHECK(rest.n == 100);
        CHECK(rest.intact);

        co_await check(feed(*third, 50));  // and writes as before
        const drained back = co_await drain(server, 50);
        CHECK(one.intact);
        CHECK(two.intact);
        CHECK(back.n == 50);
        CHECK(back.intact);
        co_return {};
    });
}

TEST_CASE("tcp_stream: assigning closes the connection that was there") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        auto [other_client, other_server] = co_await check(connected_pair());

        client = std::move(other_client);

        const drained old = co_await drain(server);
        co_await check(feed(client, 10));
        const drained got = co_await drain(other_server, 10);
        CHECK(old.end == errc::eof);
        CHECK(got.n == 10);
        co_return {};
    });
}

TEST_CASE("close: a slow peer still gets every byte that was written") {
    run_in_worlds([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const std::uint64_t size = co_await fill_pipe(server);

        server.close();
        co_await check(sleep_for(moment));
        const drained got = co_await drain(client);

        CHECK(size > 0);
        CHECK(got.n == size);
        CHECK(got.intact);
        CHECK(got.end == errc::eof);
        co_return {};
    });
}

TEST_CASE("close: a peer that reads late in small steps gets every byte of 100 connections") {
    run_in_worlds([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        std::vector<tcp_stream> clients;
        for (int i = 0; i < 100; ++i) {
            auto [client, server] = co_await check(connect_through(listener));
            co_await check(feed(server, 900));
            clients.push_back(std::move(client));  // server closes here, at once
        }
        for (auto& client : clients) {
            const drained got = co_await drain(client, UINT64_MAX, 0, 300);
            CHECK(got.n == 900);
            CHECK(got.intact);
            CHECK(got.end == errc::eof);
        }
        co_return {};
    });
}

TEST_CASE("close: a peer that never reads holds up neither the closer nor the others") {
    run_in_worlds([]() -> task<result<void>> {
        auto [deaf, to_deaf] = co_await check(connected_pair());
        auto [client, server] = co_await check(connected_pair());
        co_await fill_pipe(to_deaf);

        const auto begin = clock::now();
        to_deaf.close();
        auto [echoed, sent, back] = co_await when_all(echo(std::move(server)),
                                                      send_and_end(client, 100'000),
                                                      drain(client));

        CHECK(back.n == 100'000);
        CHECK(back.intact);
        CHECK(clock::now() - begin < 2s);
        co_return {};
    });
}

TEST_CASE("tcp_listener: closing it ends connections that nobody accepted") {
    run_in_worlds([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}, {.backlog = 8}));
        const auto at = co_await check(listener.local_endpoint());
        auto client = co_await check(tcp_stream::connect(at));
        auto accepted = co_await check(listener.accept());
        auto waiting = co_await check(tcp_stream::connect(at));

        listener.close();

        CHECK(!listener.is_open());
        const drained unserved = co_await drain(waiting);
        const auto refused = co_await tcp_stream::connect(at);
        co_await check(feed(client, 10));  // what was accepted lives on
        const drained got = co_await drain(accepted, 10);
        CHECK(unserved.end);
        CHECK(refused.error() == errc::connection_refused);
        CHECK(got.n == 10);
        co_return {};
    });
}

TEST_CASE("tcp_stream: 1,000 rounds of connect, echo and close leave nothing open") {
    run_in_worlds([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        co_await check(echo_round(listener));
        const auto none = co_await with_timeout(listener.accept(), 1ms);  // has it wait once
        CHECK(none.error() == errc::timed_out);
        open_handles meter;

        for (int i = 0; i < 1000; ++i) co_await check(echo_round(listener));

        CHECK(meter.grown_by(1000) == 0);
        co_return {};
    });
}
