// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/random.hpp>
#include <copoll_crypto/secret.hpp>

#include <sodium/randombytes.h>
#include <sodium/utils.h>

namespace copoll::crypto {

void wipe(std::span<std::byte> bytes) noexcept { sodium_memzero(bytes.data(), bytes.size()); }

bool equal(std::span<const std::byte> a, std::span<const std::byte> b) noexcept {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

void fill_random(std::span<std::byte> bytes) noexcept {
    randombytes_buf(bytes.data(), bytes.size());
}

}  // namespace copoll::crypto
