// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/result.hpp>

namespace copoll::tls::detail {

/// Starts mbedTLS's cryptography, once. Comes before parsing a key or certificate, and before a
/// handshake. *Errors:* `errc::internal`, when the host gives no randomness.
result<void> crypto_ready() noexcept;

}  // namespace copoll::tls::detail
