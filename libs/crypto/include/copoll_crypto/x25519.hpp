// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <copoll_crypto/error.hpp>
#include <copoll_crypto/secret.hpp>

/// Key agreement on Curve25519 (RFC 7748 §5, §6.1). Constant time.
namespace copoll::crypto::x25519 {

constexpr std::size_t key_size = 32;

/// Any 32 bytes are one: what the RFC wants cleared or set is, at each use.
using private_key = secret<key_size>;
using public_key = std::array<std::byte, key_size>;

private_key generate() noexcept;

public_key public_key_of(const private_key& own) noexcept;

/// What both sides get from their private and the other's public key. Not uniform: derive keys from
/// it, see `hkdf_sha256`.
/// *Errors:* `errc::low_order_point` if the result is zero, as RFC 7748 §6.1 advises.
[[nodiscard]] result<secret<key_size>> agree(const private_key& own,
                                             std::span<const std::byte, key_size> peer) noexcept;

}  // namespace copoll::crypto::x25519
