// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include <copoll/result.hpp>
#include <copoll/tls/types.hpp>

/// What a client offers, read before a server decides anything.

namespace copoll::tls {

namespace detail {
struct client_hello_state;
}

/// Values that clients invent so that servers stay used to unknown ones (RFC 8701): among cipher
/// suites, groups, versions, signature schemes and extensions. They mean nothing, and the lists
/// below hold them as they came.
constexpr bool is_grease(std::uint16_t value) noexcept {
    return (value & 0x0f0f) == 0x0a0a && (value >> 8) == (value & 0xff);
}
template <class Number>
constexpr bool is_grease(Number value) noexcept
    requires std::is_enum_v<Number>
{
    return is_grease(static_cast<std::uint16_t>(value));
}

/// A ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2), parsed without a connection.
///
/// It owns a copy of the message, which copies of the value share: all views into it live as long
/// as one of them. Lists are in the order of the client, which is that of its preference, and empty
/// if the client did not send them; numbers that this library does not know are among them.
class client_hello {
public:
    /// Of the bytes that a connection has sent so far: records, as many as the message needs, cut
    /// anywhere. Nothing as long as more bytes are needed; what comes after the message's last
    /// record is not looked at.
    ///
    /// *Errors,* as soon as they are certain: `errc::malformed_message` for what is not TLS (HTTP,
    /// for one) or is against its grammar, and for a message of more than 64 KiB;
    /// `errc::unsupported_version` for SSL 2 and 3; `errc::unexpected_message` for another message;
    /// `errc::illegal_parameter` for an extension that came twice, a pre-shared key before the last
    /// place, and names and values that cannot be; `errc::too_much_work` for a message in
    /// more than 1024 records.
    static result<std::optional<client_hello>> parse(std::span<const std::byte> input);

    /// Bytes of input that the message took: its records with their headers.
    std::size_t wire_size() const noexcept;
    /// The handshake message with its header, without those of records.
    std::span<const std::byte> message() const noexcept;

    /// The host that the client wants to reach (RFC 6066 §3): checked to be in the form of a host
    /// name, upper and lower case as it came, without a dot at its end. None as well for an IP
    /// address, which some clients send though they must not.
    std::optional<std::string_view> server_name() const noexcept;
    /// Protocols that the client would speak in it (ALPN, RFC 7301): 1 to 255 bytes each.
    std::span<const std::string_view> alpn_ids() const noexcept;
    /// Also those that are signals and no suites (TLS_EMPTY_RENEGOTIATION_INFO_SCSV, …).
    std::span<const cipher_suite> cipher_suites() const noexcept;
    /// From supported_versions; of a client that does not send that, the one that it names, at most
    /// TLS 1.2.
    std::span<const protocol_version> versions() const noexcept;
    std::span<const named_group> groups() const noexcept;
    std::span<const signature_scheme> signature_schemes() const noexcept;
    /// For signatures in certificates, where they differ from `signature_schemes`.
    std::span<const signature_scheme> signature_schemes_cert() const noexcept;
    /// Groups for which a key share came along, each at most once.
    std::span<const named_group> key_share_groups() const noexcept;

    std::span<const std::byte> random() const noexcept;      ///< 32 bytes
    std::span<const std::byte> session_id() const noexcept;  ///< up to 32 bytes
    /// Of TLS 1.2 (RFC 5077): empty if the client takes tickets and has none, nothing if it takes
    /// none.
    std::optional<std::span<const std::byte>> session_ticket() const noexcept;
    /// Identities of pre-shared keys, TLS 1.3: a ticket, or a name that was agreed on elsewhere.
    std::span<const std::span<const std::byte>> psk_identities() const noexcept;
    /// DER names of authorities whose certificates the client trusts (RFC 8446 §4.2.4).
    std::span<const std::span<const std::byte>> certificate_authorities() const noexcept;
    /// Bytes of plaintext that the client takes in a record (RFC 8449), at least 64.
    std::optional<std::uint16_t> record_size_limit() const noexcept;

    bool has_psk() const noexcept { return !psk_identities().empty(); }
    bool has_early_data() const noexcept;                  ///< 0-RTT follows
    bool has_post_handshake_auth() const noexcept;         ///< may be asked for a certificate later
    bool has_extended_master_secret() const noexcept;      ///< TLS 1.2, RFC 7627
    bool has_secure_renegotiation() const noexcept;        ///< TLS 1.2, RFC 5746, by either sign
    bool has_ocsp_request() const noexcept;                ///< wants a stapled OCSP response

    /// The types of all extensions, in their order.
    std::span<const std::uint16_t> extensions() const noexcept;
    /// What an extension carries, as it came; nothing if it is not there.
    std::optional<std::span<const std::byte>> extension(std::uint16_t type) const noexcept;

private:
    explicit client_hello(std::shared_ptr<const detail::client_hello_state> state) noexcept
        : state_(std::move(state)) {}

    std::shared_ptr<const detail::client_hello_state> state_;
};

}  // namespace copoll::tls
