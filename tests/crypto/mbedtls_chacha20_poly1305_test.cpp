// SPDX-License-Identifier: MIT OR Apache-2.0
// mbedTLS's ChaCha20-Poly1305 is libsodium's: this program has a libsodium of its own, whose
// answers tell. That they are right is for Wycheproof's vectors and the tests of TLS.
#include <psa/crypto.h>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>

#include "psa_key.hpp"

namespace {

int sealed = 0;
int opened = 0;
int answer = 0;
std::array<unsigned char, 32> key_used;

constexpr std::size_t tag_size = 16;
constexpr std::size_t nonce_size = 12;

}  // namespace

// The linker takes these, and leaves the archive's where they are.
extern "C" {
int crypto_aead_chacha20poly1305_ietf_encrypt_detached(
    unsigned char* into, unsigned char* tag, unsigned long long*, const unsigned char*,
    unsigned long long size, const unsigned char*, unsigned long long, const unsigned char*,
    const unsigned char*, const unsigned char* key) {
    ++sealed;
    std::copy_n(key, key_used.size(), key_used.begin());
    std::fill_n(into, size, static_cast<unsigned char>(0xa5));
    std::fill_n(tag, tag_size, static_cast<unsigned char>(0x5a));
    return 0;
}
int crypto_aead_chacha20poly1305_ietf_decrypt_detached(
    unsigned char* into, unsigned char*, const unsigned char*, unsigned long long size,
    const unsigned char*, const unsigned char*, unsigned long long, const unsigned char*,
    const unsigned char* key) {
    ++opened;
    std::copy_n(key, key_used.size(), key_used.begin());
    std::fill_n(into, size, static_cast<unsigned char>(0xa5));
    return answer;
}
}

namespace {

bytes counted_key() {
    bytes key(32);
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::byte>(i * 7);
    return key;
}

bool is_in_use(const bytes& key) {
    return std::equal(key_used.begin(), key_used.end(), key.raw());
}

}  // namespace

TEST_CASE("mbedtls: its ChaCha20-Poly1305 is libsodium's, with the key that was imported") {
    const bytes key_bytes = counted_key();
    const psa_key key{PSA_KEY_TYPE_CHACHA20, PSA_ALG_CHACHA20_POLY1305,
                      PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT, key_bytes};
    REQUIRE(key.usable());
    const std::array<unsigned char, nonce_size> nonce{};
    const std::array<unsigned char, 5> ad{};
    std::array<unsigned char, 40> text{};
    std::array<unsigned char, 40 + tag_size> record{};
    std::size_t size = 0;

    sealed = opened = 0;
    key_used = {};
    CHECK(psa_aead_encrypt(key.id(), PSA_ALG_CHACHA20_POLY1305, nonce.data(), nonce.size(),
                           ad.data(), ad.size(), text.data(), text.size(), record.data(),
                           record.size(), &size) == PSA_SUCCESS);
    CHECK(size == record.size());
    CHECK(sealed == 1);
    CHECK(is_in_use(key_bytes));
    CHECK(record.front() == 0xa5);
    CHECK(record.back() == 0x5a);

    key_used = {};
    CHECK(psa_aead_decrypt(key.id(), PSA_ALG_CHACHA20_POLY1305, nonce.data(), nonce.size(),
                           ad.data(), ad.size(), record.data(), record.size(), text.data(),
                           text.size(), &size) == PSA_SUCCESS);
    CHECK(size == text.size());
    CHECK(opened == 1);
    CHECK(is_in_use(key_bytes));
    CHECK(text.back() == 0xa5);

    answer = -1;
    CHECK(psa_aead_decrypt(key.id(), PSA_ALG_CHACHA20_POLY1305, nonce.data(), nonce.size(),
                           ad.data(), ad.size(), record.data(), record.size(), text.data(),
                           text.size(), &size) == PSA_ERROR_INVALID_SIGNATURE);
    answer = 0;
}
