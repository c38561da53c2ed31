// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/certificate.hpp>

#include <mbedtls/sha256.h>

#include <algorithm>
#include <string_view>

#include <copoll/tls/error.hpp>

#include "crypto_ready.hpp"
#include "pem.hpp"
#include "x509.hpp"

namespace copoll::tls {
namespace detail {

std::error_code certificate_error(int mbedtls_error) noexcept {
    // the upper part of the number is the layer that found it, the lower one why
    switch (-(-mbedtls_error & 0xff80)) {
        case MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG:
        case MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE:
        case MBEDTLS_ERR_PK_UNKNOWN_PK_ALG:
        case MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE:
            return make_error_code(copoll::errc::not_supported);
        default: return make_error_code(errc::certificate_malformed);
    }
}

std::optional<key_description> describe(const mbedtls_pk_context& key) noexcept {
    const auto bits = static_cast<unsigned>(mbedtls_pk_get_bitlen(&key));
    if (mbedtls_pk_can_do(&key, MBEDTLS_PK_RSA)) return key_description{key_kind::rsa, bits};
    if (!mbedtls_pk_can_do(&key, MBEDTLS_PK_ECDSA)) return std::nullopt;
    // other curves are built in that TLS does not sign with
    switch (mbedtls_ecp_keypair_get_group_id(mbedtls_pk_ec(key))) {
        case MBEDTLS_ECP_DP_SECP256R1:
        case MBEDTLS_ECP_DP_SECP384R1:
        case MBEDTLS_ECP_DP_SECP521R1: return key_description{key_kind::ec, bits};
        default: return std::nullopt;
    }
}

std::string to_string(const mbedtls_x509_name& name) {
    for (std::size_t size = 256; size <= 1u << 20; size *= 4) {
        std::string text(size, '\0');
        const int length = mbedtls_x509_dn_gets(text.data(), size, &name);
        if (length < 0) continue;
        text.resize(static_cast<std::size_t>(length));
        return text;
    }
    return {};
}

bool is_issued_by(const mbedtls_x509_crt& subject, const mbedtls_x509_crt& issuer) noexcept {
    return std::ranges::equal(bytes_of(subject.issuer_raw), bytes_of(issuer.subject_raw));
}

}  // namespace detail

namespace {

std::chrono::sys_seconds time_of(const mbedtls_x509_time& t) noexcept {
    using namespace std::chrono;
    const year_month_day date{year{t.year}, month{static_cast<unsigned>(t.mon)},
                              day{static_cast<unsigned>(t.day)}};
    return sys_days{date} + hours{t.hour} + minutes{t.min} + seconds{t.sec};
}

std::string hexadecimal(std::span<const unsigned char> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const unsigned char b : bytes) {
        text += digits[b >> 4];
        text += digits[b & 15];
    }
    return text;
}

template <class Bytes>
ip::address address_of(std::span<const unsigned char> octets) noexcept {
    Bytes bytes{};
    std::ranges::copy(octets, bytes.begin());
    return ip::address{bytes};
}

void read_names(const mbedtls_x509_crt& from, certificate& into) {
    constexpr int kind_of_name = 0x1f;  // a GeneralName's number, below the class of its tag
    for (const auto* name = &from.subject_alt_names; name; name = name->next) {
        const auto octets = detail::bytes_of(name->buf);
        switch (name->buf.tag & kind_of_name) {
            case MBEDTLS_X509_SAN_DNS_NAME:
                into.dns_names.emplace_back(octets.begin(), octets.end());
                break;
            case MBEDTLS_X509_SAN_IP_ADDRESS:
                if (octets.size() == 4)
                    into.ip_addresses.push_back(address_of<ip::address::v4_bytes>(octets));
                else if (octets.size() == 16)
                    into.ip_addresses.push_back(address_of<ip::address::v6_bytes>(octets));
                break;
            default: break;
        }
    }
}

}  // namespace

result<certificate> certificate::parse(std::span<const std::byte> der) {
    if (auto ready = detail::crypto_ready(); !ready) return fail(ready.error());
    detail::crt parsed;
    // it does not outlive the bytes, so it need not copy them
    const int bad = mbedtls_x509_crt_parse_der_nocopy(&parsed, detail::raw(der), der.size());
    if (bad) return fail(detail::certificate_error(bad));
    if (parsed.raw.len != der.size()) return fail(errc::certificate_malformed);
    const auto key = detail::describe(parsed.pk);
    if (!key) return fail(copoll::errc::not_supported);

    certificate c;
    c.subject = detail::to_string(parsed.subject);
    c.issuer = detail::to_string(parsed.issuer);
    c.serial = hexadecimal(detail::bytes_of(parsed.serial));
    read_names(parsed, c);
    c.not_before = time_of(parsed.valid_from);
    c.not_after = time_of(parsed.valid_to);
    c.key = key->kind;
    c.key_bits = key->bits;
    c.is_self_issued = detail::is_issued_by(parsed, parsed);
    c.is_authority = mbedtls_x509_crt_get_ca_istrue(&parsed) == 1;
    mbedtls_sha256(detail::raw(der), der.size(),
                   reinterpret_cast<unsigned char*>(c.sha256.data()), 0);
    return c;
}

}  // namespace copoll::tls
