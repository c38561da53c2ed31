// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include <copoll/result.hpp>

#include "pbe.hpp"
#include "x509.hpp"

namespace copoll::tls::detail {

/// PEM or DER; forms and errors as `private_identity::parse` documents them.
result<void> parse_private_key(private_key& into, std::string_view pem_or_der,
                               std::string_view passphrase);

/// PKCS#8, PKCS#1 or SEC1, not encrypted.
result<void> parse_private_key(private_key& into, std::span<const unsigned char> der);

/// An EncryptedPrivateKeyInfo (RFC 5958 §3).
result<void> parse_encrypted_private_key(private_key& into, std::span<const unsigned char> der,
                                         const passphrase_forms& passphrase);

}  // namespace copoll::tls::detail
