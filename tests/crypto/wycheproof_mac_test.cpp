// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/hmac.hpp>

#include "psa_key.hpp"
#include "wycheproof.hpp"

using namespace copoll::crypto;
using wycheproof::judge;
using wycheproof::test_vector;

namespace {

bool mbedtls_hmac_accepts(const test_vector& v, psa_algorithm_t hash) {
    const bytes message = v.hex("msg"), tag = v.hex("tag");
    const psa_algorithm_t algorithm =
        PSA_ALG_TRUNCATED_MAC(PSA_ALG_HMAC(hash), v.number("tagSize") / 8);
    const psa_key key{PSA_KEY_TYPE_HMAC, algorithm, PSA_KEY_USAGE_VERIFY_MESSAGE, v.hex("key")};
    return psa_mac_verify(key.id(), algorithm, message.raw(), message.size(), tag.raw(),
                          tag.size()) == PSA_SUCCESS;
}

bool mbedtls_hkdf_accepts(const test_vector& v, psa_algorithm_t hash) {
    const bytes input = v.hex("ikm"), salt = v.hex("salt"), info = v.hex("info");
    bytes made(v.number("size"));
    CHECK(psa_crypto_init() == PSA_SUCCESS);
    psa_key_derivation_operation_t hkdf = PSA_KEY_DERIVATION_OPERATION_INIT;
    CHECK(psa_key_derivation_setup(&hkdf, PSA_ALG_HKDF(hash)) == PSA_SUCCESS);
    const auto give = [&](psa_key_derivation_step_t step, const bytes& b) {
        CHECK(psa_key_derivation_input_bytes(&hkdf, step, b.raw(), b.size()) == PSA_SUCCESS);
    };
    give(PSA_KEY_DERIVATION_INPUT_SALT, salt);
    give(PSA_KEY_DERIVATION_INPUT_SECRET, input);
    give(PSA_KEY_DERIVATION_INPUT_INFO, info);
    const bool enough =
        psa_key_derivation_output_bytes(&hkdf, made.raw(), made.size()) == PSA_SUCCESS;
    psa_key_derivation_abort(&hkdf);
    return enough && made == v.hex("okm");
}

}  // namespace

TEST_CASE("wycheproof: HMAC-SHA256 of libsodium") {
    judge("hmac_sha256", [](const test_vector& v) {
        const auto code = hmac_sha256::of(v.hex("key"), v.hex("msg"));
        return equal(code.bytes().first(v.number("tagSize") / 8), v.hex("tag"));
    });
}

TEST_CASE("wycheproof: HMAC of mbedTLS") {
    judge("hmac_sha1", [](auto& v) { return mbedtls_hmac_accepts(v, PSA_ALG_SHA_1); });
    judge("hmac_sha224", [](auto& v) { return mbedtls_hmac_accepts(v, PSA_ALG_SHA_224); });
    judge("hmac_sha256", [](auto& v) { return mbedtls_hmac_accepts(v, PSA_ALG_SHA_256); });
    judge("hmac_sha384", [](auto& v) { return mbedtls_hmac_accepts(v, PSA_ALG_SHA_384); });
    judge("hmac_sha512", [](auto& v) { return mbedtls_hmac_accepts(v, PSA_ALG_SHA_512); });
}

TEST_CASE("wycheproof: HKDF-SHA256 over libsodium") {
    judge("hkdf_sha256", [](const test_vector& v) {
        bytes made(v.number("size"));
        const auto key = hkdf_sha256::extract(v.hex("salt"), v.hex("ikm"));
        return hkdf_sha256::expand(key.bytes(), v.hex("info"), made) && made == v.hex("okm");
    });
}

TEST_CASE("wycheproof: HKDF of mbedTLS") {
    judge("hkdf_sha1", [](auto& v) { return mbedtls_hkdf_accepts(v, PSA_ALG_SHA_1); });
    judge("hkdf_sha256", [](auto& v) { return mbedtls_hkdf_accepts(v, PSA_ALG_SHA_256); });
    judge("hkdf_sha384", [](auto& v) { return mbedtls_hkdf_accepts(v, PSA_ALG_SHA_384); });
    judge("hkdf_sha512", [](auto& v) { return mbedtls_hkdf_accepts(v, PSA_ALG_SHA_512); });
}
