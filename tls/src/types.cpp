// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/types.hpp>

#include <algorithm>
#include <array>

namespace copoll::tls {
namespace {

struct suite_row {
    cipher_suite id;
    std::string_view name;
    cipher_strength strength;
};

// ChaCha20-Poly1305 first: without AES instructions it is several times faster, and it takes the
// same time for all keys and data.
constexpr std::array suites{
    suite_row{cipher_suite::chacha20_poly1305_sha256, "TLS_CHACHA20_POLY1305_SHA256", {256, 256}},
    suite_row{cipher_suite::aes_128_gcm_sha256, "TLS_AES_128_GCM_SHA256", {128, 256}},
    suite_row{cipher_suite::aes_256_gcm_sha384, "TLS_AES_256_GCM_SHA384", {256, 384}},
    suite_row{cipher_suite::aes_128_ccm_sha256, "TLS_AES_128_CCM_SHA256", {128, 256}},
    suite_row{cipher_suite::ecdhe_ecdsa_with_chacha20_poly1305_sha256,
              "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", {256, 256}},
    suite_row{cipher_suite::ecdhe_rsa_with_chacha20_poly1305_sha256,
              "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", {256, 256}},
    suite_row{cipher_suite::ecdhe_ecdsa_with_aes_128_gcm_sha256,
              "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", {128, 256}},
    suite_row{cipher_suite::ecdhe_rsa_with_aes_128_gcm_sha256,
              "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", {128, 256}},
    suite_row{cipher_suite::ecdhe_ecdsa_with_aes_256_gcm_sha384,
              "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", {256, 384}},
    suite_row{cipher_suite::ecdhe_rsa_with_aes_256_gcm_sha384,
              "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", {256, 384}},
    suite_row{cipher_suite::ecdhe_psk_with_chacha20_poly1305_sha256,
              "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", {256, 256}},
    suite_row{cipher_suite::psk_with_chacha20_poly1305_sha256,
              "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256", {256, 256}},
    suite_row{cipher_suite::psk_with_aes_128_gcm_sha256, "TLS_PSK_WITH_AES_128_GCM_SHA256",
              {128, 256}},
    suite_row{cipher_suite::psk_with_aes_256_gcm_sha384, "TLS_PSK_WITH_AES_256_GCM_SHA384",
              {256, 384}},
};

constexpr std::array suites_on_demand{
    suite_row{cipher_suite::dhe_rsa_with_chacha20_poly1305_sha256,
              "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", {256, 256}},
    suite_row{cipher_suite::dhe_rsa_with_aes_128_gcm_sha256,
              "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", {128, 256}},
    suite_row{cipher_suite::dhe_rsa_with_aes_256_gcm_sha384,
              "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", {256, 384}},
};

struct group_row {
    named_group id;
    std::string_view name;
    std::uint16_t strength;
};

constexpr std::array groups{
    group_row{named_group::x25519, "x25519", 128},
    group_row{named_group::secp256r1, "secp256r1", 128},
    group_row{named_group::secp384r1, "secp384r1", 192},
    group_row{named_group::secp521r1, "secp521r1", 256},
};

struct scheme_row {
    signature_scheme id;
    std::string_view name;
};

constexpr std::array schemes{
    scheme_row{signature_scheme::ecdsa_secp256r1_sha256, "ecdsa_secp256r1_sha256"},
    scheme_row{signature_scheme::ecdsa_secp384r1_sha384, "ecdsa_secp384r1_sha384"},
    scheme_row{signature_scheme::ecdsa_secp521r1_sha512, "ecdsa_secp521r1_sha512"},
    scheme_row{signature_scheme::rsa_pss_rsae_sha256, "rsa_pss_rsae_sha256"},
    scheme_row{signature_scheme::rsa_pss_rsae_sha384, "rsa_pss_rsae_sha384"},
    scheme_row{signature_scheme::rsa_pss_rsae_sha512, "rsa_pss_rsae_sha512"},
    scheme_row{signature_scheme::rsa_pkcs1_sha256, "rsa_pkcs1_sha256"},
    scheme_row{signature_scheme::rsa_pkcs1_sha384, "rsa_pkcs1_sha384"},
    scheme_row{signature_scheme::rsa_pkcs1_sha512, "rsa_pkcs1_sha512"},
};

/// The row of `id`, or nothing.
template <class Rows, class Id>
constexpr auto* find(const Rows& rows, Id id) noexcept {
    const auto at = std::ranges::find(rows, id, &Rows::value_type::id);
    return at == rows.end() ? nullptr : &*at;
}

const suite_row* find(cipher_suite id) noexcept {
    const suite_row* row = find(suites, id);
    return row ? row : find(suites_on_demand, id);
}

template <class Rows, class Id>
std::string_view name_in(const Rows& rows, Id id) noexcept {
    const auto* row = find(rows, id);
    return row ? row->name : "unknown";
}

template <class Id, class Rows>
constexpr auto ids_of(const Rows& rows) noexcept {
    std::array<Id, std::tuple_size_v<Rows>> ids{};
    std::ranges::transform(rows, ids.begin(), &Rows::value_type::id);
    return ids;
}

constexpr auto suite_ids = ids_of<cipher_suite>(suites);
constexpr auto group_ids = ids_of<named_group>(groups);
constexpr auto scheme_ids = ids_of<signature_scheme>(schemes);

}  // namespace

std::string_view name_of(protocol_version v) noexcept {
    switch (v) {
        case protocol_version::tls1_2: return "TLS 1.2";
        case protocol_version::tls1_3: return "TLS 1.3";
    }
    return "unknown";
}
std::string_view name_of(cipher_suite s) noexcept {
    const auto* row = find(s);
    return row ? row->name : "unknown";
}
std::string_view name_of(named_group g) noexcept { return name_in(groups, g); }
std::string_view name_of(signature_scheme s) noexcept { return name_in(schemes, s); }

std::span<const cipher_suite> cipher_suites() noexcept { return suite_ids; }
std::span<const named_group> named_groups() noexcept { return group_ids; }
std::span<const signature_scheme> signature_schemes() noexcept { return scheme_ids; }

cipher_strength strength_of(cipher_suite s) noexcept {
    const auto* row = find(s);
    return row ? row->strength : cipher_strength{};
}
std::uint16_t strength_of(named_group g) noexcept {
    const auto* row = find(groups, g);
    return row ? row->strength : std::uint16_t{0};
}

}  // namespace copoll::tls
