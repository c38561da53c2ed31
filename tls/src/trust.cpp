// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/trust.hpp>

#include <memory>

#include <copoll/tls/error.hpp>

#include "crypto_ready.hpp"
#include "native_trust.hpp"
#include "pem.hpp"

namespace copoll::tls {
namespace detail {
namespace {

/// What was parsed from `from`, anew.
std::shared_ptr<trust_state> copy_of(const trust_state& from) {
    auto copy = std::make_shared<trust_state>();
    if (from.root_count > 0) {
        for (const mbedtls_x509_crt* c = &from.roots; c; c = c->next)
            mbedtls_x509_crt_parse_der(&copy->roots, c->raw.p, c->raw.len);
    }
    if (from.list_count > 0) {
        for (const mbedtls_x509_crl* l = &from.lists; l; l = l->next)
            mbedtls_x509_crl_parse_der(&copy->lists, l->raw.p, l->raw.len);
    }
    copy->root_count = from.root_count;
    copy->list_count = from.list_count;
    copy->skipped = from.skipped;
    return copy;
}

}  // namespace

struct trust_access {
    static const trust_state* state(const trust_anchors& anchors) noexcept {
        return anchors.state_.get();
    }
};

mbedtls_x509_crt* native_roots(const trust_anchors& anchors) noexcept {
    const auto* state = trust_access::state(anchors);
    return state && state->root_count > 0 ? &state->roots : nullptr;
}

mbedtls_x509_crl* native_crls(const trust_anchors& anchors) noexcept {
    const auto* state = trust_access::state(anchors);
    return state && state->list_count > 0 ? &state->lists : nullptr;
}

}  // namespace detail

detail::trust_state& trust_anchors::unshared() {
    if (!state_) {
        state_ = std::make_shared<detail::trust_state>();
    } else if (state_.use_count() > 1) {
        state_ = detail::copy_of(*state_);
    }
    return *state_;
}

result<trust_anchors> trust_anchors::parse(std::string_view pem_or_der) {
    trust_anchors anchors;
    if (auto added = anchors.add(pem_or_der); !added) return fail(added.error());
    return anchors;
}

result<void> trust_anchors::add(std::string_view pem_or_der) {
    if (auto ready = detail::crypto_ready(); !ready) return fail(ready.error());
    const auto bundle = detail::blocks(pem_or_der, "CERTIFICATE");
    std::size_t usable = 0;
    for (const auto& der : bundle) {
        detail::crt trial;
        const int bad = mbedtls_x509_crt_parse_der_nocopy(&trial, detail::raw(der), der.size());
        if (bad) continue;
        mbedtls_x509_crt_parse_der(&unshared().roots, detail::raw(der), der.size());
        ++usable;
    }
    if (usable == 0) return fail(errc::certificate_malformed);
    state_->root_count += usable;
    state_->skipped += bundle.size() - usable;
    return {};
}

result<void> trust_anchors::add_revocation_list(std::string_view pem_or_der) {
    if (auto ready = detail::crypto_ready(); !ready) return fail(ready.error());
    const auto lists = detail::blocks(pem_or_der, "X509 CRL");
    if (lists.empty()) return fail(errc::certificate_malformed);
    // all of them before the first is added
    for (const auto& der : lists) {
        detail::crl trial;
        if (mbedtls_x509_crl_parse_der(&trial, detail::raw(der), der.size()) != 0)
            return fail(errc::certificate_malformed);
    }
    auto& state = unshared();
    for (const auto& der : lists)
        mbedtls_x509_crl_parse_der(&state.lists, detail::raw(der), der.size());
    state.list_count += lists.size();
    return {};
}

std::size_t trust_anchors::size() const noexcept { return state_ ? state_->root_count : 0; }
std::size_t trust_anchors::skipped() const noexcept { return state_ ? state_->skipped : 0; }
std::size_t trust_anchors::revocation_lists() const noexcept {
    return state_ ? state_->list_count : 0;
}

std::vector<std::string> trust_anchors::subjects() const {
    std::vector<std::string> names;
    for (const auto* c = detail::native_roots(*this); c; c = c->next)
        names.push_back(detail::to_string(c->subject));
    return names;
}

}  // namespace copoll::tls
