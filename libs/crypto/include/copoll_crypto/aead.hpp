// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include <copoll_crypto/error.hpp>
#include <copoll_crypto/secret.hpp>

namespace copoll::crypto {

/// ChaCha20-Poly1305 with a nonce of 12 bytes (RFC 8439 §2.8). Allocates nothing.
/// Precondition of all functions: a message of less than 256 GiB.
class chacha20_poly1305 {
public:
    static constexpr std::size_t key_size = 32;
    static constexpr std::size_t nonce_size = 12;
    static constexpr std::size_t tag_size = 16;

    /// Copies the key, and wipes the copy when destroyed.
    explicit chacha20_poly1305(std::span<const std::byte, key_size> key) noexcept : key_(key) {}

    /// Encrypts `message` in place and writes its tag, which may lie right behind it.
    /// A nonce must not be used twice with a key: who sees both messages can then forge others.
    void seal(std::span<const std::byte, nonce_size> nonce, std::span<const std::byte> associated,
              std::span<std::byte> message, std::span<std::byte, tag_size> tag) const noexcept;

    /// Decrypts `message` in place, if `tag` belongs to it and to `associated`.
    /// *Errors:* `errc::bad_tag`; `message` is zeros then.
    [[nodiscard]] result<void> open(std::span<const std::byte, nonce_size> nonce,
                                    std::span<const std::byte> associated,
                                    std::span<std::byte> message,
                                    std::span<const std::byte, tag_size> tag) const noexcept;

    /// The same from one place to another, which are of one size and do not overlap: what would be
    /// copied anyway is encrypted or decrypted on the way. `into` is zeros after an error.
    void seal(std::span<const std::byte, nonce_size> nonce, std::span<const std::byte> associated,
              std::span<const std::byte> message, std::span<std::byte> into,
              std::span<std::byte, tag_size> tag) const noexcept;
    [[nodiscard]] result<void> open(std::span<const std::byte, nonce_size> nonce,
                                    std::span<const std::byte> associated,
                                    std::span<const std::byte> encrypted,
                                    std::span<const std::byte, tag_size> tag,
                                    std::span<std::byte> into) const noexcept;

private:
    secret<key_size> key_;
};

}  // namespace copoll::crypto
