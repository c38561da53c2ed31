// SPDX-License-Identifier: MIT OR Apache-2.0
#include "private_key.hpp"

#include <mbedtls/oid.h>

#include <copoll/tls/error.hpp>

#include "der.hpp"
#include "mbedtls_c.hpp"
#include "pem.hpp"

namespace copoll::tls::detail {
namespace {

constexpr std::string_view encrypted_label = "ENCRYPTED PRIVATE KEY";
constexpr std::string_view labels[] = {encrypted_label, "PRIVATE KEY", "RSA PRIVATE KEY",
                                       "EC PRIVATE KEY"};

/// The label of the first PEM block that is a key.
std::string_view first_label(std::string_view pem) noexcept {
    constexpr std::string_view begin = "-----BEGIN ";
    for (std::size_t at = pem.find(begin); at != pem.npos; at = pem.find(begin, at)) {
        at += begin.size();
        for (const std::string_view label : labels) {
            const std::string_view rest = pem.substr(at);
            if (rest.starts_with(label) && rest.substr(label.size()).starts_with("-----"))
                return label;
        }
    }
    return {};
}

/// PKCS#8 with a key of a kind or on a curve that mbedTLS does not know: not damaged.
bool is_foreign_kind(std::span<const unsigned char> der) noexcept {
    auto info = der_reader{der}.enter(der_sequence);
    if (!info || !info->integer()) return false;
    const auto kind = info->identifier();
    mbedtls_pk_type_t type{};
    if (!kind) return false;
    if (mbedtls_oid_get_pk_alg(&kind->oid, &type) != 0) return true;
    mbedtls_ecp_group_id group{};
    return type == MBEDTLS_PK_ECKEY && kind->params.tag == MBEDTLS_ASN1_OID &&
           mbedtls_oid_get_ec_grp(&kind->params, &group) != 0;
}

bool looks_encrypted(std::span<const unsigned char> der) noexcept {
    const auto info = der_reader{der}.enter(der_sequence);
    return info && info->next_is(der_sequence);  // others begin with a version
}

}  // namespace

result<void> parse_private_key(private_key& into, std::span<const unsigned char> der) {
    const int bad = mbedtls_pk_parse_key(&into, der.data(), der.size(), nullptr, 0,
                                         mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    if (bad && is_foreign_kind(der)) return fail(copoll::errc::not_supported);
    if (bad) return fail(errc::private_key_malformed);
    if (!describe(into)) return fail(copoll::errc::not_supported);
    return {};
}

result<void> parse_encrypted_private_key(private_key& into, std::span<const unsigned char> der,
                                         const passphrase_forms& passphrase) {
    auto info = der_reader{der}.enter(der_sequence);
    const auto how = info ? info->identifier() : std::nullopt;
    const auto ciphertext = how ? info->octets() : std::nullopt;
    if (!ciphertext || !info->empty()) return fail(errc::private_key_malformed);
    const auto plain = decrypt(*how, passphrase, *ciphertext);
    if (!plain) return fail(plain.error());
    // a wrong passphrase leaves padding that looks right in one of 256 cases
    if (!is_one_sequence(plain->bytes())) return fail(errc::passphrase_wrong);
    return parse_private_key(into, plain->bytes());
}

result<void> parse_private_key(private_key& into, std::string_view pem_or_der,
                               std::string_view passphrase) {
    const secret bmp = bmp_string(passphrase);
    const passphrase_forms forms{passphrase, bmp.bytes()};
    if (!is_pem(pem_or_der)) {
        const std::span der{raw(pem_or_der), pem_or_der.size()};
        if (looks_encrypted(der)) return parse_encrypted_private_key(into, der, forms);
        return parse_private_key(into, der);
    }
    const std::string_view label = first_label(pem_or_der);
    if (label.empty()) return fail(errc::private_key_malformed);
    const auto block = key_block(pem_or_der, label, passphrase);
    if (!block) return fail(block.error());
    if (!*block) return fail(errc::private_key_malformed);
    if (label == encrypted_label)
        return parse_encrypted_private_key(into, (*block)->bytes(), forms);
    return parse_private_key(into, (*block)->bytes());
}

}  // namespace copoll::tls::detail
