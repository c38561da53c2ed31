// SPDX-License-Identifier: MIT OR Apache-2.0
#include "record_watch.hpp"

#include <algorithm>

#include "records.hpp"
#include "ssl_errors.hpp"
#include "ssl_private.h"

namespace copoll::tls::detail {
namespace {

// Limits of BoringSSL on what a peer may send without any effect.
constexpr unsigned most_warnings = 4;
constexpr unsigned most_changes_of_cipher = 32;

/// Of a record of TLS 1.3: the tag, and the type behind the plaintext (RFC 8446 §5.4).
constexpr std::size_t tls1_3_expansion = 16 + 1;

/// In the clear: level and description.
constexpr std::size_t alert_size = 2;

record_watch::refusal with(errc why) noexcept { return {why, alert_for(why)}; }

bool is_tls1_3(const mbedtls_ssl_context& ssl) noexcept {
    return mbedtls_ssl_get_version_number(&ssl) == MBEDTLS_SSL_VERSION_TLS1_3;
}

bool is_server(const mbedtls_ssl_context& ssl) noexcept {
    const mbedtls_ssl_config* const config = mbedtls_ssl_context_get_config(&ssl);
    return mbedtls_ssl_conf_get_endpoint(config) == MBEDTLS_SSL_IS_SERVER;
}

std::size_t longest_record(const mbedtls_ssl_context& ssl) noexcept {
    if (!copoll_ssl_reads_encrypted(&ssl))
        return most_plaintext + (copoll_ssl_skips_early_data(&ssl) ? tls1_3_expansion : 0);
    if (is_tls1_3(ssl)) return most_plaintext + tls1_3_expansion;
    const int expansion = mbedtls_ssl_get_record_expansion(&ssl);  // with the header
    return most_plaintext + static_cast<std::size_t>(std::max(expansion, 0));
}

}  // namespace

// In TLS 1.3 every alert ends the connection but the two that end one direction or nothing,
// whatever its level says (RFC 8446 §6); in TLS 1.2 and before the version is known the level
// decides.
std::optional<record_watch::refusal> record_watch::look_back(
    const mbedtls_ssl_context& ssl) noexcept {
    if (looked_back_ || header_filled_ > 0 || body_left_ > 0) return std::nullopt;
    looked_back_ = true;
    if (copoll_ssl_skips_early_data(&ssl)) return std::nullopt;  // nobody has decrypted it
    const int type = copoll_ssl_last_type(&ssl);
    if (type == MBEDTLS_SSL_MSG_CHANGE_CIPHER_SPEC && type != std::to_integer<int>(header_[0]))
        return with(errc::unexpected_message);  // it was encrypted
    if (type != MBEDTLS_SSL_MSG_ALERT) return std::nullopt;
    const std::uint8_t* const dropped = copoll_ssl_last_alert(&ssl);
    if (dropped[0] != MBEDTLS_SSL_ALERT_LEVEL_WARNING) return with(errc::illegal_parameter);
    if (is_tls1_3(ssl) && copoll_ssl_reads_encrypted(&ssl) &&
        static_cast<alert>(dropped[1]) != alert::user_canceled)
        return refusal{error_of_alert(std::byte{dropped[1]}), std::nullopt};
    if (++warnings_ > most_warnings) return with(errc::too_much_work);
    return std::nullopt;
}

std::optional<record_watch::refusal> record_watch::pass(
    const mbedtls_ssl_context& ssl, std::span<const std::byte> bytes) noexcept {
    while (!bytes.empty()) {
        const std::size_t n =
            std::min(bytes.size(), body_left_ > 0 ? body_left_ : header_size - header_filled_);
        if (body_left_ > 0) {
            body_left_ -= n;
            if (alert_in_clear_ && body_left_ == 0)
                return refusal{error_of_alert(bytes[n - 1]), std::nullopt};
        } else {
            std::ranges::copy(bytes.first(n), header_.data() + header_filled_);
            header_filled_ += n;
        }
        bytes = bytes.subspan(n);
        if (header_filled_ < header_size) continue;
        header_filled_ = 0;
        looked_back_ = false;
        if (const auto refused = check_header(ssl)) return refused;
    }
    return std::nullopt;
}

std::optional<record_watch::refusal> record_watch::check_header(
    const mbedtls_ssl_context& ssl) noexcept {
    const auto type = std::to_integer<int>(header_[0]);
    body_left_ = std::to_integer<std::size_t>(header_[3]) << 8 |
                 std::to_integer<std::size_t>(header_[4]);
    if (trace_) trace_->received(static_cast<std::uint8_t>(type), body_left_);
    if (body_left_ > longest_record(ssl))
        return refusal{errc::malformed_message, alert::record_overflow};
    if (type == MBEDTLS_SSL_MSG_CHANGE_CIPHER_SPEC &&
        ++changes_of_cipher_ > most_changes_of_cipher)
        return with(errc::too_much_work);
    if (!is_tls1_3(ssl) || !copoll_ssl_reads_encrypted(&ssl)) return std::nullopt;
    switch (type) {
        case MBEDTLS_SSL_MSG_APPLICATION_DATA: encrypted_ = true; return std::nullopt;
        case MBEDTLS_SSL_MSG_CHANGE_CIPHER_SPEC:  // for middleboxes, in a handshake only
            if (copoll_ssl_where(&ssl) != copoll_ssl_over) return std::nullopt;
            return with(errc::unexpected_message);
        case MBEDTLS_SSL_MSG_ALERT:
            // a client that gives up before it has the server's hello has no keys; any other will
            // not decrypt
            alert_in_clear_ = is_server(ssl) && !encrypted_ && body_left_ == alert_size;
            return std::nullopt;
        default: return with(errc::unexpected_message);
    }
}

}  // namespace copoll::tls::detail
