// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <copoll/result.hpp>

namespace copoll::tls {

/// A group for the finite-field Diffie-Hellman of TLS 1.2 (RFC 5246 §8.1.2), for old clients: its
/// cipher suites, `dhe_…`, are taken only if they are named. Whoever chooses the prime can break
/// what it protects: one of RFC 7919 is as good as any.
class dh_parameters {
public:
    /// PKCS #3, PEM ("DH PARAMETERS") or DER. That the prime is one is not checked.
    /// *Errors:* `errc::dh_parameters_malformed`, also for less than 2048 bits.
    static result<dh_parameters> parse(std::string_view pem_or_der);

    std::size_t bits() const noexcept { return bits_; }
    const std::vector<std::byte>& der() const noexcept { return der_; }

private:
    dh_parameters(std::vector<std::byte> der, std::size_t bits) noexcept
        : der_(std::move(der)), bits_(bits) {}

    std::vector<std::byte> der_;
    std::size_t bits_;
};

}  // namespace copoll::tls
