// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/client.hpp>
#include <copoll/tls/server.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

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
using tls::alert;
using tls::protocol_version;

namespace {

using names = std::vector<std::string>;

/// Runs both sides and checks how each ended.
task<result<void>> ends_with(tls::client_options client, tls::server_options server,
                             std::error_code at_client, std::error_code at_server) {
    auto both = co_await check(shake_hands(std::move(client), std::move(server)));
    auto client_error = error_of(both.client);
    if (both.client && at_client) {  // in TLS 1.3 a client is done before the server has decided
        std::array<std::byte, 1> one;
        client_error = (co_await both.client->read_some(one)).ec;
    }
    INFO("the client: " << client_error.message());
    INFO("the server: " << error_of(both.server).message());
    CHECK(client_error == at_client);
    CHECK(error_of(both.server) == at_server);
    co_return {};
}

}  // namespace

TEST_CASE("tls: both sides agree on what they agreed on") {
    run_in_worlds([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto client = to_example();
            client.protocol = only(version);
            auto p = co_await check(secured_pair(std::move(client)));
            co_await check(ping(p));
            INFO(tls::name_of(version));
            CHECK(p.client.version() == version);
            CHECK(p.server.version() == version);
            CHECK(p.client.cipher_suite() == p.server.cipher_suite());
            CHECK(tls::strength_of(p.client.cipher_suite()).key == 256);
            CHECK(p.client.group() == tls::named_group::x25519);
            CHECK(p.server.group() == tls::named_group::x25519);
            CHECK(p.client.server_name() == "example.com");
            CHECK(p.server.server_name() == "example.com");
            CHECK(p.client.alpn_id() == std::nullopt);
            CHECK(p.client.server_identity() == p256_server().identity());
            CHECK(p.server.server_identity() == p256_server().identity());
            CHECK(p.client.client_identity() == std::nullopt);
            CHECK(p.server.client_identity() == std::nullopt);
            CHECK_FALSE(p.client.is_resumed());
            CHECK_FALSE(p.client.is_server());
            CHECK(p.server.is_server());
            CHECK(p.client.verify_error() == no_error);
        }
        co_return {};
    });
}

TEST_CASE("tls: a server that has both versions takes the newer") {
    run_test([]() -> task<result<void>> {
        auto p = co_await check(secured_pair());
        CHECK(p.client.version() == protocol_version::tls1_3);
        CHECK(p.client.cipher_suite() == tls::cipher_suite::chacha20_poly1305_sha256);
        co_return {};
    }());
}

TEST_CASE("tls: versions without overlap are refused") {
    run_test([]() -> task<result<void>> {
        auto client = to_example();
        client.protocol = only(protocol_version::tls1_2);
        auto server = as_example();
        server.protocol = only(protocol_version::tls1_3);
        co_await check(ends_with(client, server, alert::protocol_version,
                                 tls::errc::unsupported_version));
        client.protocol = only(protocol_version::tls1_3);
        server.protocol = only(protocol_version::tls1_2);
        co_return co_await ends_with(client, server, alert::protocol_version,
                                     tls::errc::unsupported_version);
    }());
}

TEST_CASE("tls: the server's preference decides among cipher suites") {
    using suite = tls::cipher_suite;
    run_test([]() -> task<result<void>> {
        auto client = to_example();
        client.protocol.cipher_suites = {suite::aes_256_gcm_sha384, suite::aes_128_gcm_sha256,
                                         suite::chacha20_poly1305_sha256};
        auto fast = co_await check(secured_pair(client));
        CHECK(fast.client.cipher_suite() == suite::chacha20_poly1305_sha256);

        auto server = as_example();
        server.protocol.cipher_suites = {suite::aes_128_gcm_sha256, suite::aes_256_gcm_sha384};
        auto chosen = co_await check(secured_pair(client, server));
        CHECK(chosen.client.cipher_suite() == suite::aes_128_gcm_sha256);

        server.protocol.cipher_suites = {suite::aes_128_ccm_sha256};
        co_return co_await ends_with(client, server, alert::handshake_failure,
                                     tls::errc::no_common_parameters);
    }());
}

TEST_CASE("tls: each cipher suite carries data") {
    run_test([]() -> task<result<void>> {
        for (const auto suite : tls::cipher_suites()) {
            if (tls::name_of(suite).find("PSK") != std::string_view::npos) continue;
            auto client = to_example();
            client.protocol.cipher_suites = {suite};
            auto server = as_example();
            server.identities.push_back(rsa_server());
            INFO(tls::name_of(suite));
            auto both = co_await check(shake_hands(client, server));
            CHECK(error_of(both.client) == no_error);
            CHECK(error_of(both.server) == no_error);
            if (!both.client || !both.server) continue;
            secure_pair p{*std::move(both.client), *std::move(both.server)};
            co_await check(ping(p));
            CHECK(p.server.cipher_suite() == suite);
        }
        co_return {};
    }());
}

