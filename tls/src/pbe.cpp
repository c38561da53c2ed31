// SPDX-License-Identifier: MIT OR Apache-2.0
#include "pbe.hpp"

#include <mbedtls/cipher.h>
#include <mbedtls/oid.h>
#include <mbedtls/pkcs5.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include <copoll/tls/error.hpp>

namespace copoll::tls::detail {
namespace {

/// A code point off the front of `text`; nothing if that is not UTF-8.
std::optional<char32_t> next_code_point(std::string_view& text) noexcept {
    const auto first = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    if (first < 0x80) return first;
    struct form {
        unsigned char mask, mark;
        char32_t least;  // a longer form than needed is none
    };
    constexpr form forms[] = {{0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    std::size_t more = 0;
    for (const form& f : forms) {
        ++more;
        if ((first & f.mask) != f.mark) continue;
        if (text.size() < more) return std::nullopt;
        char32_t code = static_cast<unsigned char>(first & ~f.mask);
        for (std::size_t i = 0; i < more; ++i) {
            const auto next = static_cast<unsigned char>(text[i]);
            if ((next & 0xc0) != 0x80) return std::nullopt;
            code = code << 6 | (next & 0x3fu);
        }
        text.remove_prefix(more);
        const bool surrogate = code >= 0xd800 && code < 0xe000;
        if (code < f.least || code > 0x10ffff || surrogate) return std::nullopt;
        return code;
    }
    return std::nullopt;
}

/// Copies of `filler`, the last one cut.
void fill_with(std::span<unsigned char> into, std::span<const unsigned char> filler) noexcept {
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = filler[i % filler.size()];
}

/// Adds `addend` and one more to a number of as many bytes, both big-endian.
void add_and_one(std::span<unsigned char> number, std::span<const unsigned char> addend) noexcept {
    unsigned carry = 1;
    for (std::size_t i = number.size(); i-- > 0;) {
        carry += unsigned{number[i]} + addend[i];
        number[i] = static_cast<unsigned char>(carry & 0xff);
        carry >>= 8;
    }
}

struct cipher_context : mbedtls_cipher_context_t {
    cipher_context() noexcept { mbedtls_cipher_init(this); }
    cipher_context(const cipher_context&) = delete;
    cipher_context& operator=(const cipher_context&) = delete;
    ~cipher_context() { mbedtls_cipher_free(this); }
};

result<secret> decrypt_pbes2(const mbedtls_asn1_buf& params, std::string_view passphrase,
                             std::span<const unsigned char> ciphertext) {
    // mbedTLS repeats the derivation as often as the file says
    auto reader = sequence_of(params);
    const auto kdf = reader ? reader->identifier() : std::nullopt;
    auto kdf_params = kdf ? sequence_of(kdf->params) : std::nullopt;
    if (!kdf_params || !kdf_params->octets()) return fail(errc::private_key_malformed);
    if (is_oid({kdf->oid.p, kdf->oid.len}, MBEDTLS_OID_PKCS5_PBKDF2)) {
        const auto iterations = kdf_params->integer();
        if (!iterations) return fail(errc::private_key_malformed);
        if (*iterations > most_iterations) return fail(copoll::errc::not_supported);
    }

    secret plain{ciphertext.size()};
    std::size_t size = 0;
    const int bad = mbedtls_pkcs5_pbes2_ext(
        &params, MBEDTLS_PKCS5_DECRYPT,
        reinterpret_cast<const unsigned char*>(passphrase.data()), passphrase.size(),
        ciphertext.data(), ciphertext.size(), plain.data(), plain.size(), &size);
    switch (bad) {
        case 0: break;
        case MBEDTLS_ERR_PKCS5_FEATURE_UNAVAILABLE: return fail(copoll::errc::not_supported);
        case MBEDTLS_ERR_PKCS5_PASSWORD_MISMATCH: return fail(errc::passphrase_wrong);
        default: return fail(errc::private_key_malformed);
    }
    plain.shrink(size);
    return plain;
}

result<secret> decrypt_pkcs12(const der_reader::algorithm& how, mbedtls_md_type_t hash,
                              mbedtls_cipher_type_t cipher, std::span<const unsigned char> bmp,
                              std::span<const unsigned char> ciphertext) {
    auto params = sequence_of(how.params);
    const auto salt = params ? params->octets() : std::nullopt;
    const auto iterations = salt ? params->integer() : std::nullopt;
    if (!iterations) return fail(errc::private_key_malformed);
    if (*iterations > most_iterations) return fail(copoll::errc::not_supported);

    const auto* info = mbedtls_cipher_info_from_type(cipher);
    if (!info) return fail(copoll::errc::not_supported);
    const secret key{mbedtls_cipher_info_get_key_bitlen(info) / 8};
    const secret iv{mbedtls_cipher_info_get_iv_size(info)};
    if (auto r = derive_pkcs12(hash, key_purpose::encryption, bmp, *salt, *iterations, key.bytes());
        !r)
        return fail(r.error());
    if (auto r = derive_pkcs12(hash, key_purpose::iv, bmp, *salt, *iterations, iv.bytes()); !r)
        return fail(r.error());

    cipher_context context;
    if (mbedtls_cipher_setup(&context, info) != 0 ||
        mbedtls_cipher_setkey(&context, key.data(), static_cast<int>(8 * key.size()),
                              MBEDTLS_DECRYPT) != 0 ||
        mbedtls_cipher_set_padding_mode(&context, MBEDTLS_PADDING_PKCS7) != 0)
        return fail(errc::internal);
    secret plain{ciphertext.size() + mbedtls_cipher_info_get_block_size(info)};
    std::size_t size = 0;
    if (mbedtls_cipher_crypt(&context, iv.data(), iv.size(), ciphertext.data(), ciphertext.size(),
                             plain.data(), &size) != 0)
        return fail(errc::passphrase_wrong);
    plain.shrink(size);
    return plain;
}

}  // namespace

secret bmp_string(std::string_view utf8) {
    secret into{2 * utf8.size() + 2};  // a character has no more units of UTF-16 than bytes
    std::size_t size = 0;
    const auto put = [&](char32_t unit) {
        into.data()[size++] = static_cast<unsigned char>(unit >> 8);
        into.data()[size++] = static_cast<unsigned char>(unit & 0xff);
    };
    for (std::string_view rest = utf8; !rest.empty();) {
        const auto code = next_code_point(rest);
        if (!code) {
            size = 0;
            for (const char c : utf8) put(static_cast<unsigned char>(c));
            break;
        }
        if (*code >= 0x10000) {
            put(0xd800 + ((*code - 0x10000) >> 10));
            put(0xdc00 + ((*code - 0x10000) & 0x3ff));
        } else {
            put(*code);
        }
    }
    put(0);
    into.shrink(size);
    return into;
}

result<void> derive_pkcs12(mbedtls_md_type_t hash, key_purpose purpose,
                           std::span<const unsigned char> bmp_passphrase,
                           std::span<const unsigned char> salt, int iterations,
                           std::span<unsigned char> into) {
    const auto* md = mbedtls_md_info_from_type(hash);
    if (!md) return fail(copoll::errc::not_supported);
    const std::size_t hash_size = mbedtls_md_get_size(md);
    const std::size_t block = hash_size <= 32 ? 64 : 128;  // bytes that the hash takes at a time

    // what is hashed: the purpose, the salt and the passphrase, each in whole blocks
    const auto whole = [block](std::size_t size) { return (size + block - 1) / block * block; };
    const secret input{block + whole(salt.size()) + whole(bmp_passphrase.size())};
    std::ranges::fill(input.bytes().first(block), static_cast<unsigned char>(purpose));
    fill_with(input.bytes().subspan(block, whole(salt.size())), salt);
    fill_with(input.bytes().subspan(block + whole(salt.size())), bmp_passphrase);

    const secret digest{hash_size};
    const secret addend{block};
    for (;;) {
        if (mbedtls_md(md, input.data(), input.size(), digest.data()) != 0)
            return fail(errc::internal);
        for (int i = 1; i < iterations; ++i) {
            if (mbedtls_md(md, digest.data(), hash_size, digest.data()) != 0)
                return fail(errc::internal);
        }
        const std::size_t size = std::min(hash_size, into.size());
        std::ranges::copy(digest.bytes().first(size), into.begin());
        into = into.subspan(size);
        if (into.empty()) return {};
        fill_with(addend.bytes(), digest.bytes());
        for (std::size_t at = block; at < input.size(); at += block)
            add_and_one(input.bytes().subspan(at, block), addend.bytes());
    }
}

result<secret> decrypt(const der_reader::algorithm& how, const passphrase_forms& passphrase,
                       std::span<const unsigned char> ciphertext) {
    if (ciphertext.empty()) return fail(errc::private_key_malformed);
    if (is_oid({how.oid.p, how.oid.len}, MBEDTLS_OID_PKCS5_PBES2))
        return decrypt_pbes2(how.params, passphrase.utf8, ciphertext);
    mbedtls_md_type_t hash{};
    mbedtls_cipher_type_t cipher{};
    if (mbedtls_oid_get_pkcs12_pbe_alg(&how.oid, &hash, &cipher) != 0)
        return fail(copoll::errc::not_supported);
    return decrypt_pkcs12(how, hash, cipher, passphrase.bmp, ciphertext);
}

}  // namespace copoll::tls::detail
