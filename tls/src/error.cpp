// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/error.hpp>

#include <string>

namespace copoll::tls {
namespace {

/// Of each error: its text, and the alert that tells the peer.
struct description {
    const char* text;
    alert told;
};

description describe(errc e) noexcept {
    switch (e) {
        case errc::truncated:
            return {"the connection ended without a TLS close", alert::close_notify};
        case errc::malformed_message: return {"malformed TLS message", alert::decode_error};
        case errc::bad_record: return {"a TLS record does not decrypt", alert::bad_record_mac};
        case errc::unexpected_message:
            return {"unexpected TLS message", alert::unexpected_message};
        case errc::illegal_parameter: return {"illegal TLS parameter", alert::illegal_parameter};
        case errc::unsupported_version:
            return {"no TLS version in common", alert::protocol_version};
        case errc::no_common_parameters:
            return {"no TLS parameters in common", alert::handshake_failure};
        case errc::no_application_protocol:
            return {"no application protocol in common", alert::no_application_protocol};
        case errc::no_identity:
            return {"no certificate that the peer could use", alert::handshake_failure};
        case errc::certificate_required:
            return {"the peer presented no certificate", alert::certificate_required};
        case errc::certificate_malformed: return {"malformed certificate", alert::bad_certificate};
        case errc::certificate_untrusted:
            return {"certificate without a trusted root", alert::unknown_ca};
        case errc::certificate_expired: return {"certificate expired", alert::certificate_expired};
        case errc::certificate_not_yet_valid:
            return {"certificate not yet valid", alert::certificate_expired};
        case errc::certificate_name_mismatch:
            return {"certificate for another name", alert::bad_certificate};
        case errc::certificate_revoked: return {"certificate revoked", alert::certificate_revoked};
        case errc::certificate_wrong_usage:
            return {"certificate not for this use", alert::unsupported_certificate};
        case errc::certificate_weak:
            return {"certificate with a weak key or signature", alert::unsupported_certificate};
        case errc::certificate_refused: return {"certificate refused", alert::bad_certificate};
        case errc::bad_signature:
            return {"the peer does not hold its certificate's key", alert::decrypt_error};
        case errc::unknown_psk: return {"unknown pre-shared key", alert::unknown_psk_identity};
        case errc::renegotiation_refused:
            return {"renegotiation refused", alert::no_renegotiation};
        case errc::aborted: return {"handshake aborted", alert::user_canceled};
        case errc::too_much_work:
            return {"the peer asks for work without progress", alert::unexpected_message};
        case errc::private_key_malformed: return {"malformed private key", alert::internal_error};
        case errc::private_key_mismatch:
            return {"private key of another certificate", alert::internal_error};
        case errc::passphrase_wrong: return {"wrong passphrase", alert::internal_error};
        case errc::pkcs12_malformed: return {"malformed PKCS#12 file", alert::internal_error};
        case errc::dh_parameters_malformed:
            return {"malformed or weak Diffie-Hellman parameters", alert::internal_error};
        case errc::session_malformed: return {"malformed TLS session", alert::internal_error};
        case errc::internal: return {"internal TLS error", alert::internal_error};
    }
    return {"unknown TLS error", alert::internal_error};
}

const char* text(alert a) noexcept {
    switch (a) {
        case alert::close_notify: return "close_notify";
        case alert::unexpected_message: return "unexpected_message";
        case alert::bad_record_mac: return "bad_record_mac";
        case alert::record_overflow: return "record_overflow";
        case alert::handshake_failure: return "handshake_failure";
        case alert::bad_certificate: return "bad_certificate";
        case alert::unsupported_certificate: return "unsupported_certificate";
        case alert::certificate_revoked: return "certificate_revoked";
        case alert::certificate_expired: return "certificate_expired";
        case alert::certificate_unknown: return "certificate_unknown";
        case alert::illegal_parameter: return "illegal_parameter";
        case alert::unknown_ca: return "unknown_ca";
        case alert::access_denied: return "access_denied";
        case alert::decode_error: return "decode_error";
        case alert::decrypt_error: return "decrypt_error";
        case alert::protocol_version: return "protocol_version";
        case alert::insufficient_security: return "insufficient_security";
        case alert::internal_error: return "internal_error";
        case alert::inappropriate_fallback: return "inappropriate_fallback";
        case alert::user_canceled: return "user_canceled";
        case alert::no_renegotiation: return "no_renegotiation";
        case alert::missing_extension: return "missing_extension";
        case alert::unsupported_extension: return "unsupported_extension";
        case alert::unrecognized_name: return "unrecognized_name";
        case alert::bad_certificate_status_response: return "bad_certificate_status_response";
        case alert::unknown_psk_identity: return "unknown_psk_identity";
        case alert::certificate_required: return "certificate_required";
        case alert::no_application_protocol: return "no_application_protocol";
    }
    return nullptr;
}

class tls_category final : public std::error_category {
public:
    constexpr tls_category() noexcept = default;
    const char* name() const noexcept override { return "tls"; }
    std::string message(int e) const override { return describe(static_cast<errc>(e)).text; }
};

class tls_alert_category final : public std::error_category {
public:
    constexpr tls_alert_category() noexcept = default;
    const char* name() const noexcept override { return "tls alert"; }
    std::string message(int number) const override {
        const char* known = text(static_cast<alert>(number));
        return "the peer's TLS alert: " + (known ? std::string(known) : std::to_string(number));
    }
};

}  // namespace

const std::error_category& category() noexcept {
    static const tls_category instance;
    return instance;
}

const std::error_category& alert_category() noexcept {
    static const tls_alert_category instance;
    return instance;
}

alert alert_for(std::error_code ec) noexcept {
    if (ec.category() == category()) return describe(static_cast<errc>(ec.value())).told;
    return alert::internal_error;
}

}  // namespace copoll::tls
