// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/hash.hpp>
#include <copoll_crypto/public_key.hpp>

#include <mbedtls/ecdsa.h>
#include <mbedtls/pk.h>
#include <psa/crypto.h>
extern "C" {
#include <mbedtls/psa_util.h> // says so itself only in part
}

#include <algorithm>
#include <array>
#include <utility>

#include "bytes.hpp"

namespace copoll::crypto {

struct public_key::state {
    mbedtls_pk_context key;
    key_kind kind = key_kind::rsa;

    state() noexcept { mbedtls_pk_init(&key); }
    state(const state&) = delete;
    ~state() { mbedtls_pk_free(&key); }

    /// Whether it is a key that is taken, of what kind.
    bool classify() noexcept {
        const std::size_t bits = mbedtls_pk_get_bitlen(&key);
        switch (mbedtls_pk_get_type(&key)) {
            case MBEDTLS_PK_RSA:
                kind = key_kind::rsa;
                return bits >= shortest_rsa && bits <= longest_rsa;
            case MBEDTLS_PK_ECKEY:
                return classify_curve(mbedtls_ecp_keypair_get_group_id(mbedtls_pk_ec(key)));
            default: return false;
        }
    }

private:
    bool classify_curve(mbedtls_ecp_group_id curve) noexcept {
        kind = curve == MBEDTLS_ECP_DP_SECP256K1 ? key_kind::ecdsa_secp256k1 : key_kind::ecdsa_p256;
        return curve == MBEDTLS_ECP_DP_SECP256K1 || curve == MBEDTLS_ECP_DP_SECP256R1;
    }
};

namespace {

/// Whether it is the one DER form of two numbers; mbedTLS also reads others, of which anybody can
/// make as many as they like from one signature.
bool is_canonical_ecdsa(std::span<const std::byte> signature) noexcept {
    constexpr std::size_t bits = 256;
    std::array<unsigned char, 2 * bits / 8> numbers;
    std::array<unsigned char, MBEDTLS_ECDSA_MAX_SIG_LEN(bits)> again;
    std::size_t size = 0;
    return mbedtls_ecdsa_der_to_raw(bits, raw(signature.data()), signature.size(), numbers.data(),
                                    numbers.size(), &size) == 0 &&
           mbedtls_ecdsa_raw_to_der(bits, numbers.data(), size, again.data(), again.size(),
                                    &size) == 0 &&
           std::ranges::equal(std::as_bytes(std::span(again).first(size)), signature);
}

}  // namespace

public_key::public_key(std::unique_ptr<state> from) noexcept : state_(std::move(from)) {}
public_key::public_key(public_key&&) noexcept = default;
public_key& public_key::operator=(public_key&&) noexcept = default;
public_key::~public_key() = default;

result<public_key> public_key::parse(std::span<const std::byte> der) {
    psa_crypto_init();
    auto made = std::make_unique<state>();
    // reads no further than the end, and wants a pointer to non-const for no reason
    auto* at = const_cast<unsigned char*>(raw(der.data()));
    const auto* const end = at + der.size();
    const int error = der.empty() ? MBEDTLS_ERR_PK_KEY_INVALID_FORMAT
                                  : mbedtls_pk_parse_subpubkey(&at, end, &made->key);
    if (error == MBEDTLS_ERR_PK_UNKNOWN_PK_ALG || error == MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE) {
        return std::unexpected(make_error_code(errc::unsupported_key));
    }
    if (error != 0 || at != end) return std::unexpected(make_error_code(errc::malformed_key));
    if (!made->classify()) return std::unexpected(make_error_code(errc::unsupported_key));
    return public_key{std::move(made)};
}

key_kind public_key::kind() const noexcept { return state_->kind; }

result<void> public_key::verify(std::span<const std::byte> message,
                                std::span<const std::byte> signature) const {
    const auto bad = std::unexpected(make_error_code(errc::bad_signature));
    if (signature.empty()) return bad;
    if (state_->kind != key_kind::rsa && !is_canonical_ecdsa(signature)) return bad;
    const sha256::digest hash = sha256::hash(message);
    if (mbedtls_pk_verify(&state_->key, MBEDTLS_MD_SHA256, raw(hash.data()), hash.size(),
                          raw(signature.data()), signature.size()) != 0) {
        return bad;
    }
    return {};
}

}  // namespace copoll::crypto
