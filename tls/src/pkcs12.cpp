// SPDX-License-Identifier: MIT OR Apache-2.0
// PKCS#12 (RFC 7292), read in DER.
#include <mbedtls/oid.h>

#include <array>
#include <deque>
#include <utility>
#include <vector>

#include <copoll/tls/error.hpp>
#include <copoll/tls/identity.hpp>

#include "crypto_ready.hpp"
#include "der.hpp"
#include "mbedtls_c.hpp"
#include "native_identity.hpp"
#include "pbe.hpp"
#include "private_key.hpp"

namespace copoll::tls {
namespace {

using detail::der_reader;
using octets = std::span<const unsigned char>;

// RFC 7292 §4.2 and appendix D; PKCS#9 (RFC 2985)
#define BAG MBEDTLS_OID_PKCS12 "\x0a\x01"
constexpr std::string_view key_bag = BAG "\x01";
constexpr std::string_view shrouded_key_bag = BAG "\x02";
constexpr std::string_view certificate_bag = BAG "\x03";
constexpr std::string_view nested_bag = BAG "\x06";
constexpr std::string_view x509_certificate = MBEDTLS_OID_PKCS9 "\x16\x01";
#undef BAG

constexpr int deepest_nesting = 4;  // bags in bags: nobody makes two

std::unexpected<std::error_code> malformed() noexcept { return fail(errc::pkcs12_malformed); }

struct content {
    octets type;
    der_reader value;
};

/// ContentInfo and SafeBag begin alike: a type, and a value of it in [0].
std::optional<content> read_content(der_reader& from) {
    const auto type = from.octets(MBEDTLS_ASN1_OID);
    const auto value = type ? from.enter(detail::der_explicit | 0) : std::nullopt;
    if (!value) return std::nullopt;
    return content{*type, *value};
}

/// What a file holds, as far as it matters.
class walker {
public:
    explicit walker(std::string_view passphrase)
        : bmp_(detail::bmp_string(passphrase)), passphrase_{passphrase, bmp_.bytes()} {}

    result<void> read(octets file) {
        constexpr int version = 3;
        auto pfx = der_reader{file}.enter(detail::der_sequence);
        if (!pfx || pfx->integer() != version) return malformed();
        auto safe = pfx->enter(detail::der_sequence);
        const auto content = safe ? read_content(*safe) : std::nullopt;
        if (!content) return malformed();
        if (!detail::is_oid(content->type, MBEDTLS_OID_PKCS7_DATA))
            return fail(copoll::errc::not_supported);  // signed with a public key
        auto value = content->value;
        const auto authenticated = value.octets();
        if (!authenticated) return malformed();
        if (!pfx->empty()) {
            if (auto fits = check_mac(*pfx, *authenticated); !fits) return fits;
        }
        return read_authenticated_safe(*authenticated);
    }

    std::deque<detail::private_key> keys;
    detail::certificate_chain certificates;

private:
    result<void> check_mac(der_reader& from, octets authenticated) {
        auto data = from.enter(detail::der_sequence);
        auto digest_info = data ? data->enter(detail::der_sequence) : std::nullopt;
        const auto algorithm = digest_info ? digest_info->identifier() : std::nullopt;
        const auto expected = algorithm ? digest_info->octets() : std::nullopt;
        const auto salt = expected ? data->octets() : std::nullopt;
        if (!salt) return malformed();
        const auto iterations = data->empty() ? std::optional{1} : data->integer();
        if (!iterations) return malformed();
        if (*iterations > detail::most_iterations) return fail(copoll::errc::not_supported);
        mbedtls_md_type_t hash{};
        if (mbedtls_oid_get_md_alg(&algorithm->oid, &hash) != 0)
            return fail(copoll::errc::not_supported);

        // there are two customs for no passphrase: an empty one's zeros at the end, and nothing
        for (const bool empty : {false, true}) {
            if (empty && !passphrase_.utf8.empty()) break;
            if (empty) passphrase_.bmp = {};
            const auto fits = mac_fits(hash, *expected, *salt, *iterations, authenticated);
            if (!fits) return fail(fits.error());
            if (*fits) return {};
        }
        return fail(errc::passphrase_wrong);
    }

    result<bool> mac_fits(mbedtls_md_type_t hash, octets expected, octets salt, int iterations,
                          octets authenticated) const {
        const auto* md = mbedtls_md_info_from_type(hash);
        if (!md) return fail(copoll::errc::not_supported);
        const detail::secret key{mbedtls_md_get_size(md)};
        if (auto derived = detail::derive_pkcs12(hash, detail::key_purpose::mac, passphrase_.bmp,
                                                 salt, iterations, key.bytes());
            !derived)
            return fail(derived.error());
        std::array<unsigned char, MBEDTLS_MD_MAX_SIZE> mac{};
        if (mbedtls_md_hmac(md, key.data(), key.size(), authenticated.data(), authenticated.size(),
                            mac.data()) != 0)
            return fail(errc::internal);
        return expected.size() == key.size() &&
               mbedtls_ct_memcmp(mac.data(), expected.data(), key.size()) == 0;
    }

