// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <mbedtls/ssl.h>
#include <psa/crypto.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include <copoll/tls/error.hpp>
#include <copoll/tls/identity.hpp>
#include <copoll/tls/trust.hpp>
#include <copoll/tls/types.hpp>

namespace copoll::tls::detail {

/// A hash that goes on from where another was.
class transcript {
public:
    transcript() noexcept = default;
    transcript(const transcript&) = delete;
    transcript& operator=(const transcript&) = delete;
    ~transcript() { psa_hash_abort(&operation_); }

    psa_hash_operation_t* native() noexcept { return &operation_; }
    bool copy_from(const transcript& other) noexcept;
    bool add(std::span<const std::byte> message) noexcept;
    /// The hash so far; empty if that fails.
    std::span<const std::uint8_t> value() noexcept;

private:
    psa_hash_operation_t operation_ = PSA_HASH_OPERATION_INIT;
    std::uint8_t value_[PSA_HASH_MAX_SIZE]{};
};

/// A server asks a client of TLS 1.3 who it is, after the handshake (RFC 8446 §4.6.2), which
/// mbedTLS does not do: it hands the messages over. Certificate, CertificateVerify and Finished
/// follow each other without anything between.
class post_handshake_auth {
public:
    /// Where the handshake's messages end.
    transcript& handshake() noexcept { return handshake_; }

    /// The request, to be sent; empty if that fails. One at a time.
    std::vector<std::byte> request(std::span<const std::uint16_t> schemes);
    bool is_pending() const noexcept { return step_ != step::none; }

    /// A message that the client sent. What is wrong with it, as an error to tell it.
    std::error_code take(mbedtls_ssl_context& ssl, std::span<const std::byte> message,
                         const trust_anchors& roots);

    /// After the last message: whom the client proved to be, if anybody.
    const std::optional<public_identity>& identity() const noexcept { return identity_; }
    /// Flags of its verification, of mbedTLS.
    std::uint32_t flags() const noexcept { return flags_; }

private:
    enum class step { none, certificate, verify, finished };

    std::error_code take_certificate(std::span<const std::byte> body, const trust_anchors& roots);
    std::error_code take_verify(std::span<const std::byte> body);
    std::error_code take_finished(mbedtls_ssl_context& ssl, std::span<const std::byte> body);

    transcript handshake_;
    transcript messages_;
    std::vector<std::byte> context_;
    std::vector<std::uint16_t> schemes_;
    step step_ = step::none;
    std::optional<public_identity> identity_;
    std::uint32_t flags_ = 0;
};

}  // namespace copoll::tls::detail
