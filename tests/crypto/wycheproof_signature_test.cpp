// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/ed25519.hpp>
#include <copoll_crypto/public_key.hpp>

#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <psa/crypto.h>

#include <string>

#include "wycheproof.hpp"

using namespace copoll::crypto;
using wycheproof::judge;
using wycheproof::test_vector;

namespace {

/// A key that mbedTLS has read from DER, as it reads those of certificates.
class pk_key {
public:
    explicit pk_key(const bytes& der) {
        CHECK(psa_crypto_init() == PSA_SUCCESS);
        mbedtls_pk_init(&key_);
        auto* at = const_cast<unsigned char*>(der.raw());
        CHECK(mbedtls_pk_parse_subpubkey(&at, at + der.size(), &key_) == 0);
    }
    pk_key(const pk_key&) = delete;
    ~pk_key() { mbedtls_pk_free(&key_); }
    mbedtls_pk_context* get() { return &key_; }

private:
    mbedtls_pk_context key_;
};

mbedtls_md_type_t hash_named(std::string_view name) {
    if (name == "SHA-1") return MBEDTLS_MD_SHA1;
    if (name == "SHA-224") return MBEDTLS_MD_SHA224;
    if (name == "SHA-256") return MBEDTLS_MD_SHA256;
    if (name == "SHA-384") return MBEDTLS_MD_SHA384;
    if (name == "SHA-512") return MBEDTLS_MD_SHA512;
    FAIL_CHECK("no hash " << name);
    return MBEDTLS_MD_NONE;
}

bytes hash(mbedtls_md_type_t type, const bytes& message) {
    const mbedtls_md_info_t* const info = mbedtls_md_info_from_type(type);
    bytes made(mbedtls_md_get_size(info));
    CHECK(mbedtls_md(info, message.raw(), message.size(), made.raw()) == 0);
    return made;
}

bool mbedtls_accepts(const test_vector& v) {
    const mbedtls_md_type_t sha = hash_named(v.text("sha"));
    const bytes digest = hash(sha, v.hex("msg")), signature = v.hex("sig");
    pk_key key{v.hex("keyDer")};
    return mbedtls_pk_verify(key.get(), sha, digest.raw(), digest.size(), signature.raw(),
                             signature.size()) == 0;
}

bool mbedtls_accepts_pss(const test_vector& v) {
    const mbedtls_md_type_t sha = hash_named(v.text("sha"));
    const bytes digest = hash(sha, v.hex("msg")), signature = v.hex("sig");
    const mbedtls_pk_rsassa_pss_options options{
        .mgf1_hash_id = hash_named(v.text("mgfSha")),
        .expected_salt_len = static_cast<int>(v.number("sLen"))};
    pk_key key{v.hex("keyDer")};
    return mbedtls_pk_verify_ext(MBEDTLS_PK_RSASSA_PSS, &options, key.get(), sha, digest.raw(),
                                 digest.size(), signature.raw(), signature.size()) == 0;
}

bool public_key_accepts(const test_vector& v) {
    const auto key = public_key::parse(v.hex("keyDer"));
    CHECK(key);
    return key && key->verify(v.hex("msg"), v.hex("sig"));
}

/// The sign bit of r or s is set: refused.
std::optional<bool> no_negative_numbers(const test_vector& v) {
    if (v.has("MissingZero")) return false;
    return {};
}

/// mbedTLS also reads lengths that are longer than they need to be. That gives a signature more
/// than one form, on which nothing in TLS depends; `public_key` takes but one.
std::optional<bool> der_with_long_lengths(const test_vector& v) {
    if (v.has("BER") && (v.has_comment("long_form_encoding_of_length") ||
                         v.has_comment("contains_leading_0"))) {
        return true;
    }
    return no_negative_numbers(v);
}

/// The name of the hash without its parameters, an error of old implementations: refused.
std::optional<bool> no_missing_null(const test_vector& v) {
    if (v.has("MissingNull")) return false;
    return {};
}

/// mbedTLS takes a salt of any length if the two hashes are the same (which is what TLS asks for),
/// and cannot do with two that are not of the same length.
std::optional<bool> any_salt_but_one_hash(const test_vector& v) {
    if (v.text("sha") != v.text("mgfSha")) return false;
    if (v.has_comment("s_len_changed")) return true;
    return {};
}

}  // namespace

TEST_CASE("wycheproof: Ed25519 of libsodium") {
    judge("eddsa", [](const test_vector& v) {
        const bytes key = v.hex("key.pk"), signature = v.hex("sig"), message = v.hex("msg");
        if (v.expected() == wycheproof::verdict::valid) {
            const bytes seed = v.hex("key.sk");
            const ed25519::private_key own{first<32>(seed)};
            CHECK(bytes{own.public_key()} == key);
            CHECK(bytes{own.sign(message)} == signature);
        }
        return signature.size() == 64 &&
               ed25519::verify(first<32>(key), message, first<64>(signature));
    });
}

TEST_CASE("wycheproof: ECDSA P-256 and RSA of public_key") {
    judge("ecdsa_secp256r1_sha256", public_key_accepts, no_negative_numbers);
    judge("ecdsa_secp256k1_sha256", public_key_accepts, no_negative_numbers);
    judge("rsa_signature_2048_sha256", public_key_accepts, no_missing_null);
    judge("rsa_signature_3072_sha256", public_key_accepts, no_missing_null);
}

TEST_CASE("wycheproof: ECDSA of mbedTLS on P-256") {
    judge("ecdsa_secp256r1_sha256", mbedtls_accepts, der_with_long_lengths);
    judge("ecdsa_secp256r1_sha512", mbedtls_accepts, der_with_long_lengths);
}

TEST_CASE("wycheproof: ECDSA of mbedTLS on P-384") {
    judge("ecdsa_secp384r1_sha384", mbedtls_accepts, der_with_long_lengths);
    judge("ecdsa_secp384r1_sha512", mbedtls_accepts, der_with_long_lengths);
}

TEST_CASE("wycheproof: ECDSA of mbedTLS on P-521") {
    judge("ecdsa_secp521r1_sha512", mbedtls_accepts, der_with_long_lengths);
}

TEST_CASE("wycheproof: RSA PKCS #1 v1.5 of mbedTLS") {
    for (const char* parameters :
         {"", "_2048_sha224", "_2048_sha256", "_2048_sha384", "_2048_sha512", "_3072_sha256",
          "_3072_sha384", "_3072_sha512", "_4096_sha384", "_4096_sha512"}) {
        judge("rsa_signature" + std::string{parameters}, mbedtls_accepts, no_missing_null);
    }
}

TEST_CASE("wycheproof: RSA PSS of mbedTLS") {
    for (const char* parameters :
         {"2048_sha1_mgf1_20", "2048_sha256_mgf1_0", "2048_sha256_mgf1_32", "3072_sha256_mgf1_32",
          "4096_sha256_mgf1_32", "4096_sha512_mgf1_32", "misc"}) {
        judge("rsa_pss_" + std::string{parameters}, mbedtls_accepts_pss,
              any_salt_but_one_hash);
    }
}
