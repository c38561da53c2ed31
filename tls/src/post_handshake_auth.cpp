// SPDX-License-Identifier: MIT OR Apache-2.0
#include "post_handshake_auth.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include <copoll/buffer.hpp>

#include "mbedtls_c.hpp"
#include "native_identity.hpp"
#include "native_trust.hpp"
#include "ssl_private.h"
#include "wire_reader.hpp"
#include "wire_writer.hpp"
#include "x509.hpp"

namespace copoll::tls::detail {
namespace {

// Types of messages, and their header: the type and three bytes of length.
constexpr std::uint8_t certificate_request = 13;
constexpr std::uint8_t certificate_message = 11;
constexpr std::uint8_t certificate_verify = 15;
constexpr std::uint8_t finished_message = 20;
constexpr std::size_t header_size = 4;
constexpr std::uint16_t signature_algorithms = 13;

const std::uint8_t* octets(std::span<const std::byte> bytes) noexcept {
    return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

/// How a scheme is verified.
struct method {
    mbedtls_pk_type_t type;
    mbedtls_md_type_t hash;
    unsigned curve_bits;  ///< of an EC key; 0: RSA
};

std::optional<method> method_of(signature_scheme s) noexcept {
    using enum signature_scheme;
    switch (s) {
        case ecdsa_secp256r1_sha256: return method{MBEDTLS_PK_ECDSA, MBEDTLS_MD_SHA256, 256};
        case ecdsa_secp384r1_sha384: return method{MBEDTLS_PK_ECDSA, MBEDTLS_MD_SHA384, 384};
        case ecdsa_secp521r1_sha512: return method{MBEDTLS_PK_ECDSA, MBEDTLS_MD_SHA512, 521};
        case rsa_pss_rsae_sha256: return method{MBEDTLS_PK_RSASSA_PSS, MBEDTLS_MD_SHA256, 0};
        case rsa_pss_rsae_sha384: return method{MBEDTLS_PK_RSASSA_PSS, MBEDTLS_MD_SHA384, 0};
        case rsa_pss_rsae_sha512: return method{MBEDTLS_PK_RSASSA_PSS, MBEDTLS_MD_SHA512, 0};
        default: return std::nullopt;  // PKCS#1 v1.5 is not for TLS 1.3
    }
}

bool fits(const method& m, const mbedtls_pk_context& key) noexcept {
    if (m.curve_bits == 0) return mbedtls_pk_can_do(&key, MBEDTLS_PK_RSA) != 0;
    return mbedtls_pk_can_do(&key, MBEDTLS_PK_ECDSA) != 0 &&
           mbedtls_pk_get_bitlen(&key) == m.curve_bits;
}

}  // namespace

bool transcript::copy_from(const transcript& other) noexcept {
    psa_hash_abort(&operation_);
    return psa_hash_clone(&other.operation_, &operation_) == PSA_SUCCESS;
}

bool transcript::add(std::span<const std::byte> message) noexcept {
    return psa_hash_update(&operation_, octets(message), message.size()) == PSA_SUCCESS;
}

std::span<const std::uint8_t> transcript::value() noexcept {
    psa_hash_operation_t copy = PSA_HASH_OPERATION_INIT;
    std::size_t size = 0;
    if (psa_hash_clone(&operation_, &copy) != PSA_SUCCESS ||
        psa_hash_finish(&copy, value_, sizeof value_, &size) != PSA_SUCCESS) {
        psa_hash_abort(&copy);
        return {};
    }
    return std::span(value_).first(size);
}

std::vector<std::byte> post_handshake_auth::request(std::span<const std::uint16_t> schemes) {
    context_.resize(8);
    if (psa_generate_random(reinterpret_cast<std::uint8_t*>(context_.data()), context_.size()) !=
        PSA_SUCCESS)
        return {};
    schemes_.assign(schemes.begin(), schemes.end());
    wire_writer list;
    for (const std::uint16_t s : schemes_) list.number(s, 2);
    const auto offered = list.take();
    wire_writer extension;
    extension.number(signature_algorithms, 2);
    extension.number(offered.size() + 2, 2);
    extension.vector(offered, 2);
    wire_writer body;
    body.vector(context_, 1);
    body.vector(extension.take(), 2);
    wire_writer message;
    message.number(certificate_request, 1);
    message.vector(body.take(), 3);
    auto bytes = message.take();
    if (!messages_.copy_from(handshake_) || !messages_.add(bytes)) return {};
    step_ = step::certificate;
    identity_.reset();
    flags_ = 0;
    return bytes;
}

std::error_code post_handshake_auth::take(mbedtls_ssl_context& ssl,
                                          std::span<const std::byte> message,
                                          const trust_anchors& roots) {
    constexpr auto type_of = [](step s) {
        switch (s) {
            case step::certificate: return certificate_message;
            case step::verify: return certificate_verify;
            default: return finished_message;
        }
    };
    if (step_ == step::none || message.size() < header_size ||
        static_cast<std::uint8_t>(message[0]) != type_of(step_))
        return errc::unexpected_message;
    const auto body = message.subspan(header_size);
    std::error_code wrong;
    switch (step_) {
        case step::certificate: wrong = take_certificate(body, roots); break;
        case step::verify: wrong = take_verify(body); break;
        default: wrong = take_finished(ssl, body); break;
    }
    if (!wrong && !messages_.add(message)) wrong = errc::internal;
    return wrong;
}

std::error_code post_handshake_auth::take_certificate(std::span<const std::byte> body,
                                                      const trust_anchors& roots) {
    wire_reader from{body};
    const auto context = from.vector(1);
    if (!std::ranges::equal(context, context_)) return errc::illegal_parameter;
    wire_reader list{from.vector(3)};
    if (!from.done()) return errc::malformed_message;
    std::vector<std::vector<std::byte>> chain;
    while (!list.empty()) {
        const auto der = list.vector(3);
        list.vector(2);  // extensions: of those that there are we asked for none
        if (list.failed() || der.empty()) return errc::malformed_message;
        chain.emplace_back(der.begin(), der.end());
    }
    if (chain.empty()) {
        step_ = step::finished;
        return {};
    }
    crt parsed;
    for (const auto& der : chain)
        if (mbedtls_x509_crt_parse_der(&parsed, octets(der), der.size()) != 0)
            return errc::certificate_malformed;
    mbedtls_x509_crt_verify_with_profile(&parsed, native_roots(roots), native_crls(roots),
                                         &mbedtls_x509_crt_profile_default, nullptr, &flags_,
                                         nullptr, nullptr);
    flags_ |= copoll_ssl_client_usage_flags(&parsed);
    identity_ = make_public_identity(std::move(chain));
    step_ = step::verify;
    return {};
}

/// RFC 8446 §4.4.3.
std::error_code post_handshake_auth::take_verify(std::span<const std::byte> body) {
    wire_reader from{body};
    const auto scheme = static_cast<std::uint16_t>(from.number(2));
    const auto signature = from.vector(2);
    if (!from.done()) return errc::malformed_message;
    const auto how = method_of(static_cast<signature_scheme>(scheme));
    if (!how || std::ranges::find(schemes_, scheme) == schemes_.end())
        return errc::illegal_parameter;

    crt leaf;
    const auto& der = identity_->export_x509_chain().front();
    if (mbedtls_x509_crt_parse_der(&leaf, octets(der), der.size()) != 0) return errc::internal;
    if (!fits(*how, leaf.pk)) return errc::illegal_parameter;

    using namespace std::string_view_literals;
    wire_writer content;
    for (int i = 0; i < 64; ++i) content.number(' ', 1);
    content.raw(copoll::bytes_of("TLS 1.3, client CertificateVerify\0"sv));
    content.raw(std::as_bytes(messages_.value()));
    const auto signed_bytes = content.take();
    std::uint8_t hash[PSA_HASH_MAX_SIZE];
    std::size_t hash_size = 0;
    if (psa_hash_compute(mbedtls_md_psa_alg_from_type(how->hash), octets(signed_bytes),
                         signed_bytes.size(), hash, sizeof hash, &hash_size) != PSA_SUCCESS)
        return errc::internal;
    const mbedtls_pk_rsassa_pss_options pss{how->hash, static_cast<int>(hash_size)};
    const void* options = how->type == MBEDTLS_PK_RSASSA_PSS ? &pss : nullptr;
    if (mbedtls_pk_verify_ext(how->type, options, &leaf.pk, how->hash, hash, hash_size,
                              octets(signature), signature.size()) != 0)
        return errc::bad_signature;
    step_ = step::finished;
    return {};
}

/// RFC 8446 §4.4.4.
std::error_code post_handshake_auth::take_finished(mbedtls_ssl_context& ssl,
                                                   std::span<const std::byte> body) {
    const psa_algorithm_t hash = copoll_ssl_hash(&ssl);
    const std::size_t size = PSA_HASH_LENGTH(hash);
    std::uint8_t key[PSA_HASH_MAX_SIZE];
    if (copoll_ssl_client_finished_key(&ssl, key, size) != 0) return errc::internal;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_MESSAGE);
    psa_set_key_algorithm(&attributes, PSA_ALG_HMAC(hash));
    psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
    psa_key_id_t id = PSA_KEY_ID_NULL;
    const bool imported = psa_import_key(&attributes, key, size, &id) == PSA_SUCCESS;
    mbedtls_platform_zeroize(key, sizeof key);
    const auto value = messages_.value();
    const bool right = imported && !value.empty() &&
                       psa_mac_verify(id, PSA_ALG_HMAC(hash), value.data(), value.size(),
                                      octets(body), body.size()) == PSA_SUCCESS;
    psa_destroy_key(id);
    if (!right) return errc::bad_signature;
    step_ = step::none;
    return {};
}

}  // namespace copoll::tls::detail
