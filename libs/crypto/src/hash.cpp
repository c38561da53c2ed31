// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/hash.hpp>

#include <sodium/crypto_hash_sha256.h>
#include <sodium/crypto_hash_sha512.h>

#include "bytes.hpp"

namespace copoll::crypto {

sha256::sha256() noexcept {
    crypto_hash_sha256_init(state_in<crypto_hash_sha256_state>(state_));
}

void sha256::update(std::span<const std::byte> bytes) noexcept {
    crypto_hash_sha256_update(state_in<crypto_hash_sha256_state>(state_), raw(bytes.data()),
                              bytes.size());
}

sha256::digest sha256::finish() noexcept {
    digest made;
    crypto_hash_sha256_final(state_in<crypto_hash_sha256_state>(state_), raw(made.data()));
    *this = sha256{};
    return made;
}

sha512::sha512() noexcept {
    crypto_hash_sha512_init(state_in<crypto_hash_sha512_state>(state_));
}

void sha512::update(std::span<const std::byte> bytes) noexcept {
    crypto_hash_sha512_update(state_in<crypto_hash_sha512_state>(state_), raw(bytes.data()),
                              bytes.size());
}

sha512::digest sha512::finish() noexcept {
    digest made;
    crypto_hash_sha512_final(state_in<crypto_hash_sha512_state>(state_), raw(made.data()));
    *this = sha512{};
    return made;
}

}  // namespace copoll::crypto
