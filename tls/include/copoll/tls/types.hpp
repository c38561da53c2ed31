// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

/// The numbers of TLS under their IANA names. A value that is not listed is still one: what a peer
/// offers is passed on as it came.

namespace copoll::tls {

enum class protocol_version : std::uint16_t {
    tls1_2 = 0x0303,
    tls1_3 = 0x0304,
};

/// TLS_…, in lower case. Those that are listed are those that can be agreed on.
enum class cipher_suite : std::uint16_t {
    aes_128_gcm_sha256 = 0x1301,
    aes_256_gcm_sha384 = 0x1302,
    chacha20_poly1305_sha256 = 0x1303,
    aes_128_ccm_sha256 = 0x1304,
    ecdhe_ecdsa_with_aes_128_gcm_sha256 = 0xc02b,
    ecdhe_ecdsa_with_aes_256_gcm_sha384 = 0xc02c,
    ecdhe_rsa_with_aes_128_gcm_sha256 = 0xc02f,
    ecdhe_rsa_with_aes_256_gcm_sha384 = 0xc030,
    ecdhe_rsa_with_chacha20_poly1305_sha256 = 0xcca8,
    ecdhe_ecdsa_with_chacha20_poly1305_sha256 = 0xcca9,
    ecdhe_psk_with_chacha20_poly1305_sha256 = 0xccac,
    psk_with_aes_128_gcm_sha256 = 0x00a8,
    psk_with_aes_256_gcm_sha384 = 0x00a9,
    psk_with_chacha20_poly1305_sha256 = 0xccab,
    // For old peers: taken only if `protocol_parameters::cipher_suites` names them.
    dhe_rsa_with_aes_128_gcm_sha256 = 0x009e,
    dhe_rsa_with_aes_256_gcm_sha384 = 0x009f,
    dhe_rsa_with_chacha20_poly1305_sha256 = 0xccaa,
};

/// Groups for the key exchange (the extension supported_groups).
enum class named_group : std::uint16_t {
    secp256r1 = 23,
    secp384r1 = 24,
    secp521r1 = 25,
    x25519 = 29,
};

enum class signature_scheme : std::uint16_t {
    rsa_pkcs1_sha256 = 0x0401,
    rsa_pkcs1_sha384 = 0x0501,
    rsa_pkcs1_sha512 = 0x0601,
    ecdsa_secp256r1_sha256 = 0x0403,
    ecdsa_secp384r1_sha384 = 0x0503,
    ecdsa_secp521r1_sha512 = 0x0603,
    rsa_pss_rsae_sha256 = 0x0804,
    rsa_pss_rsae_sha384 = 0x0805,
    rsa_pss_rsae_sha512 = 0x0806,
};

/// What became of bytes that a client sent ahead of its handshake (RFC 8446 §2.3).
enum class early_data {
    none,      ///< None was offered.
    accepted,  ///< The server has it.
    refused,   ///< The server has not seen it: the client may send it again on the connection.
};

/// "TLS 1.3"; "unknown" for a value that is not listed, as below.
std::string_view name_of(protocol_version v) noexcept;
/// "TLS_AES_128_GCM_SHA256", as IANA writes it.
std::string_view name_of(cipher_suite s) noexcept;
/// "x25519"
std::string_view name_of(named_group g) noexcept;
/// "ecdsa_secp256r1_sha256"
std::string_view name_of(signature_scheme s) noexcept;

/// All that this library speaks unasked, those it likes best first.
std::span<const cipher_suite> cipher_suites() noexcept;
std::span<const named_group> named_groups() noexcept;
std::span<const signature_scheme> signature_schemes() noexcept;

/// What a cipher suite is made of, in bits. `key` and `hash` are 0 for one that is not listed.
struct cipher_strength {
    std::uint16_t key = 0;
    std::uint16_t hash = 0;
};
cipher_strength strength_of(cipher_suite s) noexcept;
/// Bits of security of a group: 128 for x25519 and secp256r1.
std::uint16_t strength_of(named_group g) noexcept;

}  // namespace copoll::tls
