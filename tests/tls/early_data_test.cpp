// SPDX-License-Identifier: MIT OR Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <copoll/time.hpp>
#include <copoll/tls/engine.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "tls/secure_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

using bytes = std::vector<std::byte>;

tls::server_options taking(std::uint32_t most, const tls::ticket_keys& keys = tls::ticket_keys{}) {
    auto server = as_example();
    server.tickets = keys;
    server.max_early_data = most;
    return server;
}

/// What a server like this gives to be resumed.
task<result<tls::session>> session_with(tls::client_options client, tls::server_options server) {
    std::optional<tls::session> kept;
    client.on_session = [&kept](tls::session s) { kept = std::move(s); };
    auto p = co_await check(secured_pair(std::move(client), std::move(server)));
    co_await check(ping(p));
    if (!kept) co_return fail(copoll::errc::invalid_state);
    co_return *std::move(kept);
}

tls::client_options resuming(const tls::session& session) {
    auto client = to_example();
    client.resume = session;
    return client;
}

struct handshakes {
    tls::client_handshake client;
    tls::server_handshake server;
};
task<result<handshakes>> handshakes_of(tls::client_options client, tls::server_options server) {
    auto [at_client, at_server] = co_await check(connected_pair());
    co_return handshakes{tls::client_handshake{std::move(at_client), std::move(client)},
                         tls::server_handshake{std::move(at_server), std::move(server)}};
}

task<result<secure_pair>> finished(handshakes& h) {
    auto [client, server] = co_await when_all(h.client.finish(), h.server.finish());
    auto c = co_await check(std::move(client));
    auto s = co_await check(std::move(server));
    co_return secure_pair{std::move(c), std::move(s)};
}

/// Sends `ahead`, and then finds `early` on both sides of a connection that works.
task<result<void>> ends_as(tls::early_data early, tls::client_options client,
                           tls::server_options server, bytes ahead) {
    auto h = co_await check(handshakes_of(std::move(client), std::move(server)));
    const auto sent = co_await h.client.write_early_data(ahead);
    CHECK(!sent.ec);
    CHECK(sent.n == ahead.size());
    auto p = co_await check(finished(h));
    CHECK(p.client.early_data() == early);
    CHECK(p.server.early_data() == early);
    if (early == tls::early_data::accepted) {
        bytes got(ahead.size());
        co_await check(read_exactly(p.server, got));
        CHECK(got == ahead);
    }
    co_await check(ping(p));
    co_return {};
}

}  // namespace

TEST_CASE("tls early data: a server may read it before the client has proved anything") {
    run_test([]() -> task<result<void>> {
        const auto server = taking(1000);
        const auto session = co_await check(session_with(to_example(), server));
        CHECK(session.max_early_data() == 1000);
        auto h = co_await check(handshakes_of(resuming(session), server));
        const auto ahead = pattern(700);
        const auto sent = co_await h.client.write_early_data(ahead);
        CHECK(!sent.ec);
        CHECK(sent.n == ahead.size());
        // nobody awaits the client now
        bytes got(1000);
        std::size_t n = 0;
        while (n < ahead.size()) {
            const auto r = co_await h.server.read_early_data(std::span(got).subspan(n));
            REQUIRE(!r.ec);
            n += r.n;
        }
        got.resize(n);
        CHECK(got == ahead);
        std::byte more{};
        auto [end, client] =
            co_await when_all(h.server.read_early_data(std::span(&more, 1)), h.client.finish());
        CHECK(end.ec == copoll::errc::eof);
        auto c = co_await check(std::move(client));
        auto s = co_await check(co_await h.server.finish());
        CHECK(c.early_data() == tls::early_data::accepted);
        CHECK(s.early_data() == tls::early_data::accepted);
        CHECK(s.is_resumed());
        secure_pair p{std::move(c), std::move(s)};
        co_await check(ping(p));
        co_return {};
    }());
}

