// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/ed25519.hpp>
#include <copoll_crypto/random.hpp>

#include <sodium/crypto_sign_ed25519.h>

#include "bytes.hpp"

namespace copoll::crypto::ed25519 {

static_assert(seed_size + public_key_size == crypto_sign_ed25519_SECRETKEYBYTES);

private_key::private_key(std::span<const std::byte, seed_size> seed) noexcept {
    ed25519::public_key unused;
    crypto_sign_ed25519_seed_keypair(raw(unused.data()), raw(seed_and_public_key_.bytes().data()),
                                     raw(seed.data()));
}

private_key private_key::generate() noexcept {
    return private_key{random_secret<seed_size>().bytes()};
}

std::span<const std::byte, seed_size> private_key::seed() const noexcept {
    return seed_and_public_key_.bytes().first<seed_size>();
}

ed25519::public_key private_key::public_key() const noexcept {
    ed25519::public_key copy;
    std::ranges::copy(seed_and_public_key_.bytes().last<public_key_size>(), copy.begin());
    return copy;
}

signature private_key::sign(std::span<const std::byte> message) const noexcept {
    signature made;
    crypto_sign_ed25519_detached(raw(made.data()), nullptr, raw(message.data()), message.size(),
                                 raw(seed_and_public_key_.bytes().data()));
    return made;
}

result<void> verify(std::span<const std::byte, public_key_size> key,
                    std::span<const std::byte> message,
                    std::span<const std::byte, signature_size> sig) noexcept {
    if (crypto_sign_ed25519_verify_detached(raw(sig.data()), raw(message.data()),
                                            message.size(), raw(key.data())) != 0) {
        return std::unexpected(make_error_code(errc::bad_signature));
    }
    return {};
}

}  // namespace copoll::crypto::ed25519
