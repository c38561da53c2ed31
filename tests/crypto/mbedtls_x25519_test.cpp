// SPDX-License-Identifier: MIT OR Apache-2.0
// mbedTLS's X25519 is libsodium's: this program has a libsodium of its own, whose answers tell.
#include <psa/crypto.h>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>

namespace {

int agreements = 0;
int public_keys = 0;
int answer = 0;

}  // namespace

// The linker takes these, and leaves the archive's where they are.
extern "C" {
int crypto_scalarmult_curve25519(unsigned char* shared, const unsigned char*,
                                 const unsigned char*) {
    ++agreements;
    std::fill_n(shared, 32, static_cast<unsigned char>(0xa5));
    return answer;
}
int crypto_scalarmult_curve25519_base(unsigned char* made, const unsigned char*) {
    ++public_keys;
    std::fill_n(made, 32, static_cast<unsigned char>(0x5a));
    return 0;
}
}

namespace {

psa_key_id_t generate(psa_ecc_family_t family, std::size_t bits) {
    CHECK(psa_crypto_init() == PSA_SUCCESS);
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE | PSA_KEY_USAGE_EXPORT);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDH);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(family));
    psa_set_key_bits(&attributes, bits);
    psa_key_id_t key = PSA_KEY_ID_NULL;
    CHECK(psa_generate_key(&attributes, &key) == PSA_SUCCESS);
    agreements = public_keys = 0;
    return key;
}

using x25519_bytes = std::array<unsigned char, 32>;

x25519_bytes all(unsigned char value) {
    x25519_bytes made;
    made.fill(value);
    return made;
}

}  // namespace

TEST_CASE("mbedtls: its X25519 public keys come from libsodium") {
    const psa_key_id_t key = generate(PSA_ECC_FAMILY_MONTGOMERY, 255);
    x25519_bytes made{};
    std::size_t size = 0;
    CHECK(psa_export_public_key(key, made.data(), made.size(), &size) == PSA_SUCCESS);
    CHECK(size == made.size());
    CHECK(made == all(0x5a));
    CHECK(public_keys == 1);
    psa_destroy_key(key);
}

TEST_CASE("mbedtls: its X25519 secrets come from libsodium, and a refusal is passed on") {
    const psa_key_id_t key = generate(PSA_ECC_FAMILY_MONTGOMERY, 255);
    const x25519_bytes peer = all(9);
    x25519_bytes made{};
    std::size_t size = 0;
    const auto agree = [&](std::size_t peer_size, std::size_t room) {
        return psa_raw_key_agreement(PSA_ALG_ECDH, key, peer.data(), peer_size, made.data(), room,
                                     &size);
    };
    CHECK(agree(32, 32) == PSA_SUCCESS);
    CHECK(size == made.size());
    CHECK(made == all(0xa5));

    CHECK(agree(31, 32) == PSA_ERROR_INVALID_ARGUMENT);
    CHECK(agree(32, 31) == PSA_ERROR_BUFFER_TOO_SMALL);
    CHECK(agreements == 1);

    answer = -1;
    CHECK(agree(32, 32) == PSA_ERROR_INVALID_ARGUMENT);
    CHECK(made != all(0xa5));
    answer = 0;
    psa_destroy_key(key);
}

TEST_CASE("mbedtls: other curves are its own") {
    const psa_key_id_t key = generate(PSA_ECC_FAMILY_SECP_R1, 256);
    std::array<unsigned char, 65> point{};
    std::array<unsigned char, 32> made{};
    std::size_t size = 0;
    CHECK(psa_export_public_key(key, point.data(), point.size(), &size) == PSA_SUCCESS);
    CHECK(psa_raw_key_agreement(PSA_ALG_ECDH, key, point.data(), point.size(), made.data(),
                                made.size(), &size) == PSA_SUCCESS);
    CHECK(agreements + public_keys == 0);
    psa_destroy_key(key);
}
