// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <copoll/result.hpp>
#include <copoll/tls/identity.hpp>

/// Resumption: a client keeps a `session` and a server its `ticket_keys` (RFC 8446 §2.2, RFC 5077).
/// A resumed handshake needs no certificate and no signature.

namespace copoll::tls {

namespace detail {
struct session_state;
struct ticket_state;
}  // namespace detail

/// What a client resumes with. Secret: who has it can take the session over. Cheap to copy. A
/// server accepts it once or more often, as it likes; using it once only is the private way.
class session {
public:
    /// Bytes to keep, of this version of the library. The server's certificates are among them, as
    /// it does not present them again.
    std::vector<std::byte> serialize() const;
    /// *Errors:* `session_malformed`.
    static result<session> parse(std::span<const std::byte> bytes);

    /// The name it was made with; it resumes connections to that name only.
    const std::string& server_name() const noexcept;
    const public_identity& server_identity() const noexcept;
    /// Bytes that the server takes ahead of a handshake that resumes it; 0: none.
    std::uint32_t max_early_data() const noexcept;

    explicit session(std::shared_ptr<const detail::session_state> state) noexcept
        : state_(std::move(state)) {}
    const detail::session_state& state() const noexcept { return *state_; }

private:
    std::shared_ptr<const detail::session_state> state_;
};

/// The keys of a server's tickets: one to make them, and older ones that still open them. Copies
/// share their keys. Servers with the same keys resume each other's sessions.
class ticket_keys {
public:
    static constexpr std::size_t key_size = 48;
    /// 16 bytes that name the key, and 32 of the key.
    using key = std::array<std::byte, key_size>;

    /// A random key. Tickets are good for `lifetime`, at most 7 days.
    explicit ticket_keys(std::chrono::seconds lifetime = std::chrono::hours{24});
    /// The newest first: it makes tickets, all open them. Precondition: there is one.
    ticket_keys(std::span<const key> keys, std::chrono::seconds lifetime = std::chrono::hours{24});

    /// A new random key makes tickets from now on; those of the last `kept` keys are still taken.
    void rotate(std::size_t kept = 2);
    /// The newest first.
    std::vector<key> keys() const;
    /// Precondition: there is one.
    void set_keys(std::span<const key> keys);

    detail::ticket_state& state() const noexcept { return *state_; }

private:
    std::shared_ptr<detail::ticket_state> state_;
};

}  // namespace copoll::tls
