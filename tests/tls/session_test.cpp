// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/session.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "tls/secure_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

using bytes = std::vector<std::byte>;

/// A connection whose session the client keeps.
task<result<std::optional<tls::session>>> first_session(tls::client_options client,
                                                        tls::server_options server) {
    std::optional<tls::session> kept;
    client.on_session = [&kept](tls::session s) { kept = std::move(s); };
    auto p = co_await check(secured_pair(std::move(client), std::move(server)));
    CHECK_FALSE(p.client.is_resumed());
    CHECK_FALSE(p.server.is_resumed());
    co_await check(ping(p));  // in TLS 1.3 the ticket comes with the first data
    co_return kept;
}

tls::server_options with_tickets(const tls::ticket_keys& keys = tls::ticket_keys{}) {
    auto server = as_example();
    server.tickets = keys;
    return server;
}

tls::client_options at_version(tls::protocol_version v) {
    auto client = to_example();
    client.protocol = only(v);
    return client;
}

/// Whether `session` is taken.
task<result<bool>> resumes(tls::client_options client, tls::server_options server,
                           const tls::session& session) {
    client.resume = session;
    auto p = co_await check(secured_pair(std::move(client), std::move(server)));
    co_await check(ping(p));
    CHECK(p.client.is_resumed() == p.server.is_resumed());
    CHECK(p.client.server_identity() == p256_server().identity());
    co_return p.client.is_resumed();
}

}  // namespace

TEST_CASE("tls session: a server that knows it resumes it") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            INFO(tls::name_of(version));
            const auto client = at_version(version);
            const auto server = with_tickets();
            const auto session = co_await check(first_session(client, server));
            REQUIRE(session.has_value());
            CHECK(session->server_name() == "example.com");
            CHECK(session->server_identity() == p256_server().identity());
            const bool first = co_await check(resumes(client, server, *session));
            CHECK(first);
            const bool again = co_await check(resumes(client, server, *session));
            CHECK(again);
            const bool elsewhere = co_await check(resumes(client, with_tickets(), *session));
            CHECK_FALSE(elsewhere);
        }
        co_return {};
    }());
}

TEST_CASE("tls session: a server without ticket keys gives none") {
    run_test([]() -> task<result<void>> {
        const auto none =
            co_await check(first_session(at_version(tls::protocol_version::tls1_3), as_example()));
        CHECK_FALSE(none.has_value());
        // in TLS 1.2 every session has an id, and a client cannot know what it is good for
        const auto client = at_version(tls::protocol_version::tls1_2);
        const auto session = co_await check(first_session(client, as_example()));
        REQUIRE(session.has_value());
        const bool resumed = co_await check(resumes(client, as_example(), *session));
        CHECK_FALSE(resumed);
        co_return {};
    }());
}

TEST_CASE("tls session: kept as bytes") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            const auto client = at_version(version);
            const auto server = with_tickets();
            const auto session = co_await check(first_session(client, server));
            REQUIRE(session.has_value());
            const auto bytes = session->serialize();
            const auto restored = co_await check(tls::session::parse(bytes));
            CHECK(restored.server_name() == session->server_name());
            const bool resumed = co_await check(resumes(client, server, restored));
            CHECK(resumed);

            for (std::size_t n = 0; n < bytes.size(); ++n) {
                const auto cut = tls::session::parse(std::span(bytes).first(n));
                CHECK(error_of(cut) == tls::errc::session_malformed);
            }
        }
        co_return {};
    }());
}

TEST_CASE("tls session: a session is for its server alone") {
    run_test([]() -> task<result<void>> {
        const auto server = with_tickets();
        const auto session = co_await check(first_session(to_example(), server));
        REQUIRE(session.has_value());
        auto client = to_example();
        client.server_name = "www.example.com";
        const bool resumed = co_await check(resumes(client, server, *session));
        CHECK_FALSE(resumed);
        co_return {};
    }());
}

TEST_CASE("tls session: older keys open what they made, until they are gone") {
    run_test([]() -> task<result<void>> {
        tls::ticket_keys keys;
        const auto session = co_await check(first_session(to_example(), with_tickets(keys)));
        REQUIRE(session.has_value());
        keys.rotate(1);
        CHECK(keys.keys().size() == 2);
        const bool after_one = co_await check(resumes(to_example(), with_tickets(keys), *session));
        CHECK(after_one);

        const tls::ticket_keys elsewhere{keys.keys()};
        const bool other_server =
            co_await check(resumes(to_example(), with_tickets(elsewhere), *session));
        CHECK(other_server);
        keys.rotate(1);
        const bool after_two = co_await check(resumes(to_example(), with_tickets(keys), *session));
        CHECK_FALSE(after_two);
        co_return {};
    }());
}

