// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <copoll/any_stream.hpp>
#include <copoll/chunk.hpp>
#include <copoll/close.hpp>
#include <copoll/stream.hpp>
#include <copoll/task.hpp>
#include <copoll/tls/engine.hpp>
#include <copoll/tls/error.hpp>
#include <copoll/tls/identity.hpp>
#include <copoll/tls/types.hpp>

namespace copoll::tls {

namespace detail {
class link;
}

/// A TLS connection: a stream like any other. A read, a write or shutdown, and what the protocol
/// itself has to say may be under way together. May move meanwhile.
///
/// Reads end with `copoll::errc::eof` when the peer closed properly, with `errc::truncated` when
/// its transport ended before that, with an `alert` when it gave a reason. After any other error of
/// TLS nothing works any more; errors of the transport and `copoll::errc::canceled` leave the
/// connection as it is. While it waits for the peer it holds no buffers.
class connection {
public:
    /// As any `read_stream`. *Errors:* see above, `errc::bad_record` and the like for a peer that
    /// breaks the protocol; it is told by alert before the read ends.
    /// *Cancellation:* no byte is lost. *Lifetime:* `into`, until completion.
    task<io_result> read_some(std::span<std::byte> into);

    /// The same into memory of the loop's pool, which is taken when something has come. At least
    /// one byte.
    task<result<chunk>> read_chunk();

    /// As any `write_stream`: takes at most 64 KiB at once and sends them.
    /// *Errors:* `copoll::errc::closed` after `shutdown_write`.
    /// *Cancellation:* with n == 0 nothing was taken; n > 0 bytes are taken, and what of them has
    /// not left leaves with the next write, read or shutdown.
    /// *Lifetime:* `bytes`, until completion.
    task<io_result> write_some(std::span<const std::byte> bytes);

    /// Says that no more comes (close_notify, RFC 8446 §6.1), and ends the transport's half.
    /// Reading goes on. *Cancellation:* as of a write.
    task<result<void>> shutdown_write();

    /// Ends the connection so that both sides know: `shutdown_write`, then waits within `options`
    /// until the peer ends, too. *Errors:* see `close_gracefully`.
    task<result<void>> shutdown(close_options options = {});

    /// Changes the keys of what is sent, in TLS 1.3, and with `request_peer` has the peer change
    /// its own (KeyUpdate). *Errors:* `copoll::errc::not_supported` in TLS 1.2.
    task<result<void>> update_keys(bool request_peer = true);

    protocol_version version() const noexcept;
    tls::cipher_suite cipher_suite() const noexcept;
    /// Of the key exchange; none in a handshake without one.
    std::optional<named_group> group() const noexcept;
    std::optional<std::string_view> alpn_id() const noexcept;
    /// What the client asked for.
    std::optional<std::string_view> server_name() const noexcept;
    std::optional<public_identity> server_identity() const;
    std::optional<public_identity> client_identity() const;
    /// See `engine::verify_error`.
    std::error_code verify_error() const noexcept;
    bool is_resumed() const noexcept;
    /// What became of bytes that were sent ahead.
    tls::early_data early_data() const noexcept;
    /// See `engine::psk_identity`.
    std::optional<std::string_view> psk_identity() const noexcept;
    /// See `engine::was_retried`.
    bool was_retried() const noexcept;
    bool is_server() const noexcept;
    std::span<const signature_scheme> shared_signature_schemes() const noexcept;
    /// See `engine::own_finished`.
    std::span<const std::byte> own_finished() const noexcept;
    std::span<const std::byte> peer_finished() const noexcept;
    /// See `engine::export_keying_material`.
    result<void> export_keying_material(
        std::span<std::byte> into, std::string_view label,
        std::optional<std::span<const std::byte>> context = std::nullopt) const;

    /// The stream below. What is read from it or written to it here breaks the connection.
    any_stream& transport() noexcept;

    connection(connection&&) noexcept;
    connection& operator=(connection&&) noexcept;
    ~connection();

protected:
    explicit connection(std::unique_ptr<detail::link> link) noexcept;
    detail::link& link() noexcept { return *link_; }

private:
    std::unique_ptr<detail::link> link_;
};

static_assert(stream<connection>);

}  // namespace copoll::tls
