// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <mbedtls/dhm.h>

#include <cstddef>
#include <span>

#include <copoll/tls/dh_parameters.hpp>

namespace copoll::tls::detail {

/// mbedTLS's Diffie-Hellman group, that frees itself.
struct dh_group : mbedtls_dhm_context {
    dh_group() noexcept { mbedtls_dhm_init(this); }
    dh_group(const dh_group&) = delete;
    dh_group& operator=(const dh_group&) = delete;
    ~dh_group() { mbedtls_dhm_free(this); }
};

/// An error of mbedTLS, or 0.
int parse(dh_group& into, std::span<const std::byte> der) noexcept;

}  // namespace copoll::tls::detail
