// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <copoll_crypto/error.hpp>
#include <copoll_crypto/secret.hpp>

/// Signatures on edwards25519: Ed25519, without a context or prehash (RFC 8032 §5.1).
namespace copoll::crypto::ed25519 {

constexpr std::size_t seed_size = 32;
constexpr std::size_t public_key_size = 32;
constexpr std::size_t signature_size = 64;

using public_key = std::array<std::byte, public_key_size>;
using signature = std::array<std::byte, signature_size>;

/// Wipes itself.
class private_key {
public:
    /// The key that `seed` stands for: the RFC's private key.
    explicit private_key(std::span<const std::byte, seed_size> seed) noexcept;
    static private_key generate() noexcept;

    /// To be kept secret. Valid as long as this object.
    std::span<const std::byte, seed_size> seed() const noexcept;
    ed25519::public_key public_key() const noexcept;

    /// The same message always gives the same signature.
    signature sign(std::span<const std::byte> message) const noexcept;

private:
    secret<seed_size + public_key_size> seed_and_public_key_;
};

/// Whether the holder of `key` signed `message`. Public keys and signatures in other than their
/// canonical encoding, and keys of small order, verify nothing.
/// *Errors:* `errc::bad_signature`.
[[nodiscard]] result<void> verify(std::span<const std::byte, public_key_size> key,
                                  std::span<const std::byte> message,
                                  std::span<const std::byte, signature_size> sig) noexcept;

}  // namespace copoll::crypto::ed25519
