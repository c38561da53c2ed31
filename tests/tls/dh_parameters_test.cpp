// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/dh_parameters.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <string_view>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "tls/secure_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using enum tls::cipher_suite;

namespace {

constexpr std::string_view ffdhe2048 =  // RFC 7919 §A.1
    "-----BEGIN DH PARAMETERS-----\n"
    "MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz\n"
    "+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a\n"
    "87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7\n"
    "YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi\n"
    "7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD\n"
    "ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==\n"
    "-----END DH PARAMETERS-----\n";

}  // namespace

TEST_CASE("dh_parameters: PEM and DER are read, and nothing else") {
    const auto pem = tls::dh_parameters::parse(ffdhe2048);
    REQUIRE(pem.has_value());
    CHECK(pem->bits() == 2048);
    const std::string_view der{reinterpret_cast<const char*>(pem->der().data()),
                               pem->der().size()};
    const auto again = tls::dh_parameters::parse(der);
    REQUIRE(again.has_value());
    CHECK(again->der() == pem->der());
    for (std::size_t n = 0; n < der.size(); ++n)
        CHECK(error_of(tls::dh_parameters::parse(der.substr(0, n))) ==
              tls::errc::dh_parameters_malformed);
    CHECK(error_of(tls::dh_parameters::parse("nothing")) == tls::errc::dh_parameters_malformed);
    CHECK(error_of(tls::dh_parameters::parse(pem::server_rsa_chain)) ==
          tls::errc::dh_parameters_malformed);
}

TEST_CASE("dh_parameters: a prime of less than 2048 bits is refused") {
    // SEQUENCE of a prime of 16 bits and a generator
    constexpr std::string_view weak = "\x30\x08\x02\x03\x00\xff\xf1\x02\x01\x02";
    CHECK(error_of(tls::dh_parameters::parse(weak)) == tls::errc::dh_parameters_malformed);
}

TEST_CASE("tls: the suites of finite fields are there for who names them") {
    run_test([]() -> task<result<void>> {
        auto client = to_example();
        auto server = serving(rsa_server());
        client.protocol.cipher_suites = {dhe_rsa_with_chacha20_poly1305_sha256,
                                         dhe_rsa_with_aes_128_gcm_sha256,
                                         dhe_rsa_with_aes_256_gcm_sha384};
        auto refused = co_await check(shake_hands(client, server));
        CHECK(error_of(refused.client) == tls::alert::handshake_failure);
        for (const auto suite : client.protocol.cipher_suites) {
            server.protocol.cipher_suites = {suite};
            for (const bool own_group : {false, true}) {
                server.dh.reset();
                if (own_group) server.dh = co_await check(tls::dh_parameters::parse(ffdhe2048));
                auto p = co_await check(secured_pair(client, server));
                CHECK(p.client.cipher_suite() == suite);
                CHECK(p.client.version() == tls::protocol_version::tls1_2);
                CHECK_FALSE(p.client.group().has_value());
                co_await check(ping(p));
            }
        }
        client.protocol.min_dh_bits = 3072;
        auto weak = co_await check(shake_hands(client, server));
        CHECK(error_of(weak.client) == tls::errc::illegal_parameter);
        CHECK(error_of(weak.server) == tls::alert::illegal_parameter);
        co_return {};
    }());
}