    result<void> read_authenticated_safe(octets bytes) {
        auto contents = der_reader{bytes}.enter(detail::der_sequence);
        if (!contents) return malformed();
        while (!contents->empty()) {
            auto info = contents->enter(detail::der_sequence);
            const auto content = info ? read_content(*info) : std::nullopt;
            if (!content) return malformed();
            if (auto r = read_safe(*content); !r) return r;
        }
        return {};
    }

    result<void> read_safe(content safe) {
        if (detail::is_oid(safe.type, MBEDTLS_OID_PKCS7_DATA)) {
            const auto plain = safe.value.octets();
            if (!plain) return malformed();
            return read_bags(*plain, 0);
        }
        if (!detail::is_oid(safe.type, MBEDTLS_OID_PKCS7_ENCRYPTED_DATA))
            return fail(copoll::errc::not_supported);  // for the owner of a key
        auto data = safe.value.enter(detail::der_sequence);
        if (!data || !data->integer()) return malformed();
        auto encrypted = data->enter(detail::der_sequence);
        if (!encrypted || !encrypted->octets(MBEDTLS_ASN1_OID)) return malformed();
        const auto how = encrypted->identifier();
        const auto ciphertext = how ? encrypted->octets(detail::der_context | 0) : std::nullopt;
        if (!ciphertext) return malformed();
        const auto plain = detail::decrypt(*how, passphrase_, *ciphertext);
        if (!plain) return fail_with(plain.error());
        // without a MAC, a wrong passphrase shows here
        if (!detail::is_one_sequence(plain->bytes())) return fail(errc::passphrase_wrong);
        return read_bags(plain->bytes(), 0);
    }

    result<void> read_bags(octets bytes, int depth) {
        auto bags = der_reader{bytes}.enter(detail::der_sequence);
        if (!bags || depth > deepest_nesting) return malformed();
        while (!bags->empty()) {
            auto bag = bags->enter(detail::der_sequence);
            const auto content = bag ? read_content(*bag) : std::nullopt;
            if (!content) return malformed();
            if (auto r = read_bag(content->type, content->value.bytes(), depth); !r) return r;
        }
        return {};
    }

    result<void> read_bag(octets type, octets value, int depth) {
        if (detail::is_oid(type, nested_bag)) return read_bags(value, depth + 1);
        if (detail::is_oid(type, key_bag)) {
            if (auto r = detail::parse_private_key(keys.emplace_back(), value); !r)
                return fail_with(r.error());
        } else if (detail::is_oid(type, shrouded_key_bag)) {
            if (auto r = detail::parse_encrypted_private_key(keys.emplace_back(), value,
                                                             passphrase_);
                !r)
                return fail_with(r.error());
        } else if (detail::is_oid(type, certificate_bag)) {
            auto bag = der_reader{value}.enter(detail::der_sequence);
            auto content = bag ? read_content(*bag) : std::nullopt;
            if (!content || !detail::is_oid(content->type, x509_certificate)) return malformed();
            const auto der = content->value.octets();
            if (!der) return malformed();
            const auto as_bytes = std::as_bytes(*der);
            certificates.emplace_back(as_bytes.begin(), as_bytes.end());
        }
        return {};  // revocation lists and secrets are of no use here
    }

    static std::unexpected<std::error_code> fail_with(std::error_code ec) noexcept {
        return ec == errc::private_key_malformed ? malformed() : fail(ec);
    }

    detail::secret bmp_;
    detail::passphrase_forms passphrase_;
};

using parsed_certificates = std::deque<detail::crt>;

/// The certificate of `leaf`, the one that issued it, and so on.
detail::certificate_chain chain_from(std::size_t leaf, detail::certificate_chain certificates,
                                     const parsed_certificates& parsed) {
    std::vector<bool> used(parsed.size());
    detail::certificate_chain chain;
    for (std::size_t next = leaf; next < parsed.size();) {
        used[next] = true;
        chain.push_back(std::move(certificates[next]));
        const std::size_t last = std::exchange(next, 0);
        while (next < parsed.size() &&
               (used[next] || !detail::is_issued_by(parsed[last], parsed[next])))
            ++next;
    }
    return chain;
}

}  // namespace

result<private_identity> private_identity::parse_pkcs12(std::span<const std::byte> file,
                                                        std::string_view passphrase) {
    if (auto ready = detail::crypto_ready(); !ready) return fail(ready.error());
    walker found{passphrase};
    const auto* data = reinterpret_cast<const unsigned char*>(file.data());
    if (auto read = found.read({data, file.size()}); !read) return fail(read.error());
    if (found.keys.empty() || found.certificates.empty()) return malformed();

    parsed_certificates parsed;
    for (const auto& der : found.certificates) {
        const auto* raw = reinterpret_cast<const unsigned char*>(der.data());
        if (int bad = mbedtls_x509_crt_parse_der(&parsed.emplace_back(), raw, der.size()))
            return fail(detail::certificate_error(bad));
    }
    for (auto& key : found.keys) {
        for (std::size_t i = 0; i < parsed.size(); ++i) {
            if (mbedtls_pk_check_pair(&parsed[i].pk, &key, mbedtls_psa_get_random,
                                      MBEDTLS_PSA_RANDOM_STATE) == 0)
                return detail::make_private_identity(
                    key, chain_from(i, std::move(found.certificates), parsed));
        }
    }
    return fail(errc::private_key_mismatch);
}

}  // namespace copoll::tls
