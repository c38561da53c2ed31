// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/identity.hpp>

#include <memory>
#include <utility>

#include <copoll/detail/assert.hpp>
#include <copoll/tls/error.hpp>

#include "crypto_ready.hpp"
#include "mbedtls_c.hpp"
#include "native_identity.hpp"
#include "pem.hpp"
#include "private_key.hpp"

namespace copoll::tls {
namespace detail {

struct identity_access {
    static public_identity show(certificate_chain chain) {
        return public_identity{std::make_shared<const certificate_chain>(std::move(chain))};
    }
    static private_identity own(std::shared_ptr<const private_identity_state> state) noexcept {
        return private_identity{std::move(state)};
    }
    static const private_identity_state& state(const private_identity& identity) noexcept {
        return *identity.state_;
    }
};

mbedtls_x509_crt* native_chain(const private_identity& identity) noexcept {
    return &identity_access::state(identity).chain;
}

mbedtls_pk_context* native_key(const private_identity& identity) noexcept {
    return &identity_access::state(identity).key;
}

public_identity make_public_identity(std::vector<std::vector<std::byte>> chain) {
    copoll::detail::expects(!chain.empty(), "make_public_identity: a chain of no certificates");
    return identity_access::show(std::move(chain));
}

std::optional<public_identity> identity_of(const mbedtls_x509_crt* chain) {
    certificate_chain certificates;
    for (; chain && chain->raw.p; chain = chain->next) {
        const auto der = std::as_bytes(bytes_of(chain->raw));
        certificates.emplace_back(der.begin(), der.end());
    }
    if (certificates.empty()) return std::nullopt;
    return make_public_identity(std::move(certificates));
}

result<private_identity> make_private_identity(private_key& key, certificate_chain chain) {
    if (chain.empty()) return fail(errc::certificate_malformed);
    const auto state =
        std::make_shared<private_identity_state>(make_public_identity(std::move(chain)));
    for (const auto& der : state->identity.export_x509_chain()) {
        const int bad = mbedtls_x509_crt_parse_der_nocopy(&state->chain, raw(der), der.size());
        if (bad) return fail(certificate_error(bad));
    }
    const auto* der = state->identity.export_x509_chain().data();
    for (const mbedtls_x509_crt* c = &state->chain; c; c = c->next, ++der) {
        const bool whole = c->raw.len == der->size();
        if (!whole || (c->next && !is_issued_by(*c, *c->next)))
            return fail(errc::certificate_malformed);
    }
    if (!describe(state->chain.pk)) return fail(copoll::errc::not_supported);
    std::swap<mbedtls_pk_context>(state->key, key);
    if (mbedtls_pk_check_pair(&state->chain.pk, &state->key, mbedtls_psa_get_random,
                              MBEDTLS_PSA_RANDOM_STATE) != 0)
        return fail(errc::private_key_mismatch);
    return identity_access::own(state);
}

}  // namespace detail

certificate public_identity::leaf() const {
    auto parsed = certificate::parse(chain_->front());
    copoll::detail::expects(parsed.has_value(), "public_identity: a leaf that was parsed before");
    return *std::move(parsed);
}

result<private_identity> private_identity::parse(std::string_view key_text,
                                                 std::string_view x509_chain,
                                                 std::string_view passphrase) {
    if (auto ready = detail::crypto_ready(); !ready) return fail(ready.error());
    detail::private_key key;
    if (auto parsed = detail::parse_private_key(key, key_text, passphrase); !parsed)
        return fail(parsed.error());
    return detail::make_private_identity(key, detail::blocks(x509_chain, "CERTIFICATE"));
}

const public_identity& private_identity::identity() const noexcept { return state_->identity; }

}  // namespace copoll::tls
