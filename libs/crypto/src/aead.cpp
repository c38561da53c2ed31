// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/aead.hpp>

#include <sodium/crypto_aead_chacha20poly1305.h>

#include "bytes.hpp"

namespace copoll::crypto {

static_assert(chacha20_poly1305::key_size == crypto_aead_chacha20poly1305_ietf_KEYBYTES);
static_assert(chacha20_poly1305::nonce_size == crypto_aead_chacha20poly1305_ietf_NPUBBYTES);
static_assert(chacha20_poly1305::tag_size == crypto_aead_chacha20poly1305_ietf_ABYTES);

void chacha20_poly1305::seal(std::span<const std::byte, nonce_size> nonce,
                             std::span<const std::byte> associated,
                             std::span<const std::byte> message, std::span<std::byte> into,
                             std::span<std::byte, tag_size> tag) const noexcept {
    crypto_aead_chacha20poly1305_ietf_encrypt_detached(
        never_null(into), raw(tag.data()), nullptr, never_null(message), message.size(),
        raw(associated.data()), associated.size(), nullptr, raw(nonce.data()),
        raw(key_.bytes().data()));
}

result<void> chacha20_poly1305::open(std::span<const std::byte, nonce_size> nonce,
                                     std::span<const std::byte> associated,
                                     std::span<const std::byte> encrypted,
                                     std::span<const std::byte, tag_size> tag,
                                     std::span<std::byte> into) const noexcept {
    if (crypto_aead_chacha20poly1305_ietf_decrypt_detached(
            never_null(into), nullptr, never_null(encrypted), encrypted.size(), raw(tag.data()),
            raw(associated.data()), associated.size(), raw(nonce.data()),
            raw(key_.bytes().data())) != 0) {
        return std::unexpected(make_error_code(errc::bad_tag));
    }
    return {};
}

void chacha20_poly1305::seal(std::span<const std::byte, nonce_size> nonce,
                             std::span<const std::byte> associated, std::span<std::byte> message,
                             std::span<std::byte, tag_size> tag) const noexcept {
    seal(nonce, associated, message, message, tag);
}

result<void> chacha20_poly1305::open(std::span<const std::byte, nonce_size> nonce,
                                     std::span<const std::byte> associated,
                                     std::span<std::byte> message,
                                     std::span<const std::byte, tag_size> tag) const noexcept {
    return open(nonce, associated, message, tag, message);
}

}  // namespace copoll::crypto
