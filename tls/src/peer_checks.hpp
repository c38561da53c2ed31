// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <mbedtls/ssl.h>

#include <copoll/tls/certificate.hpp>
#include <copoll/tls/types.hpp>

/// What mbedTLS takes of a peer and must not be taken.

namespace copoll::tls::detail {

/// Whether the key of a certificate makes signatures of a scheme, in TLS 1.3.
bool is_for(signature_scheme scheme, const certificate& leaf) noexcept;

/// After each step of a handshake: whether the peer may have proved itself with the scheme that it
/// used. mbedTLS takes PKCS #1, and ECDSA with the hash of another curve (RFC 8446 §4.2.3).
bool proof_is_fit(const mbedtls_ssl_context& ssl);

/// Whether the server's certificate is of the kind that the cipher suite of TLS 1.2 names.
bool suite_fits_server(const mbedtls_ssl_context& ssl);

}  // namespace copoll::tls::detail
