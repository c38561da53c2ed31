// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <copoll/result.hpp>

#include "secret.hpp"

/// Files of certificates and keys: PEM (RFC 7468), or DER as it is.

namespace copoll::tls::detail {

bool is_pem(std::string_view text) noexcept;

/// The blocks with the given label, such as "CERTIFICATE", in their order; in a text that is not
/// PEM, the DER values that it consists of. A block that is damaged is there, empty.
std::vector<std::vector<std::byte>> blocks(std::string_view pem_or_der, std::string_view label);

/// The first PEM block with this label, decrypted if it is encrypted in the way of RFC 1421.
/// Nothing if there is none. *Errors:* `errc::private_key_malformed`, `errc::passphrase_wrong`,
/// `copoll::errc::not_supported`.
result<std::optional<secret>> key_block(std::string_view pem, std::string_view label,
                                        std::string_view passphrase);

/// What mbedTLS takes where it does not write to.
inline const unsigned char* raw(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}
inline const unsigned char* raw(std::span<const std::byte> bytes) noexcept {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace copoll::tls::detail
