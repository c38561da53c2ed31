// SPDX-License-Identifier: MIT OR Apache-2.0
#include "raw_tls.hpp"

#include <psa/crypto.h>

extern "C" {
#include <mbedtls/psa_util.h>
}

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "identity.hpp"

namespace bench {
namespace {

void must(int ret, const char* what) {
    if (ret == 0) return;
    std::fprintf(stderr, "tls_cost: %s: -0x%04x\n", what, static_cast<unsigned>(-ret));
    std::exit(1);
}

constexpr std::uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519, 0};

}  // namespace

raw_identity::raw_identity() {
    must(psa_crypto_init(), "psa_crypto_init");
    mbedtls_x509_crt_init(&certificate);
    mbedtls_pk_init(&key);
    must(mbedtls_x509_crt_parse(&certificate,
                                reinterpret_cast<const unsigned char*>(bench::certificate),
                                sizeof bench::certificate),
         "certificate");
    must(mbedtls_pk_parse_key(&key, reinterpret_cast<const unsigned char*>(bench::key),
                              sizeof bench::key, nullptr, 0, mbedtls_psa_get_random,
                              MBEDTLS_PSA_RANDOM_STATE),
         "key");
}

raw_identity::~raw_identity() {
    mbedtls_pk_free(&key);
    mbedtls_x509_crt_free(&certificate);
}

raw_side::raw_side(bool server, raw_identity& identity, int suite) : suites_{suite, 0} {
    mbedtls_ssl_config_init(&config_);
    mbedtls_ssl_init(&ssl_);
    must(mbedtls_ssl_config_defaults(&config_,
                                     server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
                                     MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT),
         "config");
    mbedtls_ssl_conf_rng(&config_, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_ssl_conf_ciphersuites(&config_, suites_);
    mbedtls_ssl_conf_groups(&config_, groups);
    if (server)
        must(mbedtls_ssl_conf_own_cert(&config_, &identity.certificate, &identity.key), "own");
    else
        mbedtls_ssl_conf_ca_chain(&config_, &identity.certificate, nullptr);
    must(mbedtls_ssl_setup(&ssl_, &config_), "setup");
    if (!server) must(mbedtls_ssl_set_hostname(&ssl_, name), "host name");
    mbedtls_ssl_set_bio(&ssl_, this, send, receive_some, nullptr);
}

raw_side::~raw_side() {
    mbedtls_ssl_free(&ssl_);
    mbedtls_ssl_config_free(&config_);
}

int raw_side::send(void* p, const unsigned char* bytes, std::size_t n) {
    auto& out = static_cast<raw_side*>(p)->out_;
    const auto* from = reinterpret_cast<const std::byte*>(bytes);
    out.insert(out.end(), from, from + n);
    return static_cast<int>(n);
}

int raw_side::receive_some(void* p, unsigned char* into, std::size_t n) {
    auto& self = *static_cast<raw_side*>(p);
    const std::size_t taken = std::min(n, self.in_.size() - self.taken_);
    if (taken == 0) return MBEDTLS_ERR_SSL_WANT_READ;
    std::ranges::copy(std::span(self.in_).subspan(self.taken_, taken),
                      reinterpret_cast<std::byte*>(into));
    self.taken_ += taken;
    return static_cast<int>(taken);
}

bool raw_side::shake_hands() {
    const int ret = mbedtls_ssl_handshake(&ssl_);
    if (ret == MBEDTLS_ERR_SSL_WANT_READ) return false;
    must(ret, "handshake");
    return true;
}

void raw_side::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const int n = mbedtls_ssl_write(
            &ssl_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
        if (n <= 0) must(n, "write");
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
}

std::size_t raw_side::read(std::span<std::byte> into) {
    const int n = mbedtls_ssl_read(&ssl_, reinterpret_cast<unsigned char*>(into.data()),
                                   into.size());
    if (n == MBEDTLS_ERR_SSL_WANT_READ || n == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
        return 0;
    if (n <= 0) must(n, "read");
    return static_cast<std::size_t>(n);
}

}  // namespace bench
