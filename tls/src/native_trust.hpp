// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>

#include <cstddef>

#include <copoll/tls/trust.hpp>

#include "x509.hpp"

/// The inside of a trust store, for the engine.

namespace copoll::tls::detail {

struct trust_state {
    // mbedTLS takes both as not const where it only reads them
    mutable crt roots;
    mutable crl lists;
    std::size_t root_count = 0;
    std::size_t list_count = 0;
    std::size_t skipped = 0;
};

/// Null if there are none. *Lifetime:* as long as a copy of the anchors lives and nothing is added
/// to it.
mbedtls_x509_crt* native_roots(const trust_anchors& anchors) noexcept;
mbedtls_x509_crl* native_crls(const trust_anchors& anchors) noexcept;

}  // namespace copoll::tls::detail
