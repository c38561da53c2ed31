// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/aead.hpp>

#include "psa_key.hpp"
#include "wycheproof.hpp"

using namespace copoll::crypto;
using wycheproof::judge;
using wycheproof::test_vector;

namespace {

bytes joined(bytes front, const bytes& back) {
    front.insert(front.end(), back.begin(), back.end());
    return front;
}

bool libsodium_accepts(const test_vector& v) {
    const bytes key = v.hex("key"), nonce = v.hex("iv"), ad = v.hex("aad"), tag = v.hex("tag");
    if (key.size() != 32 || nonce.size() != 12 || tag.size() != 16) return false;
    const chacha20_poly1305 aead{first<32>(key)};

    bytes text = v.hex("msg");
    bytes own_tag(16);
    aead.seal(first<12>(nonce), ad, text, std::span(own_tag).first<16>());
    CHECK((text == v.hex("ct") && own_tag == tag) ==
          (v.expected() != wycheproof::verdict::invalid));

    text = v.hex("ct");
    return aead.open(first<12>(nonce), ad, text, first<16>(tag)) && text == v.hex("msg");
}

bool mbedtls_accepts(const test_vector& v, psa_key_type_t type, psa_algorithm_t full) {
    const std::size_t tag_size = v.number("tagSize") / 8;
    const psa_algorithm_t algorithm = PSA_ALG_AEAD_WITH_SHORTENED_TAG(full, tag_size);
    const psa_key key{type, algorithm, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT,
                      v.hex("key")};
    if (!key.usable()) return false;
    const bytes nonce = v.hex("iv"), ad = v.hex("aad"), plain = v.hex("msg");
    const bytes sealed = joined(v.hex("ct"), v.hex("tag"));
    const auto seal = [&](const bytes& from, bytes& into) {
        std::size_t size = 0;
        return psa_aead_encrypt(key.id(), algorithm, nonce.raw(), nonce.size(), ad.raw(), ad.size(),
                                from.raw(), plain.size(), into.raw(), into.size(), &size);
    };
    const auto open = [&](const bytes& from, bytes& into) {
        std::size_t size = 0;
        return psa_aead_decrypt(key.id(), algorithm, nonce.raw(), nonce.size(), ad.raw(), ad.size(),
                                from.raw(), from.size(), into.raw(), into.size(), &size);
    };

    bytes own(plain.size() + tag_size);
    const psa_status_t seals = seal(plain, own);
    if (v.expected() == wycheproof::verdict::valid) {
        CHECK(seals == PSA_SUCCESS);
        CHECK(own == sealed);
    }
    bytes opened(plain.size());
    const psa_status_t opens = open(sealed, opened);

    // in place, as TLS does it
    bytes record = plain;
    record.resize(own.size());
    CHECK(seal(record, record) == seals);
    if (seals == PSA_SUCCESS) CHECK(record == own);
    record = sealed;
    CHECK(open(record, record) == opens);
    record.resize(plain.size());
    if (opens == PSA_SUCCESS) CHECK(record == opened);
    if (opens == PSA_ERROR_INVALID_SIGNATURE) CHECK(record == bytes(plain.size()));
    return opens == PSA_SUCCESS && opened == plain;
}

}  // namespace

TEST_CASE("wycheproof: ChaCha20-Poly1305 of libsodium") {
    judge("chacha20_poly1305", libsodium_accepts);
}

TEST_CASE("wycheproof: ChaCha20-Poly1305 of mbedTLS") {
    judge("chacha20_poly1305", [](const test_vector& v) {
        return mbedtls_accepts(v, PSA_KEY_TYPE_CHACHA20, PSA_ALG_CHACHA20_POLY1305);
    });
}

TEST_CASE("wycheproof: AES-GCM of mbedTLS") {
    judge("aes_gcm", [](const test_vector& v) {
        return mbedtls_accepts(v, PSA_KEY_TYPE_AES, PSA_ALG_GCM);
    });
}

TEST_CASE("wycheproof: AES-CCM of mbedTLS") {
    judge("aes_ccm", [](const test_vector& v) {
        return mbedtls_accepts(v, PSA_KEY_TYPE_AES, PSA_ALG_CCM);
    });
}