TEST_CASE("tls: each group makes keys, and a wrong guess is asked for again") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            for (const auto group : tls::named_groups()) {
                auto client = to_example();
                client.protocol = only(version);
                auto server = as_example();
                server.protocol.groups = {group};
                INFO(tls::name_of(version) << ' ' << tls::name_of(group));
                auto p = co_await check(secured_pair(client, server));
                co_await check(ping(p));
                CHECK(p.client.group() == group);
                CHECK(p.server.group() == group);
            }
        }
        co_return {};
    }());
}

TEST_CASE("tls: no group in common is told to the peer") {
    run_test([]() -> task<result<void>> {
        auto client = to_example();
        client.protocol.groups = {tls::named_group::x25519};
        auto server = as_example();
        server.protocol.groups = {tls::named_group::secp384r1};
        co_return co_await ends_with(client, server, alert::handshake_failure,
                                     tls::errc::no_common_parameters);
    }());
}

TEST_CASE("tls: each kind of key proves a server") {
    static constexpr std::pair<std::string_view, std::string_view> servers[] = {
        {pem::server_p256_key, pem::server_p256_chain},
        {pem::server_p384_key, pem::server_p384_chain},
        {pem::server_p521_key, pem::server_p521_chain},
        {pem::server_rsa_key, pem::server_rsa_chain},
    };
    run_test([]() -> task<result<void>> {
        for (const auto& [key, chain] : servers) {
            for (const auto version : both_versions) {
                auto client = to_example();
                client.protocol = only(version);
                auto p = co_await check(
                    secured_pair(client, serving(identity_of(key, chain))));
                co_await check(ping(p));
            }
        }
        co_return {};
    }());
}

TEST_CASE("tls: signatures are of schemes that both sides accept") {
    using scheme = tls::signature_scheme;
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto client = to_example();
            client.protocol = only(version);
            client.protocol.signature_schemes = {scheme::rsa_pss_rsae_sha256,
                                                 scheme::ecdsa_secp256r1_sha256};
            auto server = as_example();
            server.protocol.signature_schemes = {scheme::ecdsa_secp256r1_sha256,
                                                 scheme::ecdsa_secp384r1_sha384};
            auto p = co_await check(secured_pair(client, server));
            const auto shared = p.server.shared_signature_schemes();
            REQUIRE(shared.size() == 1);
            CHECK(shared[0] == scheme::ecdsa_secp256r1_sha256);

            client.protocol.signature_schemes = {scheme::rsa_pss_rsae_sha256,
                                                 scheme::rsa_pkcs1_sha256};
            auto both = co_await check(shake_hands(client, server));
            CHECK(error_of(both.client) == alert::handshake_failure);
            CHECK_FALSE(both.server.has_value());
        }
        co_return {};
    }());
}

TEST_CASE("tls: ALPN takes the server's first choice in common") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto client = to_example();
            client.protocol = only(version);
            client.alpn = {"http/1.1", "h2"};
            auto server = as_example();
            server.alpn = {"h3", "h2", "http/1.1"};
            auto p = co_await check(secured_pair(client, server));
            CHECK(p.client.alpn_id() == "h2");
            CHECK(p.server.alpn_id() == "h2");

            auto plain = co_await check(secured_pair(to_example(), server));
            CHECK(plain.server.alpn_id() == std::nullopt);
            auto unknowing = co_await check(secured_pair(client, as_example()));
            CHECK(unknowing.client.alpn_id() == std::nullopt);

            client.alpn = {"smtp"};
            co_await check(ends_with(client, server, alert::no_application_protocol,
                                     tls::errc::no_application_protocol));
        }
        co_return {};
    }());
}

