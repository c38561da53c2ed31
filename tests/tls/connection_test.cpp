// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/connection.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <copoll/any_stream.hpp>
#include <copoll/chunk.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/worlds.hpp"
#include "tls/secure_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// Sends `n` bytes of the pattern each way at the same time.
task<result<void>> exchange(secure_pair& p, std::uint64_t n) {
    auto [sent, answered, got, got_back] = co_await when_all(
        feed(p.client, n), feed(p.server, n), drain(p.server, n), drain(p.client, n));
    CHECK(sent.n == n);
    CHECK(answered.n == n);
    CHECK(got.n == n);
    CHECK(got.intact);
    CHECK(got.no_empty);
    CHECK(got_back.n == n);
    CHECK(got_back.intact);
    CHECK(got_back.no_empty);
    co_return {};
}

/// A transport whose peer has reset it, from when the test says so, with bytes left to read.
struct deaf_stream {
    any_stream inner;
    const bool* reset;

    task<io_result> read_some(std::span<std::byte> into) {
        co_return co_await inner.read_some(into);
    }
    task<io_result> write_some(std::span<const std::byte> bytes) {
        if (*reset) co_return io_result{errc::connection_reset, 0};
        co_return co_await inner.write_some(bytes);
    }
    task<result<void>> shutdown_write() { co_return co_await inner.shutdown_write(); }
};

}  // namespace

TEST_CASE("tls connection: both ways at the same time") {
    run_in_worlds([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto client = to_example();
            client.protocol = only(version);
            auto p = co_await check(secured_pair(client));
            co_await check(exchange(p, 300'000));
        }
        co_return {};
    });
}

TEST_CASE("tls connection: works where any stream does") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(secured_pair());
        any_stream client{std::move(p.client)};
        any_stream server{std::move(p.server)};
        auto [sent, got] = co_await when_all(
            feed(client, 100'000), drain(server, 100'000));
        CHECK(sent.n == 100'000);
        CHECK(got.intact);
        co_return {};
    }());
}

TEST_CASE("tls connection: read_chunk takes memory only when something has come") {
    run_in_worlds([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto client = to_example();
            client.protocol = only(version);
            auto p = co_await check(secured_pair(client));
            auto& pool = (co_await this_env{}).owner->chunks();
            std::vector<chunk> free;  // all that the handshake left, so that the next is a new one
            for (const auto before = pool.allocations(); pool.allocations() == before;)
                free.push_back(pool.take());
            free.clear();

            const auto allocated = pool.allocations();
            const auto none = co_await with_timeout(p.server.read_chunk(), 5ms);
            CHECK(error_of(none) == errc::timed_out);
            CHECK(pool.allocations() == allocated);

            const std::string sent(100'000, 'x');
            std::size_t got = 0;
            const auto take = [](tls::server_connection& from, std::size_t until,
                                 std::size_t& n) -> task<result<void>> {
                while (n < until) {
                    const auto c = co_await check(from.read_chunk());
                    if (c.empty()) co_return fail(errc::eof);
                    n += c.size();
                }
                co_return {};
            };
            const auto bytes = bytes_of(sent);
            auto [written, taken] =
                co_await when_all(write_all(p.client, bytes), take(p.server, sent.size(), got));
            CHECK(written.n == sent.size());
            CHECK(taken.has_value());
            CHECK(got == sent.size());

            co_await check(p.client.shutdown_write());
            const auto end = co_await p.server.read_chunk();
            CHECK(error_of(end) == errc::eof);
        }
        co_return {};
    });
}

TEST_CASE("tls connection: an idle server goes on with all it can do") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(secured_pair());
        const auto idle = co_await with_timeout(p.server.read_chunk(), 5ms);
        CHECK(error_of(idle) == errc::timed_out);  // what the handshake needed is gone by now

        std::array<std::byte, 16> of_client{}, of_server{};
        CHECK(p.client.export_keying_material(of_client, "a label").has_value());
        CHECK(p.server.export_keying_material(of_server, "a label").has_value());
        CHECK(of_client == of_server);
        CHECK(p.server.group() == p.client.group());
        CHECK(p.server.cipher_suite() == p.client.cipher_suite());
        co_await check(p.server.update_keys());
        co_await check(exchange(p, 50'000));
        co_return {};
    });
}

