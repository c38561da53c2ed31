// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <copoll/ip.hpp>
#include <copoll/result.hpp>

/// What a certificate says about its owner.

namespace copoll::tls {

enum class key_kind : std::uint8_t { rsa, ec };

/// The fields of an X.509 certificate (RFC 5280) that applications decide by. Nothing here is
/// verified: that a certificate names somebody is worth what its chain is worth.
struct certificate {
    /// Of one certificate in DER. *Errors:* `errc::certificate_malformed`;
    /// `copoll::errc::not_supported` if its key or signature is of a kind that is not known here
    /// (Ed25519, for one).
    static result<certificate> parse(std::span<const std::byte> der);

    std::string subject;  ///< "C=NL, O=Example, CN=example.com"; what cannot be printed is escaped
    std::string issuer;   ///< the same of who signed it
    std::string serial;   ///< hexadecimal in lower case, two digits a byte

    /// From the extension subjectAltName, as they stand there: a wildcard with its `*`.
    std::vector<std::string> dns_names;
    std::vector<ip::address> ip_addresses;

    std::chrono::sys_seconds not_before;
    std::chrono::sys_seconds not_after;  ///< the last second in which it is valid

    key_kind key = key_kind::ec;
    unsigned key_bits = 0;         ///< of the modulus, or of the curve
    bool is_self_issued = false;   ///< issuer and subject are the same name
    bool is_authority = false;     ///< may sign other certificates (basicConstraints)
    std::array<std::byte, 32> sha256{};  ///< fingerprint: the hash of the whole certificate
};

}  // namespace copoll::tls
