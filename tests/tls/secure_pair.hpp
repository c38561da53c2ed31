// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include <copoll/tls/client.hpp>
#include <copoll/tls/server.hpp>
#include <copoll/when.hpp>

#include "identities.hpp"
#include "support/tcp_pair.hpp"

/// Both ends of a TLS connection over loopback in one loop, and whom they trust.

namespace copoll_tests {

using namespace copoll;

inline tls::private_identity identity_of(std::string_view key, std::string_view chain) {
    auto parsed = tls::private_identity::parse(key, chain);
    if (!parsed) std::printf("an identity of the tests: %s\n", parsed.error().message().c_str());
    return *std::move(parsed);
}

inline tls::trust_anchors roots_of(std::string_view pem) {
    return *tls::trust_anchors::parse(pem);
}

inline tls::private_identity p256_server() {
    return identity_of(pem::server_p256_key, pem::server_p256_chain);
}
inline tls::private_identity rsa_server() {
    return identity_of(pem::server_rsa_key, pem::server_rsa_chain);
}
inline tls::private_identity client_one() {
    return identity_of(pem::client_one_key, pem::client_one_chain);
}

/// Of a client that trusts the tests' root.
inline tls::client_options to_example() {
    return {.server_name = "example.com", .roots = roots_of(pem::root_ca)};
}
inline tls::server_options serving(tls::private_identity identity) {
    tls::server_options options;
    options.identities.push_back(std::move(identity));
    return options;
}
inline tls::server_options as_example() { return serving(p256_server()); }

inline tls::protocol_parameters only(tls::protocol_version v) {
    return {.min_version = v, .max_version = v};
}

constexpr tls::protocol_version both_versions[] = {tls::protocol_version::tls1_2,
                                                   tls::protocol_version::tls1_3};

/// What came of both sides of a handshake.
struct handshake_results {
    result<tls::client_connection> client;
    result<tls::server_connection> server;
};

inline task<result<handshake_results>> shake_hands(tls::client_options client,
                                                   tls::server_options server) {
    auto [at_client, at_server] = co_await check(connected_pair());
    auto [connected, accepted] =
        co_await when_all(tls::connect(std::move(at_client), std::move(client)),
                          tls::accept(std::move(at_server), std::move(server)));
    co_return handshake_results{std::move(connected), std::move(accepted)};
}

struct secure_pair {
    tls::client_connection client;
    tls::server_connection server;
};

inline task<result<secure_pair>> secured_pair(tls::client_options client = to_example(),
                                              tls::server_options server = as_example()) {
    auto both = co_await check(shake_hands(std::move(client), std::move(server)));
    auto c = co_await check(std::move(both.client));
    auto s = co_await check(std::move(both.server));
    co_return secure_pair{std::move(c), std::move(s)};
}

/// One byte there and back: both sides have seen the other's last messages.
inline task<result<void>> ping(secure_pair& p) {
    std::byte there{1}, back{2}, got{};
    co_await check(write_all(p.client, std::span(&there, 1)));
    co_await check(read_exactly(p.server, std::span(&got, 1)));
    CHECK(got == there);
    co_await check(write_all(p.server, std::span(&back, 1)));
    co_await check(read_exactly(p.client, std::span(&got, 1)));
    CHECK(got == back);
    co_return {};
}

}  // namespace copoll_tests
