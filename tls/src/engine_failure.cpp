// SPDX-License-Identifier: MIT OR Apache-2.0
// The engine: how it fails, and what the peer is told.
#include "engine_state.hpp"

#include <array>
#include <utility>

#include "records.hpp"
#include "ssl_errors.hpp"

namespace copoll::tls {

namespace d = detail;

void engine::state::fail_with(std::error_code ec) noexcept {
    if (error) return;
    error = ec;
}

void engine::state::tell(alert a) noexcept {
    if (has_ssl && !take_buffers()) return;
    if (has_ssl) {
        // the former is new in TLS 1.3 (RFC 8446 §6.2; RFC 5246 §7.4.6)
        if (a == alert::certificate_required && version() == protocol_version::tls1_2)
            a = alert::handshake_failure;
        if (copoll_ssl_alert_needs_change_cipher(&ssl) && !changed_cipher) {
            changed_cipher = true;
            send_record(d::change_cipher_record, false);
        }
        copoll_ssl_write_alert(&ssl, static_cast<std::uint8_t>(a));
        return;
    }
    // nothing is set up that could write a record; one of an alert in the clear is simple
    const std::array<std::byte, d::alert_record_size> record{
        d::alert_type, std::byte{3}, std::byte{3}, std::byte{0},
        std::byte{2}, std::byte{2}, static_cast<std::byte>(a)};
    send_record(record, false);
}

/// Whether all output but the first `kept` bytes is an alert in the clear.
bool engine::state::has_told_in_clear(std::size_t kept) const noexcept {
    const auto written = out.data();
    return written.size() == kept + d::alert_record_size && written[kept] == d::alert_type;
}

/// Takes back all output but the first `kept` bytes. If it was an alert in the clear, which one.
std::optional<alert> engine::state::take_back_output(std::size_t kept) noexcept {
    const auto written = std::as_const(out).data();
    std::optional<alert> told;
    if (has_told_in_clear(kept))
        told = static_cast<alert>(written[kept + d::alert_record_size - 1]);
    buffer rest;
    rest.append(written.first(kept));
    out = std::move(rest);
    return told;
}

/// mbedTLS leaves on some ways without a word to the peer. What it wrote in the call that failed,
/// if anything, is an alert. The peer's own alert is not answered.
void engine::state::fail_from(int ret, std::size_t output_before) noexcept {
    std::error_code ec = d::error_of_ssl(ret);
    bool answer = true;
    bool judged = false;  // a certificate: both roles tell the same of one, not what mbedTLS does
    switch (ret) {
        case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
            ec = d::error_of_alert(static_cast<std::byte>(copoll_ssl_received_alert(&ssl)));
            answer = false;
            break;
        case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
            ec = copoll::errc::eof;
            answer = false;
            break;
        case MBEDTLS_ERR_X509_FATAL_ERROR: judged = true; break;
        case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
        case MBEDTLS_ERR_SSL_BAD_CERTIFICATE:  // also for a wrong usage
            if (const auto why = d::error_of_flags(mbedtls_ssl_get_verify_result(&ssl))) {
                ec = why;
                judged = true;
            }
            break;
        default: break;
    }
    if (ec == errc::truncated) answer = false;
    if (record_refused) {
        ec = record_refused->why;
        answer = record_refused->told.has_value();
    }
    if (answer) {
        alert told = record_refused ? *record_refused->told : alert_for(ec);
        if (copoll_ssl_take_keys_for_alert(&ssl) || (judged && has_told_in_clear(output_before))) {
            const auto by_mbedtls = take_back_output(output_before);
            if (!judged) told = by_mbedtls.value_or(told);
        }
        if (out.size() == output_before) tell(told);
    }
    fail_with(ec);
}

/// Ends it for what was found here, and tells the peer. Always false.
bool engine::state::refuse(std::error_code why) noexcept {
    tell(alert_for(why));
    fail_with(why);
    return false;
}

}  // namespace copoll::tls
