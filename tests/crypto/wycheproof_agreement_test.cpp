// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/x25519.hpp>

#include <mbedtls/pk.h>

#include <algorithm>
#include <string>

#include "psa_key.hpp"
#include "wycheproof.hpp"

using namespace copoll::crypto;
using wycheproof::judge;
using wycheproof::test_vector;

namespace {

constexpr psa_key_type_t secp_r1 = PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1);
constexpr psa_key_type_t montgomery = PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY);

bool agrees(const test_vector& v, psa_key_type_t type, const bytes& own, const bytes& peer) {
    const psa_key key{type, PSA_ALG_ECDH, PSA_KEY_USAGE_DERIVE, own};
    if (!key.usable()) return false;
    bytes shared(PSA_RAW_KEY_AGREEMENT_OUTPUT_MAX_SIZE);
    std::size_t size = 0;
    if (psa_raw_key_agreement(PSA_ALG_ECDH, key.id(), peer.raw(), peer.size(), shared.raw(),
                              shared.size(), &size) != PSA_SUCCESS) {
        return false;
    }
    shared.resize(size);
    return shared == v.hex("shared");
}

/// The number in as many bytes as the curve's are.
bytes scalar(const bytes& number, std::size_t size) {
    bytes made(size);
    const std::size_t n = std::min(number.size(), size);
    std::copy(number.end() - static_cast<std::ptrdiff_t>(n), number.end(),
              made.end() - static_cast<std::ptrdiff_t>(n));
    return made;
}

/// The point that is in a SubjectPublicKeyInfo, if it is one of the curve.
bytes point_in(const bytes& der, mbedtls_ecp_group_id curve) {
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    auto* at = const_cast<unsigned char*>(der.raw());
    const unsigned char* const end = at + der.size();
    bytes point(MBEDTLS_ECP_MAX_PT_LEN);
    std::size_t size = 0;
    if (!der.empty() && mbedtls_pk_parse_subpubkey(&at, end, &key) == 0 && at == end &&
        mbedtls_pk_get_type(&key) == MBEDTLS_PK_ECKEY &&
        mbedtls_ecp_keypair_get_group_id(mbedtls_pk_ec(key)) == curve) {
        CHECK(mbedtls_ecp_write_public_key(mbedtls_pk_ec(key), MBEDTLS_ECP_PF_UNCOMPRESSED, &size,
                                           point.raw(), point.size()) == 0);
    }
    mbedtls_pk_free(&key);
    point.resize(size);
    return point;
}

std::optional<bool> low_order_is_refused(const test_vector& v) {
    if (v.has("ZeroSharedSecret")) return false;
    return {};
}

std::optional<bool> uncompressed_points_only(const test_vector& v) {
    if (v.has("CompressedPoint")) return false;
    return {};
}

/// mbedTLS reads lengths that are longer than they need to be. Other mistakes of DER, and curves
/// without a name, it refuses.
std::optional<bool> der_with_long_lengths(const test_vector& v) {
    if (v.has("InvalidAsn")) {
        return v.has_comment("long_form_encoding_of_length") ||
               v.has_comment("contains_leading_0");
    }
    if (v.has("UnnamedCurve")) return false;
    return {};
}

/// With the peer's point as it comes in a key share, and in a SubjectPublicKeyInfo.
void judge_ecdh(std::string curve, mbedtls_ecp_group_id id, std::size_t size) {
    judge(
        "ecdh_" + curve + "_ecpoint",
        [&](const test_vector& v) {
            return agrees(v, secp_r1, scalar(v.hex("private"), size),
                          v.hex("public"));
        },
        uncompressed_points_only);
    judge(
        "ecdh_" + curve,
        [&](const test_vector& v) {
            return agrees(v, secp_r1, scalar(v.hex("private"), size),
                          point_in(v.hex("public"), id));
        },
        der_with_long_lengths);
}

}  // namespace

TEST_CASE("wycheproof: X25519 of libsodium") {
    judge(
        "x25519",
        [](const test_vector& v) {
            const bytes own = v.hex("private"), peer = v.hex("public");
            if (own.size() != 32 || peer.size() != 32) return false;
            const auto shared = x25519::agree(x25519::private_key{first<32>(own)}, first<32>(peer));
            return shared && bytes{shared->bytes()} == v.hex("shared");
        },
        low_order_is_refused);
}

TEST_CASE("wycheproof: X25519 of mbedTLS") {
    judge(
        "x25519",
        [](const test_vector& v) {
            return agrees(v, montgomery, v.hex("private"), v.hex("public"));
        },
        low_order_is_refused);
}

TEST_CASE("wycheproof: ECDH of mbedTLS on P-256") {
    judge_ecdh("secp256r1", MBEDTLS_ECP_DP_SECP256R1, 32);
}

TEST_CASE("wycheproof: ECDH of mbedTLS on P-384") {
    judge_ecdh("secp384r1", MBEDTLS_ECP_DP_SECP384R1, 48);
}

TEST_CASE("wycheproof: ECDH of mbedTLS on P-521") {
    judge_ecdh("secp521r1", MBEDTLS_ECP_DP_SECP521R1, 66);
}
