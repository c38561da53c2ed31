// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <copoll/result.hpp>

/// Whom certificates are believed: the roots, and the lists of what was revoked.

namespace copoll::tls {

namespace detail {
struct trust_access;
struct trust_state;
}  // namespace detail

/// A set of trusted root certificates and revocation lists. A value: copies share what was parsed,
/// and all connections that are given the same set share it; adding to one leaves the others as
/// they were. An empty one trusts nobody.
class trust_anchors {
public:
    trust_anchors() noexcept = default;

    /// A bundle of certificates, PEM or DER. Those that cannot be used here (another kind of key, a
    /// critical extension that is not known) are left out and counted: other people maintain
    /// bundles. *Errors:* `errc::certificate_malformed` if none can be used.
    static result<trust_anchors> parse(std::string_view pem_or_der);

    /// Adds a bundle, as `parse` reads it; unchanged after an error.
    result<void> add(std::string_view pem_or_der);

    /// Adds revocation lists (RFC 5280 §5), PEM or DER. A certificate is looked up in the lists of
    /// its issuer; an issuer without a list revokes nothing. A list that has expired makes the
    /// certificates of its issuer untrusted. *Errors:* `errc::certificate_malformed`.
    result<void> add_revocation_list(std::string_view pem_or_der);

    bool is_empty() const noexcept { return size() == 0; }
    std::size_t size() const noexcept;                ///< certificates
    std::size_t skipped() const noexcept;             ///< certificates that were left out
    std::size_t revocation_lists() const noexcept;

    /// The names of the roots, as `certificate::subject` writes them.
    std::vector<std::string> subjects() const;

private:
    friend detail::trust_access;
    detail::trust_state& unshared();

    std::shared_ptr<detail::trust_state> state_;
};

/// The roots of the system: the file that the environment variable SSL_CERT_FILE names, or else the
/// first of the usual bundles (/etc/ssl/certs/ca-certificates.crt, …) that is there. A component
/// sees files in folders that its host opened for it.
/// *Errors:* `std::errc::no_such_file_or_directory` if there is none or the one named cannot be
/// read, and those of `trust_anchors::parse`.
result<trust_anchors> system_roots();

}  // namespace copoll::tls