TEST_CASE("tls early data: it is held back until the handshake is complete, and comes first then") {
    run_test([]() -> task<result<void>> {
        const auto server = taking(40'000);
        const auto session = co_await check(session_with(to_example(), server));
        co_await check(ends_as(tls::early_data::accepted, resuming(session), server,
                               pattern(40'000)));
        co_return {};
    }());
}

TEST_CASE("tls early data: in records as large as is wanted") {
    run_test([]() -> task<result<void>> {
        const auto server = taking(5000);
        const auto session = co_await check(session_with(to_example(), server));
        auto client = resuming(session);
        client.protocol.record_size_limit = 64;
        co_await check(ends_as(tls::early_data::accepted, client, server, pattern(5000)));
        co_return {};
    }());
}

TEST_CASE("tls early data: what is not read early is not lost") {
    run_test([]() -> task<result<void>> {
        const auto server = taking(1000);
        const auto session = co_await check(session_with(to_example(), server));
        auto h = co_await check(handshakes_of(resuming(session), server));
        const auto ahead = pattern(900);
        const auto sent = co_await h.client.write_early_data(ahead);
        CHECK(sent.n == ahead.size());
        bytes got(900);
        const auto first = co_await h.server.read_early_data(std::span(got).first(100));
        CHECK(first.n == 100);
        auto p = co_await check(finished(h));
        co_await check(read_exactly(p.server, std::span(got).subspan(100)));
        CHECK(got == ahead);
        co_return {};
    }());
}

TEST_CASE("tls early data: a server that takes none skips it") {
    run_test([]() -> task<result<void>> {
        const tls::ticket_keys keys;
        const auto session = co_await check(session_with(to_example(), taking(5000, keys)));
        using enum tls::early_data;
        co_await check(ends_as(refused, resuming(session), taking(0, keys), pattern(4000)));
        // one that does not even know the session
        co_await check(ends_as(refused, resuming(session), taking(5000), pattern(4000)));
        co_await check(ends_as(refused, resuming(session), as_example(), pattern(4000)));
        // one that takes less than it once said
        co_await check(ends_as(refused, resuming(session), taking(4999, keys), pattern(4000)));
        co_await check(ends_as(accepted, resuming(session), taking(5001, keys), pattern(4000)));
        co_return {};
    }());
}

TEST_CASE("tls early data: a server that asks for another key share skips it") {
    run_test([]() -> task<result<void>> {
        auto server = taking(5000);
        const auto session = co_await check(session_with(to_example(), server));
        server.protocol.groups = {tls::named_group::secp384r1};
        co_await check(
            ends_as(tls::early_data::refused, resuming(session), server, pattern(4000)));
        co_return {};
    }());
}

TEST_CASE("tls early data: it is for the application protocol of its session alone") {
    run_test([]() -> task<result<void>> {
        auto server = taking(5000);
        server.alpn = {"one", "two"};
        auto client = to_example();
        client.alpn = {"one"};
        const auto session = co_await check(session_with(client, server));
        client.resume = session;
        co_await check(ends_as(tls::early_data::accepted, client, server, pattern(10)));
        server.alpn = {"two"};
        client.alpn = {"one", "two"};
        co_await check(ends_as(tls::early_data::refused, client, server, pattern(10)));
        co_return {};
    }());
}

TEST_CASE("tls early data: only a session that allows it carries it") {
    run_test([]() -> task<result<void>> {
        const auto tells_not_supported =
            [](tls::client_options client, tls::server_options server) -> task<result<void>> {
            auto h = co_await check(handshakes_of(std::move(client), std::move(server)));
            const auto sent = co_await h.client.write_early_data(pattern(1));
            CHECK(sent.ec == copoll::errc::not_supported);
            CHECK(sent.n == 0);
            auto p = co_await check(finished(h));  // it goes on all the same
            CHECK(p.client.early_data() == tls::early_data::none);
            CHECK(p.server.early_data() == tls::early_data::none);
            co_await check(ping(p));
            co_return {};
        };
        const auto server = taking(100);
        co_await check(tells_not_supported(to_example(), server));

        const auto without = taking(0);
        const auto session = co_await check(session_with(to_example(), without));
        CHECK(session.max_early_data() == 0);
        co_await check(tells_not_supported(resuming(session), server));

        auto older = to_example();
        older.protocol = only(tls::protocol_version::tls1_2);
        const auto old_session = co_await check(session_with(older, server));
        CHECK(old_session.max_early_data() == 0);
        co_await check(tells_not_supported(resuming(old_session), server));

        // a session that this client may not resume at all
        const auto good = co_await check(session_with(to_example(), server));
        auto elsewhere = resuming(good);
        elsewhere.server_name = "www.example.com";
        co_await check(tells_not_supported(elsewhere, server));
        co_return {};
    }());
}

TEST_CASE("tls early data: no more than the session allows") {
    run_test([]() -> task<result<void>> {
        const auto server = taking(100);
        const auto session = co_await check(session_with(to_example(), server));
        auto h = co_await check(handshakes_of(resuming(session), server));
        const auto ahead = pattern(300);
        const auto sent = co_await h.client.write_early_data(ahead);
        CHECK(!sent.ec);
        CHECK(sent.n == 100);
        const auto more = co_await h.client.write_early_data(ahead);
        CHECK(more.ec == copoll::errc::message_too_large);
        auto p = co_await check(finished(h));
        CHECK(p.server.early_data() == tls::early_data::accepted);
        co_return {};
    }());
}

TEST_CASE("tls early data: not after the handshake has begun, and not of a server") {
    tls::engine client{to_example()};
    CHECK(client.advance(tls::milestone::complete) == tls::progress::needs_input);
    CHECK(client.write_early_data(pattern(1)).ec == copoll::errc::invalid_state);
    tls::engine server{as_example()};
    CHECK(server.write_early_data(pattern(1)).ec == copoll::errc::invalid_state);
}

TEST_CASE("tls early data: a server without any ends at once") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto client = to_example();
            client.protocol = only(version);
            auto h = co_await check(handshakes_of(client, taking(100)));
            const auto serve =
                [](tls::server_handshake& at) -> task<result<tls::server_connection>> {
                std::byte more{};
                const auto end = co_await at.read_early_data(std::span(&more, 1));
                CHECK(end.ec == copoll::errc::eof);
                co_return co_await at.finish();
            };
            auto [client_end, server_end] = co_await when_all(h.client.finish(), serve(h.server));
            auto c = co_await check(std::move(client_end));
            auto s = co_await check(std::move(server_end));
            secure_pair p{std::move(c), std::move(s)};
            co_await check(ping(p));
        }
        co_return {};
    }());
}

