// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <mbedtls/x509_crt.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include <copoll/tls/identity.hpp>

#include "x509.hpp"

/// The inside of identities, for the engine.

namespace copoll::tls::detail {

struct private_identity_state {
    explicit private_identity_state(public_identity shown) noexcept
        : identity(std::move(shown)) {}

    public_identity identity;
    // mbedTLS takes both as not const where it only reads them
    mutable crt chain;  ///< points into the bytes of `identity`
    mutable private_key key;
};

/// *Lifetime:* as long as a copy of the identity lives.
mbedtls_x509_crt* native_chain(const private_identity& identity) noexcept;
mbedtls_pk_context* native_key(const private_identity& identity) noexcept;

/// Precondition: not empty, and mbedTLS has parsed the first one.
public_identity make_public_identity(std::vector<std::vector<std::byte>> chain);

/// A chain that a peer sent; none if it is empty. Precondition: as above.
std::optional<public_identity> identity_of(const mbedtls_x509_crt* chain);

/// The key and its chain, leaf first. *Errors:* as `private_identity::parse`.
result<private_identity> make_private_identity(private_key& key, certificate_chain chain);

}  // namespace copoll::tls::detail
