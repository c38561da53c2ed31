// SPDX-License-Identifier: MIT OR Apache-2.0
#include "dh_parameters.hpp"

#include <utility>

#include <copoll/tls/error.hpp>

#include "pem.hpp"

namespace copoll::tls {

int detail::parse(dh_group& into, std::span<const std::byte> der) noexcept {
    return mbedtls_dhm_parse_dhm(&into, raw(der), der.size());
}

result<dh_parameters> dh_parameters::parse(std::string_view pem_or_der) {
    constexpr std::size_t least_bits = 2048;  // RFC 9325 §4.4
    auto found = detail::blocks(pem_or_der, "DH PARAMETERS");
    detail::dh_group group;
    if (found.empty() || detail::parse(group, found.front()) != 0)
        return fail(errc::dh_parameters_malformed);
    const std::size_t bits = mbedtls_dhm_get_bitlen(&group);
    if (bits < least_bits) return fail(errc::dh_parameters_malformed);
    return dh_parameters{std::move(found.front()), bits};
}

}  // namespace copoll::tls
