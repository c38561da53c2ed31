// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <copoll/p2p/error.hpp>
#include <copoll_crypto/ed25519.hpp>

/// The keys that peers are known by (libp2p peer-ids specification, "Keys"). This side signs with
/// Ed25519; signatures are verified of all four kinds.

namespace copoll::p2p {

enum class key_type : std::uint8_t { rsa = 0, ed25519 = 1, secp256k1 = 2, ecdsa = 3 };

/// The key of somebody who signs.
class public_key {
public:
    explicit public_key(const crypto::ed25519::public_key& key);

    /// From its protobuf message, in the one encoding that the specification allows.
    /// *Errors:* `errc::malformed_key`; `errc::unsupported_key` for an RSA key of less than 2048 or
    /// more than 8192 bits, a curve other than P-256 under `ecdsa`, and a type that is not known.
    static result<public_key> decode(std::span<const std::byte> message);
    /// Its protobuf message: what a peer id is made of.
    std::vector<std::byte> encode() const;

    key_type type() const noexcept { return type_; }
    /// 32 bytes of Ed25519, 33 of secp256k1 (compressed), the DER of a SubjectPublicKeyInfo of the
    /// others.
    std::span<const std::byte> data() const noexcept { return data_; }

    /// Whether the key's holder signed `message`. ECDSA and RSA (PKCS #1 v1.5) sign its SHA-256.
    /// *Errors:* `errc::bad_signature`.
    [[nodiscard]] result<void> verify(std::span<const std::byte> message,
                                      std::span<const std::byte> signature) const;

    friend bool operator==(const public_key&, const public_key&) = default;

private:
    public_key(key_type type, std::span<const std::byte> data)
        : type_(type), data_(data.begin(), data.end()) {}

    key_type type_;
    std::vector<std::byte> data_;
};

/// An Ed25519 key to sign with. Wipes itself.
class private_key {
public:
    /// A new one, of the host's randomness.
    static private_key generate_ed25519() noexcept;

    /// From its protobuf message, which other implementations keep keys in: 64 bytes of seed and
    /// public key, or 96 with the public key twice.
    /// *Errors:* `errc::malformed_key`, also if the public key belongs to another seed;
    /// `errc::unsupported_key` for other types.
    static result<private_key> decode(std::span<const std::byte> message);
    /// To be kept secret, and wiped (`copoll::crypto::wipe`) when it is not needed any more.
    std::vector<std::byte> encode() const;

    p2p::public_key public_key() const;
    std::vector<std::byte> sign(std::span<const std::byte> message) const;

private:
    explicit private_key(crypto::ed25519::private_key key) noexcept : key_(std::move(key)) {}

    crypto::ed25519::private_key key_;
};

}  // namespace copoll::p2p