TEST_CASE("tls connection: TLS in TLS") {
    run_test([]() -> task<result<void>> {
        auto outer = co_await check(secured_pair());
        auto [c, s] = co_await when_all(tls::connect(std::move(outer.client), to_example()),
                                        tls::accept(std::move(outer.server), as_example()));
        auto client = co_await check(std::move(c));
        auto server = co_await check(std::move(s));
        secure_pair inner{std::move(client), std::move(server)};
        co_return co_await exchange(inner, 100'000);
    }());
}

TEST_CASE("tls connection: a proper close is an end, and the other half goes on") {
    run_in_worlds([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto options = to_example();
            options.protocol = only(version);
            auto p = co_await check(secured_pair(options));
            co_await check(write_all(p.client, bytes_of("last words")));
            co_await check(p.client.shutdown_write());
            const auto late = co_await write_all(p.client, bytes_of("more"));
            CHECK(late.ec == copoll::errc::closed);

            buffer heard;
            const auto end = co_await read_to_end(p.server, heard);
            CHECK(end.ec == no_error);
            CHECK(heard.text() == "last words");
            co_await check(write_all(p.server, bytes_of("and yet")));
            co_await check(p.server.shutdown_write());
            buffer answer;
            const auto answered = co_await read_to_end(p.client, answer);
            CHECK(answered.ec == no_error);
            CHECK(answer.text() == "and yet");
        }
        co_return {};
    });
}

TEST_CASE("tls connection: an end of the transport alone is a truncation") {
    run_in_worlds([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto options = to_example();
            options.protocol = only(version);
            auto p = co_await check(secured_pair(options));
            co_await check(write_all(p.client, bytes_of("half a wor")));
            co_await check(p.client.transport().shutdown_write());
            buffer heard;
            const auto end = co_await read_to_end(p.server, heard);
            CHECK(end.ec == tls::errc::truncated);
            CHECK(heard.text() == "half a wor");
            std::byte one{};
            const auto again = co_await p.server.read_some(std::span(&one, 1));
            CHECK(again.ec == tls::errc::truncated);
        }
        co_return {};
    });
}

TEST_CASE("tls connection: what a peer says before it resets the connection is read") {
    run_test([]() -> task<result<void>> {
        auto [at_client, at_server] = co_await check(connected_pair());
        bool reset = false;
        deaf_stream transport{std::move(at_client), &reset};
        auto server = as_example();
        server.client_roots = roots_of(pem::root_ca);
        server.authenticate = tls::client_authentication::required;
        auto [connected, refused] = co_await when_all(
            tls::connect(std::move(transport), to_example()),
            tls::accept(std::move(at_server), std::move(server)));
        CHECK(error_of(refused) == tls::errc::certificate_required);
        auto client = co_await check(std::move(connected));

        reset = true;
        std::array<std::byte, 8> buffer{};
        const auto written = co_await client.write_some(buffer);
        CHECK(written.ec == errc::connection_reset);
        const auto read = co_await client.read_some(buffer);
        CHECK(read.ec == tls::alert::certificate_required);
        co_return {};
    }());
}

TEST_CASE("tls connection: shutdown waits for the peer, but not for ever") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(secured_pair());
        auto [client, server] = co_await when_all(p.client.shutdown(), p.server.shutdown());
        CHECK(error_of(client) == no_error);
        CHECK(error_of(server) == no_error);
        auto silent = co_await check(secured_pair());
        const auto late = co_await silent.client.shutdown({.patience = 20ms});
        CHECK(error_of(late) == copoll::errc::timed_out);
        co_return {};
    }());
}

TEST_CASE("tls connection: reads and writes end with a timeout, and nothing is lost") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(secured_pair());
        std::array<std::byte, 100> into;
        const auto late = co_await with_timeout(p.client.read_some(into), 5ms);
        CHECK(late.ec == copoll::errc::timed_out);
        CHECK(late.n == 0);

        std::uint64_t taken = 0;  // until nothing more fits into the pipe
        for (;;) {
            const auto bytes = pattern(50'000, taken);
            const auto r = co_await with_timeout(p.client.write_some(bytes), 20ms);
            taken += r.n;
            if (r.ec) {
                CHECK(r.ec == copoll::errc::timed_out);
                break;
            }
        }
        auto [rest, got] = co_await when_all(
            [](tls::client_connection& c, std::uint64_t from) -> task<result<void>> {
                co_await check(feed(c, 10'000, from));
                co_return co_await c.shutdown_write();
            }(p.client, taken),
            drain(p.server));
        CHECK(error_of(rest) == no_error);
        CHECK(got.end == copoll::errc::eof);
        CHECK(got.n == taken + 10'000);
        CHECK(got.intact);
        co_return {};
    });
}

TEST_CASE("tls connection: new keys, on either side's wish, as often as wanted") {
    run_in_worlds([]() -> task<result<void>> {
        auto p = co_await check(secured_pair());
        for (int i = 0; i < 5; ++i) {
            co_await check(p.client.update_keys(true));
            co_await check(ping(p));
            co_await check(p.server.update_keys(false));
            co_await check(exchange(p, 20'000));
        }
        co_return {};
    });
}

TEST_CASE("tls connection: no new keys in TLS 1.2") {
    run_test([]() -> task<result<void>> {
        auto options = to_example();
        options.protocol = only(tls::protocol_version::tls1_2);
        auto p = co_await check(secured_pair(options));
        const auto refused = co_await p.client.update_keys();
        CHECK(error_of(refused) == copoll::errc::not_supported);
        co_return co_await ping(p);
    }());
}

TEST_CASE("tls connection: a peer that changes keys all the time is cut off") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(secured_pair());
        for (int i = 0; i < 40; ++i) co_await check(p.client.update_keys(false));
        std::byte one{};
        const auto r = co_await p.server.read_some(std::span(&one, 1));
        CHECK(r.ec == tls::errc::too_much_work);
        const auto told = co_await p.client.read_some(std::span(&one, 1));
        CHECK(told.ec == tls::alert::unexpected_message);
        co_return {};
    }());
}