TEST_CASE("tls: a server that cannot be verified is refused, and told why") {
    struct row {
        std::string_view key, chain;
        tls::errc why;
        alert told;
    };
    static const row rows[] = {
        {pem::server_expired_key, pem::server_expired_chain, tls::errc::certificate_expired,
         alert::certificate_expired},
        {pem::server_not_yet_valid_key, pem::server_not_yet_valid_chain,
         tls::errc::certificate_not_yet_valid, alert::certificate_expired},
        {pem::server_wrong_name_key, pem::server_wrong_name_chain,
         tls::errc::certificate_name_mismatch, alert::bad_certificate},
        {pem::server_self_signed_key, pem::server_self_signed_chain,
         tls::errc::certificate_untrusted, alert::unknown_ca},
        {pem::server_unknown_issuer_key, pem::server_unknown_issuer_chain,
         tls::errc::certificate_untrusted, alert::unknown_ca},
        {pem::server_rsa1024_key, pem::server_rsa1024_chain, tls::errc::certificate_weak,
         alert::unsupported_certificate},
    };
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            for (const row& r : rows) {
                auto client = to_example();
                client.protocol = only(version);
                INFO(tls::name_of(version) << ": " << make_error_code(r.why).message());
                auto both = co_await check(shake_hands(
                    client, serving(identity_of(r.key, r.chain))));
                CHECK(error_of(both.client) == r.why);
                CHECK(error_of(both.server).category() == tls::alert_category());
                CHECK(error_of(both.server) == r.told);
            }
        }
        co_return {};
    }());
}

TEST_CASE("tls: a server does not present what is not for servers") {
    run_test([]() -> task<result<void>> {
        const auto server =
            serving(identity_of(pem::server_wrong_usage_key, pem::server_wrong_usage_chain));
        co_return co_await ends_with(to_example(), server, alert::handshake_failure,
                                     tls::errc::no_common_parameters);
    }());
}

TEST_CASE("tls: a revoked certificate is refused") {
    run_test([]() -> task<result<void>> {
        auto roots = roots_of(pem::root_ca);
        co_await check(roots.add_revocation_list(pem::intermediate_crl));
        auto client = to_example();
        client.roots = roots;
        const auto server =
            serving(identity_of(pem::server_revoked_key, pem::server_revoked_chain));
        co_await check(ends_with(client, server, tls::errc::certificate_revoked,
                                 alert::certificate_revoked));
        auto good = co_await check(secured_pair(client));
        co_return co_await ping(good);
    }());
}

TEST_CASE("tls: a client that trusts nobody gets nowhere") {
    run_test([]() -> task<result<void>> {
        auto client = to_example();
        client.roots = tls::trust_anchors{};
        auto both = co_await check(shake_hands(client, as_example()));
        CHECK(error_of(both.client) == tls::errc::certificate_untrusted);
        CHECK_FALSE(both.server.has_value());
        co_return {};
    }());
}

TEST_CASE("tls: a client must say whom it wants, unless it looks itself") {
    run_test([]() -> task<result<void>> {
        auto client = to_example();
        client.server_name.clear();
        auto both = co_await check(shake_hands(client, as_example()));
        CHECK(error_of(both.client) == copoll::errc::invalid_argument);

        client.verify = tls::verification::left_to_application;
        auto p = co_await check(secured_pair(client));
        CHECK(p.server.server_name() == std::nullopt);
        co_return {};
    }());
}

TEST_CASE("tls: verification left to the application tells it what was found") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto client = to_example();
            client.protocol = only(version);
            client.verify = tls::verification::left_to_application;
            const auto server =
                serving(identity_of(pem::server_expired_key, pem::server_expired_chain));
            auto p = co_await check(secured_pair(client, server));
            CHECK(p.client.verify_error() == tls::errc::certificate_expired);
            CHECK(p.client.server_identity() == server.identities[0].identity());
            auto good = co_await check(secured_pair(client));
            CHECK(good.client.verify_error() == no_error);
        }
        co_return {};
    }());
}

TEST_CASE("tls: addresses are verified, and never sent as a name") {
    static const std::string addresses[] = {"127.0.0.1", "::1"};
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            for (const std::string& address : addresses) {
                auto client = to_example();
                client.protocol = only(version);
                client.server_name = address;
                auto p = co_await check(secured_pair(client));
                CHECK(p.server.server_name() == std::nullopt);
                CHECK(p.client.server_name() == address);
            }
            auto client = to_example();
            client.protocol = only(version);
            client.server_name = "127.0.0.2";
            co_await check(ends_with(client, as_example(), tls::errc::certificate_name_mismatch,
                                     alert::bad_certificate));
        }
        co_return {};
    }());
}

TEST_CASE("tls: the name that is asked for chooses among a server's identities") {
    run_test([]() -> task<result<void>> {
        const auto other = identity_of(pem::other_server_key, pem::other_server_chain);
        auto server = as_example();
        server.identities.push_back(other);
        auto client = to_example();
        auto first = co_await check(secured_pair(client, server));
        CHECK(first.client.server_identity() == p256_server().identity());
        client.server_name = "example.org";
        auto second = co_await check(secured_pair(client, server));
        CHECK(second.client.server_identity() == other.identity());
        CHECK(second.server.server_identity() == other.identity());
        client.server_name = "www.EXAMPLE.com";
        auto wild = co_await check(secured_pair(client, server));
        CHECK(wild.client.server_identity() == p256_server().identity());
        co_return {};
    }());
}