TEST_CASE("tls early data: waiting for it can be given up") {
    run_test([]() -> task<result<void>> {
        const auto server = taking(100);
        const auto session = co_await check(session_with(to_example(), server));
        auto h = co_await check(handshakes_of(resuming(session), server));
        std::byte got{};
        const auto none = co_await with_timeout(h.server.read_early_data(std::span(&got, 1)), 10ms);
        CHECK(none.ec == copoll::errc::timed_out);
        const auto sent = co_await h.client.write_early_data(pattern(1));
        CHECK(sent.n == 1);
        const auto r = co_await h.server.read_early_data(std::span(&got, 1));
        CHECK(r.n == 1);
        auto p = co_await check(finished(h));
        co_await check(ping(p));
        co_return {};
    }());
}

namespace {

/// The first flight of a client that sends bytes ahead.
bytes flight_of(tls::engine& client, const bytes& ahead) {
    const auto r = client.write_early_data(ahead);
    CHECK(r.n == ahead.size());
    const auto data = std::as_const(client.output()).data();
    bytes flight{data.begin(), data.end()};
    client.output().clear();
    return flight;
}

}  // namespace

TEST_CASE("tls early data: a replay gets no further than the handshake") {
    run_test([]() -> task<result<void>> {
        const auto server = taking(1000);
        const auto session = co_await check(session_with(to_example(), server));
        tls::engine client{resuming(session)};
        const bytes flight = flight_of(client, pattern(500));
        for (int again = 0; again < 2; ++again) {
            tls::engine e{server};
            e.input(flight);
            CHECK(e.advance(tls::milestone::complete) == tls::progress::needs_input);
            CHECK_FALSE(e.is_complete());
            e.input_ended();
            CHECK(e.advance(tls::milestone::complete) == tls::progress::failed);
            CHECK(e.error() == tls::errc::truncated);
        }
        co_return {};
    }());
}

