// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <copoll/result.hpp>
#include <copoll/tls/certificate.hpp>

/// Who an end of a connection is: a certificate chain, and for this end the key to it.
/// Identities are values. Copies share what was parsed, and it does not change.

namespace copoll::tls {

namespace detail {
struct identity_access;
struct private_identity_state;
using certificate_chain = std::vector<std::vector<std::byte>>;
}  // namespace detail

/// A certificate chain: what the peer presented, or the public half of a `private_identity`.
class public_identity {
public:
    /// The chain in DER, the end's own certificate (the leaf) first. Never empty.
    /// *Lifetime:* as long as a copy of this identity lives.
    const std::vector<std::vector<std::byte>>& export_x509_chain() const noexcept {
        return *chain_;
    }

    /// What the leaf says. Parsed anew at each call: keep it if it is needed often.
    certificate leaf() const;

    /// Whether both present the same chain.
    friend bool operator==(const public_identity& a, const public_identity& b) noexcept {
        return a.chain_ == b.chain_ || *a.chain_ == *b.chain_;
    }

private:
    friend detail::identity_access;
    explicit public_identity(std::shared_ptr<const detail::certificate_chain> chain) noexcept
        : chain_(std::move(chain)) {}

    std::shared_ptr<const detail::certificate_chain> chain_;
};

/// A certificate chain with the private key of its leaf.
class private_identity {
public:
    /// `private_key` is PEM or DER: PKCS#8, also encrypted (PBES2 with AES or 3DES, PBE-SHA1-3DES),
    /// PKCS#1, SEC1, or these encrypted in PEM's older way. Of a PEM text the first key counts.
    /// `x509_chain` is PEM or DER, the leaf first, each certificate followed by its issuer's; the
    /// root may be left out. `passphrase`, in UTF-8, is for an encrypted key; others ignore it.
    ///
    /// Keys are RSA, and EC on P-256, P-384 and P-521.
    /// *Errors:* `errc::private_key_malformed`, `errc::passphrase_wrong`,
    /// `errc::certificate_malformed` (also a chain out of order), `errc::private_key_mismatch`;
    /// `copoll::errc::not_supported` for a kind of key or encryption that is not listed here.
    static result<private_identity> parse(std::string_view private_key,
                                          std::string_view x509_chain,
                                          std::string_view passphrase = {});

    /// PKCS#12 (RFC 7292; .p12, .pfx) in DER: the first key that belongs to one of the
    /// certificates, that certificate, and its issuers as far as they are there. A message
    /// authentication code must fit; a file without one is taken. Encryption is PBES2 as above or
    /// PBE-SHA1-3DES.
    ///
    /// *Errors:* `errc::passphrase_wrong`, `errc::pkcs12_malformed` (also one without a key or
    /// certificate), `errc::private_key_mismatch`; `copoll::errc::not_supported` for RC2 and other
    /// algorithms; and those of `parse` for what is inside.
    static result<private_identity> parse_pkcs12(std::span<const std::byte> file,
                                                 std::string_view passphrase);

    /// What the peer gets to see of it.
    const public_identity& identity() const noexcept;

private:
    friend detail::identity_access;
    explicit private_identity(
        std::shared_ptr<const detail::private_identity_state> state) noexcept
        : state_(std::move(state)) {}

    std::shared_ptr<const detail::private_identity_state> state_;
};

}  // namespace copoll::tls
