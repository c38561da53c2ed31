// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>

#include <optional>
#include <span>
#include <string>
#include <system_error>

#include <copoll/tls/certificate.hpp>

/// mbedTLS's certificates and keys as values that free themselves.

namespace copoll::tls::detail {

struct crt : mbedtls_x509_crt {
    crt() noexcept { mbedtls_x509_crt_init(this); }
    crt(const crt&) = delete;
    crt& operator=(const crt&) = delete;
    ~crt() { mbedtls_x509_crt_free(this); }
};

struct crl : mbedtls_x509_crl {
    crl() noexcept { mbedtls_x509_crl_init(this); }
    crl(const crl&) = delete;
    crl& operator=(const crl&) = delete;
    ~crl() { mbedtls_x509_crl_free(this); }
};

struct private_key : mbedtls_pk_context {
    private_key() noexcept { mbedtls_pk_init(this); }
    private_key(const private_key&) = delete;
    private_key& operator=(const private_key&) = delete;
    ~private_key() { mbedtls_pk_free(this); }
};

/// What mbedTLS's error from parsing a certificate means here.
std::error_code certificate_error(int mbedtls_error) noexcept;

/// A key of the kinds that this library uses; else nothing.
struct key_description {
    key_kind kind;
    unsigned bits;
};
std::optional<key_description> describe(const mbedtls_pk_context& key) noexcept;

std::string to_string(const mbedtls_x509_name& name);

/// Whether `issuer` has the name that `subject` names as its issuer.
bool is_issued_by(const mbedtls_x509_crt& subject, const mbedtls_x509_crt& issuer) noexcept;

inline std::span<const unsigned char> bytes_of(const mbedtls_x509_buf& b) noexcept {
    return {b.p, b.len};
}

}  // namespace copoll::tls::detail
