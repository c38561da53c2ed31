// SPDX-License-Identifier: MIT OR Apache-2.0
// ChaCha20-Poly1305 of libsodium behind mbedTLS's one-shot calls, which are those for records: in
// vectors, on WebAssembly as well.
//
// mbedTLS lets one replace the module as a whole. CMakeLists.txt renames the two functions of
// chachapoly.c instead; those here take their names.
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include <mbedtls/chachapoly.h>

#include <alignment.h>
#include <mbedtls/platform_util.h>
#include <sodium/crypto_aead_chacha20poly1305.h>

enum { key_size = crypto_aead_chacha20poly1305_ietf_KEYBYTES, key_words = key_size / 4 };

// In ChaCha20's state the key stands behind four words of constants (RFC 8439 §2.3).
static void copy_key(const mbedtls_chachapoly_context* from, unsigned char* key) {
    for (int i = 0; i < key_words; ++i) {
        MBEDTLS_PUT_UINT32_LE(from->chacha20_ctx.state[4 + i], key, 4 * i);
    }
}

// An empty message may have no place, which libsodium does not take; here the tag's stands in.

int mbedtls_chachapoly_encrypt_and_tag(mbedtls_chachapoly_context* with, size_t size,
                                       const unsigned char nonce[12],
                                       const unsigned char* associated, size_t associated_size,
                                       const unsigned char* message, unsigned char* into,
                                       unsigned char tag[16]) {
    unsigned char key[key_size];
    copy_key(with, key);
    crypto_aead_chacha20poly1305_ietf_encrypt_detached(into ? into : tag, tag, NULL, message, size,
                                                       associated, associated_size, NULL, nonce,
                                                       key);
    mbedtls_platform_zeroize(key, sizeof key);
    return 0;
}

int mbedtls_chachapoly_auth_decrypt(mbedtls_chachapoly_context* with, size_t size,
                                    const unsigned char nonce[12],
                                    const unsigned char* associated, size_t associated_size,
                                    const unsigned char tag[16], const unsigned char* encrypted,
                                    unsigned char* into) {
    unsigned char key[key_size];
    copy_key(with, key);
    const int failed = crypto_aead_chacha20poly1305_ietf_decrypt_detached(
        into, NULL, encrypted ? encrypted : tag, size, tag, associated, associated_size, nonce,
        key);
    mbedtls_platform_zeroize(key, sizeof key);
    return failed ? MBEDTLS_ERR_CHACHAPOLY_AUTH_FAILED : 0;
}