TEST_CASE("tls: certificates are checked at the time that the application says") {
    run_test([]() -> task<result<void>> {
        auto client = to_example();
        client.now = [] {
            return std::chrono::sys_seconds{std::chrono::sys_days{std::chrono::year{2100} / 1 / 1}};
        };
        co_return co_await ends_with(client, as_example(), tls::errc::certificate_expired,
                                     alert::certificate_expired);
    }());
}

TEST_CASE("tls: a server without an identity says so") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto client = to_example();
            client.protocol = only(version);
            const tls::server_options nobody;
            auto both = co_await check(shake_hands(client, nobody));
            CHECK(error_of(both.client) == alert::handshake_failure);
            CHECK_FALSE(both.server.has_value());
        }
        co_return {};
    }());
}

TEST_CASE("tls: a client proves who it is when it is asked") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto client = to_example();
            client.protocol = only(version);
            client.identities = {client_one()};
            auto server = as_example();
            server.authenticate = tls::client_authentication::required;
            server.client_roots = roots_of(pem::root_ca);
            auto p = co_await check(secured_pair(client, server));
            co_await check(ping(p));
            CHECK(p.server.client_identity() == client_one().identity());
            CHECK(p.client.client_identity() == client_one().identity());

            auto unasked = co_await check(secured_pair(client));
            CHECK(unasked.client.client_identity() == std::nullopt);
            CHECK(unasked.server.client_identity() == std::nullopt);
        }
        co_return {};
    }());
}

TEST_CASE("tls: a client that presents nothing is served or not, as the server wants") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto client = to_example();
            client.protocol = only(version);
            auto server = as_example();
            server.client_roots = roots_of(pem::root_ca);
            server.authenticate = tls::client_authentication::requested;
            auto p = co_await check(secured_pair(client, server));
            CHECK(p.server.client_identity() == std::nullopt);

            server.authenticate = tls::client_authentication::required;
            const auto told = version == tls::protocol_version::tls1_2
                                  ? alert::handshake_failure  // which knows no other
                                  : alert::certificate_required;
            co_await check(ends_with(client, server, told, tls::errc::certificate_required));
        }
        co_return {};
    }());
}

TEST_CASE("tls: a client that cannot be verified is refused, and told why") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            auto client = to_example();
            client.protocol = only(version);
            client.identities = {
                identity_of(pem::client_unknown_issuer_key, pem::client_unknown_issuer_chain)};
            auto server = as_example();
            server.authenticate = tls::client_authentication::requested;
            server.client_roots = roots_of(pem::root_ca);
            co_await check(
                ends_with(client, server, alert::unknown_ca, tls::errc::certificate_untrusted));

            server.verify_client = tls::verification::left_to_application;
            auto p = co_await check(secured_pair(client, server));
            CHECK(p.server.verify_error() == tls::errc::certificate_untrusted);
            CHECK(p.server.client_identity() == client.identities[0].identity());

            server.verify_client = tls::verification::required;
            client.identities = {p256_server()};  // for servers, not for clients
            co_await check(ends_with(client, server, alert::unsupported_certificate,
                                     tls::errc::certificate_wrong_usage));
        }
        co_return {};
    }());
}

TEST_CASE("tls: a silent peer does not hold a handshake for ever") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        auto options = to_example();
        options.handshake_timeout = 20ms;
        const auto late = co_await tls::connect(std::move(client), options);
        CHECK(error_of(late) == copoll::errc::timed_out);
        auto impatient = as_example();
        impatient.handshake_timeout = 20ms;
        const auto accepted = co_await tls::accept(std::move(server), impatient);
        CHECK_FALSE(accepted.has_value());
        co_return {};
    }());
}

TEST_CASE("tls: what is not TLS is answered by an alert") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        auto [accepted, answer] = co_await when_all(
            tls::accept(std::move(server), as_example()),
            [](tcp_stream peer) -> task<result<std::string>> {
                co_await check(write_all(peer, bytes_of("GET / HTTP/1.1\r\n\r\n")));
                buffer all;
                co_await check(read_to_end(peer, all));
                co_return std::string{all.text()};
            }(std::move(client)));
        CHECK(error_of(accepted) == tls::errc::malformed_message);
        const std::string decode_error{"\x15\x03\x03\x00\x02\x02\x32", 7};
        CHECK(answer == decode_error);
        co_return {};
    }());
}
