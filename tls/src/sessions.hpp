// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <mbedtls/ssl.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <copoll/tls/session.hpp>

#include "wire_reader.hpp"
#include "wire_writer.hpp"

namespace copoll::tls::detail {

/// mbedTLS's session, that frees itself.
class ssl_session {
public:
    ssl_session() noexcept { mbedtls_ssl_session_init(&native_); }
    ssl_session(const ssl_session&) = delete;
    ssl_session& operator=(const ssl_session&) = delete;
    ~ssl_session() { mbedtls_ssl_session_free(&native_); }
    mbedtls_ssl_session* get() noexcept { return &native_; }

private:
    mbedtls_ssl_session native_;
};

/// Bytes that are wiped when they go.
class wiped_bytes : public std::vector<std::byte> {
public:
    using std::vector<std::byte>::vector;
    wiped_bytes(std::vector<std::byte>&& bytes) noexcept
        : std::vector<std::byte>(std::move(bytes)) {}
    wiped_bytes(const wiped_bytes&) = default;
    wiped_bytes(wiped_bytes&&) noexcept = default;
    wiped_bytes& operator=(const wiped_bytes&) = delete;
    wiped_bytes& operator=(wiped_bytes&&) = delete;
    ~wiped_bytes();
};

/// As mbedTLS writes it; empty if that fails.
wiped_bytes saved(const mbedtls_ssl_session& session);

struct session_state {
    wiped_bytes blob;  ///< see `saved`
    std::string server_name;
    std::string alpn;  ///< empty: none was agreed on
    public_identity server_identity;
    /// The server's certificate was good. A session of one that was not resumes only connections
    /// that leave verification to the application.
    bool verified;
    std::uint32_t max_early_data;
};

struct ticket_state {
    std::vector<ticket_keys::key> keys;
    std::chrono::seconds lifetime;
};

/// What a server wants back in a ticket.
struct ticket_contents {
    std::string session_context;
    std::chrono::sys_seconds made_at;
    std::optional<public_identity> client;
    bool client_verified = false;
    wiped_bytes blob;  ///< see `saved`
};

/// Authenticated and encrypted with the newest key; empty if that fails.
std::vector<std::byte> seal_ticket(const ticket_state& keys, const ticket_contents& contents);
/// Nothing if no key opens it, or if it is too old at `now`.
std::optional<ticket_contents> open_ticket(const ticket_state& keys,
                                           std::span<const std::byte> ticket,
                                           std::chrono::sys_seconds now);

void write_chain(wire_writer& to, const public_identity& identity);
/// Nothing if there is no chain or it is cut.
std::optional<public_identity> read_chain(wire_reader& from);

}  // namespace copoll::tls::detail