TEST_CASE("tls early data: cut or damaged anywhere it fails, or is not taken") {
    run_test([]() -> task<result<void>> {
        const auto server = taking(1000);
        const auto session = co_await check(session_with(to_example(), server));
        const bytes ahead = pattern(20);
        tls::engine client{resuming(session)};
        const bytes flight = flight_of(client, ahead);
        constexpr std::size_t record_version = 2;  // means nothing (RFC 8446 §5.1)
        for (std::size_t i = 0; i < flight.size(); ++i) {
            if (i == record_version) continue;
            INFO("byte " << i);
            tls::engine cut{server};
            cut.input(std::span(flight).first(i));
            CHECK(cut.advance(tls::milestone::complete) == tls::progress::needs_input);

            bytes damaged = flight;
            damaged[i] ^= std::byte{0x10};
            tls::engine e{server};
            e.input(damaged);
            if (e.advance(tls::milestone::early_data) == tls::progress::reached) {
                bytes got(100);
                const auto r = e.read_early_data(got);
                got.resize(r.n);
                CHECK(got.empty());
                CHECK(e.early_data() != tls::early_data::accepted);
            }
        }
        co_return {};
    }());
}

TEST_CASE("tls early data: all that a server promised is skipped if it is refused") {
    run_test([]() -> task<result<void>> {
        using enum tls::early_data;
        const tls::ticket_keys keys;
        auto server = taking(40'000, keys);
        const auto session = co_await check(session_with(to_example(), server));
        const bytes all = pattern(40'000);
        // by one that does not know the session, one that takes less now, one that asks for another
        // key share
        co_await check(ends_as(refused, resuming(session), taking(40'000), all));
        co_await check(ends_as(refused, resuming(session), taking(0, keys), all));
        server.protocol.groups = {tls::named_group::secp384r1};
        co_await check(ends_as(refused, resuming(session), server, all));
        auto small = resuming(session);
        small.protocol.record_size_limit = 64;
        co_await check(ends_as(refused, small, taking(0, keys), all));
        co_return {};
    }());
}

TEST_CASE("tls early data: nothing is held out of a handshake that failed") {
    run_test([]() -> task<result<void>> {
        const auto server = taking(1000);
        const auto session = co_await check(session_with(to_example(), server));
        tls::engine client{resuming(session)};
        const bytes flight = flight_of(client, pattern(500));
        tls::engine e{server};
        e.input(flight);
        CHECK(e.advance(tls::milestone::complete) == tls::progress::needs_input);
        e.input_ended();
        CHECK(e.advance(tls::milestone::complete) == tls::progress::failed);
        bytes got(500);
        CHECK(e.read(got).ec == tls::errc::truncated);
        CHECK(e.read(got).n == 0);
        CHECK(e.read_early_data(got).n == 0);
        co_return {};
    }());
}

TEST_CASE("tls early data: more than a server skips ends the connection") {
    run_test([]() -> task<result<void>> {
        const auto session = co_await check(session_with(to_example(), taking(60'000)));
        tls::engine client{resuming(session)};
        const bytes flight = flight_of(client, pattern(20'000));
        tls::engine e{as_example()};
        e.input(flight);
        CHECK(e.advance(tls::milestone::complete) == tls::progress::failed);
        CHECK(e.error() == tls::errc::unexpected_message);
        const auto said = std::as_const(e.output()).data();
        client.input(said);
        std::byte none{};
        if (client.advance(tls::milestone::complete) == tls::progress::reached)
            client.read(std::span(&none, 1));
        CHECK(client.error() == tls::alert::unexpected_message);
        co_return {};
    }());
}