TEST_CASE("tls session: tickets of another context are not taken") {
    run_test([]() -> task<result<void>> {
        auto server = with_tickets();
        server.session_context = "shop";
        const auto session = co_await check(first_session(to_example(), server));
        REQUIRE(session.has_value());
        const bool same = co_await check(resumes(to_example(), server, *session));
        CHECK(same);
        server.session_context = "bank";
        const bool other = co_await check(resumes(to_example(), server, *session));
        CHECK_FALSE(other);
        co_return {};
    }());
}

TEST_CASE("tls session: one whose cipher suite is not taken any more is made anew") {
    run_test([]() -> task<result<void>> {
        using suite = tls::cipher_suite;
        auto server = with_tickets();
        auto client = at_version(tls::protocol_version::tls1_3);
        client.protocol.cipher_suites = {suite::aes_128_gcm_sha256};
        const auto session = co_await check(first_session(client, server));
        REQUIRE(session.has_value());
        client.protocol.cipher_suites = {suite::aes_128_gcm_sha256,
                                         suite::chacha20_poly1305_sha256};
        const bool resumed = co_await check(resumes(client, server, *session));
        CHECK_FALSE(resumed);
        co_return {};
    }());
}

TEST_CASE("tls session: one that was not verified does not pass where that is required") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            INFO(tls::name_of(version));
            auto server = with_tickets();
            server.identities[0] =
                identity_of(pem::server_expired_key, pem::server_expired_chain);
            auto client = at_version(version);
            client.verify = tls::verification::left_to_application;
            client.resume = co_await check(first_session(client, server));
            REQUIRE(client.resume.has_value());
            auto again = co_await check(secured_pair(client, server));
            CHECK(again.client.is_resumed());
            client.verify = tls::verification::required;
            auto both = co_await check(shake_hands(client, server));
            CHECK(error_of(both.client) == tls::errc::certificate_expired);
        }
        co_return {};
    }());
}

TEST_CASE("tls session: a client that was not verified does not pass where that is required") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            INFO(tls::name_of(version));
            auto server = with_tickets();
            server.authenticate = tls::client_authentication::required;
            server.client_roots = roots_of(pem::root_ca);
            server.verify_client = tls::verification::left_to_application;
            auto client = at_version(version);
            client.identities.push_back(identity_of(pem::client_unknown_issuer_key,
                                                    pem::client_unknown_issuer_chain));
            client.resume = co_await check(first_session(client, server));
            REQUIRE(client.resume.has_value());
            // resumed where it is served, it is still not verified
            client.on_session = [&client](tls::session s) { client.resume = std::move(s); };
            auto again = co_await check(secured_pair(client, server));
            co_await check(ping(again));
            CHECK(again.server.is_resumed());
            CHECK(again.server.verify_error() == tls::errc::certificate_untrusted);
            server.verify_client = tls::verification::required;
            auto both = co_await check(shake_hands(client, server));
            CHECK(error_of(both.server) == tls::errc::certificate_untrusted);
        }
        co_return {};
    }());
}

TEST_CASE("tls session: too old") {
    static std::chrono::sys_seconds now;
    run_test([]() -> task<result<void>> {
        using clock = std::chrono::system_clock;
        for (const auto version : both_versions) {
            now = std::chrono::floor<std::chrono::seconds>(clock::now());
            auto server = with_tickets(tls::ticket_keys{60s});
            server.now = [] { return now; };
            const auto client = at_version(version);
            const auto session = co_await check(first_session(client, server));
            REQUIRE(session.has_value());
            now += 59s;
            const bool still = co_await check(resumes(client, server, *session));
            CHECK(still);
            now += 3s;
            const bool later = co_await check(resumes(client, server, *session));
            CHECK_FALSE(later);
        }
        co_return {};
    }());
}

TEST_CASE("tls session: who the client is stands in the ticket") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            INFO(tls::name_of(version));
            auto client = at_version(version);
            client.identities = {client_one()};
            auto server = with_tickets();
            server.authenticate = tls::client_authentication::required;
            server.client_roots = roots_of(pem::root_ca);
            client.resume = co_await check(first_session(client, server));
            REQUIRE(client.resume.has_value());
            auto p = co_await check(secured_pair(client, server));
            CHECK(p.server.is_resumed());
            CHECK(p.server.client_identity() == client_one().identity());
        }
        co_return {};
    }());
}

TEST_CASE("tls session: a ticket of nobody does not pass where a client must prove itself") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            INFO(tls::name_of(version));
            auto server = with_tickets();
            auto client = at_version(version);
            client.resume = co_await check(first_session(client, server));
            REQUIRE(client.resume.has_value());
            server.authenticate = tls::client_authentication::required;
            server.client_roots = roots_of(pem::root_ca);
            auto both = co_await check(shake_hands(client, server));
            CHECK(error_of(both.server) == tls::errc::certificate_required);
            client.identities = {client_one()};
            auto p = co_await check(secured_pair(client, server));
            CHECK_FALSE(p.server.is_resumed());
            CHECK(p.server.client_identity() == client_one().identity());
        }
        co_return {};
    }());
}

