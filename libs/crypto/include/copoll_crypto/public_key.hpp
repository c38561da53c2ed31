// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <copoll_crypto/error.hpp>

namespace copoll::crypto {

enum class key_kind { ecdsa_p256, ecdsa_secp256k1, rsa };

/// A key on P-256, on secp256k1 or of RSA that somebody else signs with. For Ed25519 see
/// `ed25519.hpp`.
class public_key {
public:
    static constexpr std::size_t shortest_rsa = 2048;  ///< bits
    static constexpr std::size_t longest_rsa = 8192;   ///< bits: verifying takes milliseconds

    /// From the DER of a SubjectPublicKeyInfo (RFC 5280 §4.1), with nothing behind it. Allocates.
    /// *Errors:* `errc::malformed_key`; `errc::unsupported_key` for another curve or algorithm, or
    /// an RSA key that is too short or too long.
    static result<public_key> parse(std::span<const std::byte> der);

    public_key(public_key&&) noexcept;
    public_key& operator=(public_key&&) noexcept;
    ~public_key();

    key_kind kind() const noexcept;

    /// Whether the key's holder signed `message`, hashed with SHA-256: ECDSA with the signature in
    /// DER (RFC 3279 §2.2.3), RSA with PKCS #1 v1.5 padding (RFC 8017 §8.2). Allocates.
    /// *Errors:* `errc::bad_signature`.
    [[nodiscard]] result<void> verify(std::span<const std::byte> message,
                                      std::span<const std::byte> signature) const;

private:
    struct state;
    explicit public_key(std::unique_ptr<state>) noexcept;

    std::unique_ptr<state> state_;
};

}  // namespace copoll::crypto
