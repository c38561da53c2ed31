// SPDX-License-Identifier: MIT OR Apache-2.0
// X25519 of libsodium behind mbedTLS's PSA interface: ten times as fast on WebAssembly.
//
// mbedTLS has no other place to put one curve: drivers of PSA are compiled into generated code.
// CMakeLists.txt renames the two functions of psa_crypto_ecp.c that know the curves; those here
// take their names, and pass the other curves on.
#include <psa/crypto.h>
#include <psa_crypto_ecp.h>

#include <mbedtls/platform_util.h>
#include <sodium/crypto_scalarmult_curve25519.h>

enum { key_size = 32 };

psa_status_t copoll_mbedtls_own_export_public_key(const psa_key_attributes_t* attributes,
                                                  const uint8_t* key, size_t size, uint8_t* into,
                                                  size_t room, size_t* written);
psa_status_t copoll_mbedtls_own_key_agreement(const psa_key_attributes_t* attributes,
                                              const uint8_t* key, size_t size, psa_algorithm_t alg,
                                              const uint8_t* peer, size_t peer_size, uint8_t* into,
                                              size_t room, size_t* written);

static int is_x25519(const psa_key_attributes_t* attributes, size_t size) {
    return psa_get_key_type(attributes) ==
               PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY) &&
           psa_get_key_bits(attributes) == 255 && size == key_size;
}

psa_status_t mbedtls_psa_ecp_export_public_key(const psa_key_attributes_t* attributes,
                                               const uint8_t* key, size_t size, uint8_t* into,
                                               size_t room, size_t* written) {
    if (!is_x25519(attributes, size)) {
        return copoll_mbedtls_own_export_public_key(attributes, key, size, into, room, written);
    }
    if (room < key_size) return PSA_ERROR_BUFFER_TOO_SMALL;
    crypto_scalarmult_curve25519_base(into, key);
    *written = key_size;
    return PSA_SUCCESS;
}

psa_status_t mbedtls_psa_key_agreement_ecdh(const psa_key_attributes_t* attributes,
                                            const uint8_t* key, size_t size, psa_algorithm_t alg,
                                            const uint8_t* peer, size_t peer_size, uint8_t* into,
                                            size_t room, size_t* written) {
    if (!is_x25519(attributes, size)) {
        return copoll_mbedtls_own_key_agreement(attributes, key, size, alg, peer, peer_size, into,
                                                room, written);
    }
    if (!PSA_ALG_IS_ECDH(alg) || peer_size != key_size) return PSA_ERROR_INVALID_ARGUMENT;
    if (room < key_size) return PSA_ERROR_BUFFER_TOO_SMALL;
    // A result of zero: the peer chose it whatever our key is (RFC 7748 §6.1, RFC 8446 §7.4.2).
    if (crypto_scalarmult_curve25519(into, key, peer) != 0) {
        mbedtls_platform_zeroize(into, room);
        return PSA_ERROR_INVALID_ARGUMENT;
    }
    *written = key_size;
    return PSA_SUCCESS;
}