TEST_CASE("tls connection: a damaged record ends it, and the peer is told") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto options = to_example();
            options.protocol = only(version);
            auto p = co_await check(secured_pair(options));
            co_await check(ping(p));
            std::string record{"\x17\x03\x03\x00\x20", 5};
            record.append(32, 'x');
            co_await check(write_all(p.client.transport(), bytes_of(record)));
            std::byte one{};
            const auto r = co_await p.server.read_some(std::span(&one, 1));
            CHECK(r.ec == tls::errc::bad_record);
            const auto again = co_await p.server.read_some(std::span(&one, 1));
            CHECK(again.ec == tls::errc::bad_record);
            const auto written = co_await p.server.write_some(std::span(&one, 1));
            CHECK(written.ec == tls::errc::bad_record);
            const auto told = co_await p.client.read_some(std::span(&one, 1));
            CHECK(told.ec == tls::alert::bad_record_mac);
        }
        co_return {};
    }());
}

TEST_CASE("tls connection: the Finished of each side is known to both") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto client = to_example();
            client.protocol = only(version);
            using enum tls::cipher_suite;
            client.protocol.cipher_suites = {aes_256_gcm_sha384,
                                             ecdhe_ecdsa_with_aes_128_gcm_sha256};
            auto p = co_await check(secured_pair(client));
            const bool older = version == tls::protocol_version::tls1_2;
            CHECK(p.client.own_finished().size() == (older ? 12 : 48));
            CHECK(std::ranges::equal(p.client.own_finished(), p.server.peer_finished()));
            CHECK(std::ranges::equal(p.client.peer_finished(), p.server.own_finished()));
            CHECK_FALSE(std::ranges::equal(p.client.own_finished(), p.client.peer_finished()));
        }
        co_return {};
    }());
}

TEST_CASE("tls connection: keys for another protocol are the same on both sides") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto options = to_example();
            options.protocol = only(version);
            auto p = co_await check(secured_pair(options));
            std::array<std::byte, 32> client{}, server{}, other{};
            const auto context = bytes_of("context");
            co_await check(p.client.export_keying_material(client, "EXPORTER-test", context));
            co_await check(p.server.export_keying_material(server, "EXPORTER-test", context));
            co_await check(p.server.export_keying_material(other, "EXPORTER-test"));
            CHECK(client == server);
            CHECK(client != other);
        }
        co_return {};
    }());
}

TEST_CASE("tls connection: the key log has a line for each secret, the same on both sides") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            std::vector<std::string> at_client, at_server;
            auto client = to_example();
            client.protocol = only(version);
            client.keys = [&](std::string_view line) { at_client.emplace_back(line); };
            auto server = as_example();
            server.keys = [&](std::string_view line) { at_server.emplace_back(line); };
            auto p = co_await check(secured_pair(client, server));
            co_await check(ping(p));
            CHECK(at_client == at_server);
            const bool older = version == tls::protocol_version::tls1_2;
            REQUIRE(at_client.size() == (older ? 1 : 4));
            CHECK(at_client[0].starts_with(older ? "CLIENT_RANDOM "
                                                 : "CLIENT_HANDSHAKE_TRAFFIC_SECRET "));
        }
        co_return {};
    }());
}

TEST_CASE("tls connection: records are cut to the size that was asked for") {
    run_test([]() -> task<result<void>> {
        auto options = to_example();
        options.protocol.record_size_limit = 512;
        auto p = co_await check(secured_pair(options));
        co_return co_await exchange(p, 20'000);
    }());
}

TEST_CASE("tls connection: moves like a value") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(secured_pair());
        secure_pair moved{std::move(p.client), std::move(p.server)};
        co_return co_await ping(moved);
    }());
}
