// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <mbedtls/md.h>

#include <span>
#include <string_view>

#include <copoll/result.hpp>

#include "der.hpp"
#include "secret.hpp"

/// Encryption by passphrase, of PKCS#8 and PKCS#12.

namespace copoll::tls::detail {

/// A passphrase in the two forms that files want it.
struct passphrase_forms {
    std::string_view utf8;              ///< for PBES2
    std::span<const unsigned char> bmp; ///< for what is of PKCS#12: see `bmp_string`
};

/// A passphrase as a BMPString with two zero bytes behind it (RFC 7292 appendix B.1). Characters
/// above the first 65536 become two. What is not UTF-8 is taken for Latin-1.
secret bmp_string(std::string_view utf8);

/// How often a file may have its key derivation repeated: about ten seconds' work. The number comes
/// out of the file, and nobody wants to wait for two thousand million.
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
constexpr int most_iterations = 4096;
#else
constexpr int most_iterations = 20'000'000;
#endif

/// What the second argument of `derive_pkcs12` is for (RFC 7292 appendix B.3).
enum class key_purpose : unsigned char { encryption = 1, iv = 2, mac = 3 };

/// RFC 7292 appendix B.2; fills `into`. *Errors:* `copoll::errc::not_supported`: the hash.
result<void> derive_pkcs12(mbedtls_md_type_t hash, key_purpose purpose,
                           std::span<const unsigned char> bmp_passphrase,
                           std::span<const unsigned char> salt, int iterations,
                           std::span<unsigned char> into);

/// PBES2 (RFC 8018 §6.2) with AES-CBC or 3DES, or PBE-SHA1-3DES (RFC 7292 appendix C).
/// *Errors:* `errc::passphrase_wrong`, `errc::private_key_malformed`,
/// `copoll::errc::not_supported`. A wrong passphrase may also give nonsense.
result<secret> decrypt(const der_reader::algorithm& how, const passphrase_forms& passphrase,
                       std::span<const unsigned char> ciphertext);

}  // namespace copoll::tls::detail
