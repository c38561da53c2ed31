// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>
#include <system_error>
#include <type_traits>

#include <copoll/result.hpp>

/// How TLS fails. Four ends of a connection are told apart: `copoll::errc::eof` when the peer
/// closed it cleanly, `errc::truncated` when its transport ended before that, an `alert` when the
/// peer gave a reason, and `errc` for what was found wrong on this side, of which the peer was told
/// by alert. Errors of the transport and `copoll::errc::canceled` pass through as they are.

namespace copoll::tls {

/// What this side found.
enum class errc {
    truncated = 1,              ///< The transport ended without close_notify: bytes may be missing.
    malformed_message,          ///< Not TLS, or against its grammar.
    bad_record,                 ///< A record that does not decrypt: damaged, replayed or reordered.
    unexpected_message,         ///< A message that may not come now.
    illegal_parameter,          ///< A value that contradicts what was agreed.
    unsupported_version,        ///< No protocol version in common; 1.2 and 1.3 are spoken.
    no_common_parameters,       ///< No cipher suite, group or signature scheme in common.
    no_application_protocol,    ///< No ALPN id in common.
    no_identity,                ///< No certificate to present that the peer could use.
    certificate_required,       ///< The peer presented none, and must.
    certificate_malformed,      ///< Not a certificate, or against the grammar of one.
    certificate_untrusted,      ///< Its chain does not lead to a trusted root.
    certificate_expired,        ///< Out of its time.
    certificate_not_yet_valid,  ///< Before its time: is the clock right?
    certificate_name_mismatch,  ///< Does not belong to the name that was asked for.
    certificate_revoked,        ///< Stands in a revocation list.
    certificate_wrong_usage,    ///< Its key usage does not allow this.
    certificate_weak,           ///< A key or signature below what is accepted.
    certificate_refused,        ///< The application refused it.
    bad_signature,              ///< The peer does not hold the key of its certificate.
    unknown_psk,                ///< A pre-shared key that nobody here knows.
    renegotiation_refused,      ///< The peer asked for it and must not.
    aborted,                    ///< The application aborted the handshake.
    too_much_work,              ///< The peer makes this side work without progress.
    private_key_malformed,      ///< Not a private key, or of a kind that is not known.
    private_key_mismatch,       ///< Not the key of the certificate.
    passphrase_wrong,           ///< The key or PKCS#12 file needs another passphrase.
    pkcs12_malformed,           ///< Not PKCS#12, or of a kind that is not known.
    dh_parameters_malformed,    ///< Not Diffie-Hellman parameters, or of less than 2048 bits.
    session_malformed,          ///< Not a saved session of this version of the library.
    internal,                   ///< A part below failed in a way that it must not.
};

/// What the peer said (RFC 8446 §6.2, RFC 5246 §7.2.2). Codes not listed keep their number.
enum class alert : std::uint8_t {
    close_notify = 0,
    unexpected_message = 10,
    bad_record_mac = 20,
    record_overflow = 22,
    handshake_failure = 40,
    bad_certificate = 42,
    unsupported_certificate = 43,
    certificate_revoked = 44,
    certificate_expired = 45,
    certificate_unknown = 46,
    illegal_parameter = 47,
    unknown_ca = 48,
    access_denied = 49,
    decode_error = 50,
    decrypt_error = 51,
    protocol_version = 70,
    insufficient_security = 71,
    internal_error = 80,
    inappropriate_fallback = 86,
    user_canceled = 90,
    no_renegotiation = 100,
    missing_extension = 109,
    unsupported_extension = 110,
    unrecognized_name = 112,
    bad_certificate_status_response = 113,
    unknown_psk_identity = 115,
    certificate_required = 116,
    no_application_protocol = 120,
};

/// Of `errc`.
const std::error_category& category() noexcept;
/// Of an `alert` that the peer sent; the value is the alert's number.
const std::error_category& alert_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), category()};
}
inline std::error_code make_error_code(alert a) noexcept {
    return {static_cast<int>(a), alert_category()};
}

/// The alert with which this side answers an error of its own.
alert alert_for(std::error_code ec) noexcept;

}  // namespace copoll::tls

template <>
struct std::is_error_code_enum<copoll::tls::errc> : std::true_type {};
template <>
struct std::is_error_code_enum<copoll::tls::alert> : std::true_type {};
