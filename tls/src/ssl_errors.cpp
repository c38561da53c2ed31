// SPDX-License-Identifier: MIT OR Apache-2.0
#include "ssl_errors.hpp"

#include <copoll/tls/error.hpp>

#include <mbedtls/ecp.h>
#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

namespace copoll::tls::detail {

std::error_code error_of_ssl(int code) noexcept {
    switch (code) {
        case MBEDTLS_ERR_SSL_CONN_EOF: return errc::truncated;
        case MBEDTLS_ERR_SSL_BAD_CONFIG: return copoll::errc::invalid_argument;
        case MBEDTLS_ERR_SSL_ALLOC_FAILED:
        case MBEDTLS_ERR_X509_ALLOC_FAILED: return copoll::errc::out_of_memory;
        case MBEDTLS_ERR_SSL_INVALID_MAC: return errc::bad_record;
        case MBEDTLS_ERR_SSL_INVALID_RECORD:
        case MBEDTLS_ERR_SSL_DECODE_ERROR: return errc::malformed_message;
        case MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE:
        case MBEDTLS_ERR_SSL_UNEXPECTED_RECORD: return errc::unexpected_message;
        case MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER:
        case MBEDTLS_ERR_SSL_UNSUPPORTED_EXTENSION:
        case MBEDTLS_ERR_SSL_BAD_INPUT_DATA: return errc::illegal_parameter;
        case MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE: return errc::no_common_parameters;
        case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION: return errc::unsupported_version;
        case MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL: return errc::no_application_protocol;
        case MBEDTLS_ERR_SSL_PRIVATE_KEY_REQUIRED: return errc::no_identity;
        case MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE: return errc::certificate_required;
        case MBEDTLS_ERR_SSL_CA_CHAIN_REQUIRED:
        case MBEDTLS_ERR_X509_FATAL_ERROR:  // a path that is too long
        case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED: return errc::certificate_untrusted;
        case MBEDTLS_ERR_SSL_UNKNOWN_IDENTITY: return errc::unknown_psk;
        case MBEDTLS_ERR_SSL_BAD_CERTIFICATE: return errc::certificate_malformed;
        case MBEDTLS_ERR_ECP_VERIFY_FAILED:
        case MBEDTLS_ERR_RSA_VERIFY_FAILED:
        case MBEDTLS_ERR_PK_SIG_LEN_MISMATCH: return errc::bad_signature;
        default: break;
    }
    // codes of certificates have their own range, and carry a second code for the detail
    constexpr int high_part = 0x7f80;
    const int high = -(-code & high_part);
    if (high <= MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE && high >= MBEDTLS_ERR_X509_FATAL_ERROR)
        return errc::certificate_malformed;
    return errc::internal;
}

std::error_code error_of_flags(std::uint32_t flags) noexcept {
    struct row {
        std::uint32_t flags;
        errc meaning;
    };
    static constexpr row by_weight[] = {
        {MBEDTLS_X509_BADCERT_MISSING | MBEDTLS_X509_BADCERT_SKIP_VERIFY,
         errc::certificate_required},
        {MBEDTLS_X509_BADCERT_REVOKED, errc::certificate_revoked},
        {MBEDTLS_X509_BADCERT_CN_MISMATCH, errc::certificate_name_mismatch},
        {MBEDTLS_X509_BADCERT_EXPIRED, errc::certificate_expired},
        {MBEDTLS_X509_BADCERT_FUTURE, errc::certificate_not_yet_valid},
        {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
             MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
         errc::certificate_wrong_usage},
        {MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY,
         errc::certificate_weak},
        {MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCRL_NOT_TRUSTED |
             MBEDTLS_X509_BADCRL_EXPIRED | MBEDTLS_X509_BADCRL_FUTURE |
             MBEDTLS_X509_BADCRL_BAD_MD | MBEDTLS_X509_BADCRL_BAD_PK |
             MBEDTLS_X509_BADCRL_BAD_KEY,
         errc::certificate_untrusted},
    };
    if (flags == 0) return {};
    for (const row& r : by_weight)
        if (flags & r.flags) return r.meaning;
    return errc::certificate_refused;
}

std::error_code error_of_alert(std::byte description) noexcept {
    const auto a = static_cast<alert>(description);
    if (a == alert::close_notify) return copoll::errc::eof;
    return a;
}

}  // namespace copoll::tls::detail
