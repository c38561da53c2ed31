// SPDX-License-Identifier: MIT OR Apache-2.0
// Pre-shared keys.
#include <copoll/tls/client.hpp>
#include <copoll/tls/server.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "tls/secure_pair.hpp"

using namespace copoll;
using namespace copoll_tests;

namespace {

tls::pre_shared_key key_of(std::string identity, unsigned char seed) {
    tls::pre_shared_key k;
    k.identity = std::move(identity);
    k.key.assign(32, std::byte{seed});
    return k;
}

tls::client_options client_with(tls::pre_shared_key k, tls::protocol_version v) {
    tls::client_options client;
    client.roots = tls::trust_anchors{};
    client.psk = std::move(k);
    client.protocol = only(v);
    return client;
}

tls::server_options server_with(tls::pre_shared_key k) {
    tls::server_options server;
    server.psks.push_back(key_of("somebody else", 9));
    server.psks.push_back(std::move(k));
    return server;
}

}  // namespace

TEST_CASE("tls psk: both sides prove that they have the key") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            INFO(tls::name_of(version));
            auto p = co_await check(secured_pair(client_with(key_of("me", 1), version),
                                                 server_with(key_of("me", 1))));
            co_await check(ping(p));
            CHECK(p.client.psk_identity() == "me");
            CHECK(p.server.psk_identity() == "me");
            CHECK(p.client.server_identity() == std::nullopt);
            CHECK_FALSE(p.client.is_resumed());
            CHECK_FALSE(p.server.is_resumed());
        }
        co_return {};
    }());
}

TEST_CASE("tls psk: another key under the same name, or an unknown name, gets nowhere") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            INFO(tls::name_of(version));
            auto wrong = co_await check(shake_hands(client_with(key_of("me", 1), version),
                                                    server_with(key_of("me", 2))));
            CHECK_FALSE(wrong.client.has_value());
            CHECK_FALSE(wrong.server.has_value());
            auto unknown = co_await check(shake_hands(client_with(key_of("nobody", 1), version),
                                                      server_with(key_of("me", 1))));
            CHECK_FALSE(unknown.client.has_value());
            CHECK_FALSE(unknown.server.has_value());
        }
        co_return {};
    }());
}

TEST_CASE("tls psk: a server that does not know the key may have a certificate") {
    run_test([]() -> task<result<void>> {
        auto client = to_example();
        client.psk = key_of("me", 1);
        auto server = as_example();
        auto p = co_await check(secured_pair(client, server));
        CHECK(p.client.psk_identity() == std::nullopt);
        CHECK(p.client.server_identity() == p256_server().identity());

        client.server_name.clear();  // then the key is all that counts
        auto both = co_await check(shake_hands(client, server));
        CHECK(error_of(both.client) == tls::errc::certificate_untrusted);
        co_return {};
    }());
}

TEST_CASE("tls psk: a server looks the key up while the client waits") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const auto version = tls::protocol_version::tls1_3;
        auto options = client_with(key_of("me", 1), version);
        auto [connected, accepted] = co_await when_all(
            tls::connect(std::move(client), std::move(options)),
            [](tcp_stream s) -> task<result<tls::server_connection>> {
                tls::server_handshake handshake{std::move(s)};
                const auto hello = co_await check(handshake.receive_client_hello());
                CHECK(hello.psk_identities().size() == 1);
                CHECK(text_of(hello.psk_identities()[0]) == "me");
                co_await check(sleep_for(std::chrono::milliseconds{1}));
                handshake.options().psks.push_back(key_of("me", 1));
                co_return co_await handshake.finish();
            }(std::move(server)));
        CHECK(error_of(connected) == no_error);
        CHECK(error_of(accepted) == no_error);
        co_return {};
    }());
}
