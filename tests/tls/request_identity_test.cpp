// SPDX-License-Identifier: MIT OR Apache-2.0
// Asking a client who it is on a complete connection. Post-handshake authentication of TLS 1.3 is
// tested against other people's clients, as ours does not offer it: tests/interop.
#include <copoll/tls/server.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/worlds.hpp"
#include "tls/conversation.hpp"
#include "tls/secure_pair.hpp"

using namespace copoll;
using namespace copoll_tests;

namespace {

tls::client_options older_client() {
    auto client = to_example();
    client.protocol = only(tls::protocol_version::tls1_2);
    client.allow_renegotiation = true;
    return client;
}

tls::server_options asking_server() {
    auto server = as_example();
    server.client_roots = roots_of(pem::root_ca);
    return server;
}

/// The server asks while the client sends and the server does not read.
task<result<result<std::optional<tls::public_identity>>>> ask(secure_pair& p, std::size_t sent) {
    auto [asked, fed, end] = co_await when_all(
        [](tls::server_connection& s,
           std::size_t n) -> task<result<std::optional<tls::public_identity>>> {
            auto identity = co_await check(s.request_client_identity());
            co_await check(write_all(s, bytes_of("!")));
            const drained got = co_await drain(s, n);
            CHECK(got.n == n);
            CHECK(got.intact);
            co_return identity;
        }(p.server, sent),
        feed(p.client, sent),
        [](tls::client_connection& c) -> task<io_result> {
            std::byte one{};
            co_return co_await c.read_some(std::span(&one, 1));
        }(p.client));
    if (asked) {
        CHECK(fed.ec == no_error);
        CHECK(fed.n == sent);
        CHECK(end.ec == no_error);
    }
    co_return std::move(asked);
}

}  // namespace

TEST_CASE("tls request: a client of TLS 1.2 answers on a complete connection") {
    run_in_worlds([]() -> task<result<void>> {
        auto client = older_client();
        client.identities = {client_one()};
        auto p = co_await check(secured_pair(client, asking_server()));
        CHECK(p.server.client_identity() == std::nullopt);
        const auto asked = co_await check(ask(p, 100'000));
        REQUIRE(asked.has_value());
        CHECK(*asked == client_one().identity());
        CHECK(p.server.client_identity() == client_one().identity());
        co_return co_await ping(p);
    });
}

TEST_CASE("tls request: a client with nothing to present says so") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(secured_pair(older_client(), asking_server()));
        const auto asked = co_await check(ask(p, 10));
        REQUIRE(asked.has_value());
        CHECK(*asked == std::nullopt);
        co_return co_await ping(p);
    }());
}

TEST_CASE("tls request: a client that must not be started again declines, and all goes on") {
    run_test([]() -> task<result<void>> {
        auto client = older_client();
        client.allow_renegotiation = false;
        auto p = co_await check(secured_pair(client, asking_server()));
        auto [asked, wrote, ponged] = co_await when_all(
            p.server.request_client_identity(), write_all(p.client, bytes_of("x")),
            [](tls::client_connection& c) -> task<io_result> {
                std::byte one{};
                co_return co_await with_timeout(c.read_some(std::span(&one, 1)),
                                                std::chrono::milliseconds{50});
            }(p.client));
        CHECK(error_of(asked) == tls::errc::renegotiation_refused);
        std::byte one{};
        const auto kept = co_await p.server.read_some(std::span(&one, 1));
        CHECK(kept.n == 1);
        CHECK(one == std::byte{'x'});
        co_return co_await ping(p);
    }());
}

TEST_CASE("tls request: a client that cannot be verified is refused") {
    run_test([]() -> task<result<void>> {
        auto client = older_client();
        client.identities = {
            identity_of(pem::client_unknown_issuer_key, pem::client_unknown_issuer_chain)};
        auto p = co_await check(secured_pair(client, asking_server()));
        const auto asked = co_await check(ask(p, 0));
        CHECK(error_of(asked) == tls::errc::certificate_untrusted);
        co_return {};
    }());
}

TEST_CASE("tls request: a client of TLS 1.3 that did not offer it is not asked") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(secured_pair(to_example(), asking_server()));
        const auto asked = co_await p.server.request_client_identity();
        CHECK(error_of(asked) == copoll::errc::not_supported);
        co_return co_await ping(p);
    }());
}

TEST_CASE("tls: what is written while data crosses a renegotiation waits for it") {
    auto options = to_example();
    options.protocol = only(tls::protocol_version::tls1_2);
    options.allow_renegotiation = true;
    options.identities = {client_one()};
    auto as_server = as_example();
    as_server.client_roots = roots_of(pem::root_ca);
    conversation c{.client = tls::engine{options}, .server = tls::engine{as_server}};
    REQUIRE(c.shake_hands_to_the_end());

    REQUIRE(c.server.request_client_identity().has_value());
    const bytes request = taken_from(c.server);
    const auto sent = pattern(100);
    CHECK(c.server.write(sent).n == sent.size());
    const bytes crossing = taken_from(c.server);
    CHECK_FALSE(end_of(c.client, request));
    const bytes hello = taken_from(c.client);
    CHECK_FALSE(hello.empty());

    c.client.input(crossing);
    const auto early = c.client.write(sent);
    CHECK(early.n == 0);
    CHECK_FALSE(early.ec);
    bytes got(1);  // as many reads as bytes
    for (const std::byte expected : sent) {
        CHECK(c.client.read(got).n == 1);
        CHECK(got[0] == expected);
    }

    c.for_server = hello;
    while (c.server.is_client_identity_pending()) {
        c.server.input(c.for_server);
        CHECK(c.server.read(got).n == 0);
        c.for_client = taken_from(c.server);
        if (c.for_client.empty()) break;
        CHECK_FALSE(end_of(c.client, c.for_client));
        c.for_server = taken_from(c.client);
    }
    CHECK(c.server.client_identity() == client_one().identity());
    CHECK(c.client.write(sent).n == sent.size());
}
