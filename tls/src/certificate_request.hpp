// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <copoll/tls/types.hpp>

namespace copoll::tls::detail {

using distinguished_names = std::vector<std::vector<std::byte>>;

/// The DER names of the authorities that a CertificateRequest wants a certificate of (RFC 8446
/// §4.2.4, RFC 5246 §7.4.4). `message` has its header. Empty as well if it is malformed, which
/// mbedTLS finds.
distinguished_names authorities_of(std::span<const std::byte> message, protocol_version version);

}  // namespace copoll::tls::detail
