// SPDX-License-Identifier: MIT OR Apache-2.0
#include "peer_checks.hpp"

#include <cstdint>
#include <span>

#include <copoll/result.hpp>
#include <copoll/tls/error.hpp>

#include "ssl_private.h"

namespace copoll::tls::detail {
namespace {

result<certificate> leaf_of_peer(const mbedtls_ssl_context& ssl) {
    const mbedtls_x509_crt* chain = copoll_ssl_peer_chain(&ssl);
    if (!chain) return fail(errc::certificate_required);
    return certificate::parse(std::as_bytes(std::span(chain->raw.p, chain->raw.len)));
}

}  // namespace

bool is_for(signature_scheme scheme, const certificate& leaf) noexcept {
    switch (scheme) {
        case signature_scheme::ecdsa_secp256r1_sha256:
            return leaf.key == key_kind::ec && leaf.key_bits == 256;
        case signature_scheme::ecdsa_secp384r1_sha384:
            return leaf.key == key_kind::ec && leaf.key_bits == 384;
        case signature_scheme::ecdsa_secp521r1_sha512:
            return leaf.key == key_kind::ec && leaf.key_bits == 521;
        default: return leaf.key == key_kind::rsa;
    }
}

bool proof_is_fit(const mbedtls_ssl_context& ssl) {
    const std::uint16_t number = copoll_ssl_scheme_of_proof(&ssl);
    if (number == 0) return true;  // no proof has come
    const auto scheme = static_cast<signature_scheme>(number);
    switch (scheme) {
        case signature_scheme::rsa_pkcs1_sha256:
        case signature_scheme::rsa_pkcs1_sha384:
        case signature_scheme::rsa_pkcs1_sha512: return false;
        default: break;
    }
    const auto leaf = leaf_of_peer(ssl);
    return leaf && is_for(scheme, *leaf);
}

bool suite_fits_server(const mbedtls_ssl_context& ssl) {
    const auto leaf = leaf_of_peer(ssl);
    if (!leaf) return true;
    switch (static_cast<cipher_suite>(copoll_ssl_suite(&ssl))) {
        case cipher_suite::ecdhe_ecdsa_with_aes_128_gcm_sha256:
        case cipher_suite::ecdhe_ecdsa_with_aes_256_gcm_sha384:
        case cipher_suite::ecdhe_ecdsa_with_chacha20_poly1305_sha256:
            return leaf->key == key_kind::ec;
        case cipher_suite::ecdhe_rsa_with_aes_128_gcm_sha256:
        case cipher_suite::ecdhe_rsa_with_aes_256_gcm_sha384:
        case cipher_suite::ecdhe_rsa_with_chacha20_poly1305_sha256:
        case cipher_suite::dhe_rsa_with_aes_128_gcm_sha256:
        case cipher_suite::dhe_rsa_with_aes_256_gcm_sha384:
        case cipher_suite::dhe_rsa_with_chacha20_poly1305_sha256:
            return leaf->key == key_kind::rsa;
        default: return true;
    }
}

}  // namespace copoll::tls::detail