namespace {

/// A server that keeps its sessions itself, in `kept`.
tls::server_options with_store(std::map<bytes, bytes>& kept, const tls::ticket_keys& keys) {
    auto server = with_tickets(keys);
    server.on_session = [&kept](std::span<const std::byte> id, bytes sealed) {
        kept[{id.begin(), id.end()}] = std::move(sealed);
    };
    return server;
}

/// Looks the session up as a server does that keeps them elsewhere.
task<result<tls::server_connection>> accept_with(std::map<bytes, bytes>& kept, tcp_stream tcp,
                                                 tls::server_options server) {
    tls::server_handshake handshake{std::move(tcp), std::move(server)};
    const auto hello = co_await check(handshake.receive_client_hello());
    const auto id = hello.session_id();
    if (const auto found = kept.find({id.begin(), id.end()}); found != kept.end())
        handshake.options().resume = found->second;
    co_return co_await handshake.finish();
}

task<result<bool>> resumes_by_id(std::map<bytes, bytes>& kept, tls::client_options client,
                                 tls::server_options server) {
    auto [at_client, at_server] = co_await check(connected_pair());
    auto [connected, accepted] =
        co_await when_all(tls::connect(std::move(at_client), std::move(client)),
                          accept_with(kept, std::move(at_server), std::move(server)));
    auto c = co_await check(std::move(connected));
    auto s = co_await check(std::move(accepted));
    CHECK(c.is_resumed() == s.is_resumed());
    const bool resumed = c.is_resumed();
    secure_pair p{std::move(c), std::move(s)};
    co_await check(ping(p));
    co_return resumed;
}

}  // namespace

TEST_CASE("tls session: a server may keep sessions itself, and look them up by id") {
    run_test([]() -> task<result<void>> {
        std::map<bytes, bytes> kept;
        const tls::ticket_keys keys;
        const auto server = with_store(kept, keys);
        auto client = at_version(tls::protocol_version::tls1_2);
        const auto session = co_await check(first_session(client, server));
        REQUIRE(session.has_value());
        CHECK(kept.size() == 1);
        const auto [id, sealed] = *kept.begin();
        CHECK(id.size() == 32);

        client.resume = *session;
        const bool resumed = co_await check(resumes_by_id(kept, client, server));
        CHECK(resumed);
        auto elsewhere = server;
        elsewhere.session_context = "elsewhere";
        const bool in_context = co_await check(resumes_by_id(kept, client, elsewhere));
        CHECK_FALSE(in_context);
        const bool under_other_keys =
            co_await check(resumes_by_id(kept, client, with_store(kept, tls::ticket_keys{})));
        CHECK_FALSE(under_other_keys);
        auto strict = server;
        strict.authenticate = tls::client_authentication::required;
        auto ends = co_await check(shake_hands(client, strict));
        CHECK_FALSE(ends.server.has_value());  // the session proves nobody

        // what belongs to another id
        std::map<bytes, bytes> wrong;
        const auto other = co_await check(
            first_session(at_version(tls::protocol_version::tls1_2), with_store(wrong, keys)));
        REQUIRE(other.has_value());
        std::map<bytes, bytes> mixed{{id, wrong.begin()->second}};
        const bool of_another = co_await check(resumes_by_id(mixed, client, server));
        CHECK_FALSE(of_another);
        std::map<bytes, bytes> damaged{{id, sealed}};
        damaged[id].back() ^= std::byte{1};
        const bool of_damaged = co_await check(resumes_by_id(damaged, client, server));
        CHECK_FALSE(of_damaged);
        co_return {};
    }());
}

TEST_CASE("tls session: a server that keeps sessions gives tickets in TLS 1.3") {
    run_test([]() -> task<result<void>> {
        std::map<bytes, bytes> kept;
        const auto server = with_store(kept, tls::ticket_keys{});
        const auto session = co_await check(first_session(to_example(), server));
        REQUIRE(session.has_value());
        CHECK(kept.empty());
        const bool resumed = co_await check(resumes(to_example(), server, *session));
        CHECK(resumed);
        co_return {};
    }());
}

TEST_CASE("tls session: one of a version that is not spoken any more is not resumed") {
    run_test([]() -> task<result<void>> {
        const auto server = with_tickets();
        for (const auto version : both_versions) {
            const auto other = version == tls::protocol_version::tls1_2
                                   ? tls::protocol_version::tls1_3
                                   : tls::protocol_version::tls1_2;
            const auto session = co_await check(first_session(at_version(version), server));
            REQUIRE(session.has_value());
            auto client = at_version(other);
            client.resume = *session;
            auto p = co_await check(secured_pair(client, server));
            CHECK(p.client.version() == other);
            CHECK_FALSE(p.client.is_resumed());
        }
        co_return {};
    }());
}
