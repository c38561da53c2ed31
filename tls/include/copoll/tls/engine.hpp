// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/result.hpp>
#include <copoll/tls/client_hello.hpp>
#include <copoll/tls/error.hpp>
#include <copoll/tls/identity.hpp>
#include <copoll/tls/options.hpp>
#include <copoll/tls/types.hpp>

/// TLS without I/O, for those who move the bytes themselves; everybody else takes
/// `tls::connect`, `tls::accept` and the handshakes.
///
///     engine e{client_options{.server_name = "example.com", .roots = roots}};
///     for (progress p{}; p != progress::reached;) {
///         p = e.advance(milestone::complete);
///         send_all(e.output().data()), e.output().clear();  // also when it has failed
///         if (p == progress::failed) return e.error();
///         if (p == progress::needs_input) e.input(receive_into(memory));
///     }

namespace copoll::tls {

/// Where a handshake can be held. Nothing flows on until it is asked to advance further.
enum class milestone {
    client_hello,             ///< Server: the client's offer is known, nothing is answered.
    server_identity,          ///< Client: the server has proved who it is.
    client_identity_request,  ///< Client: it is known whether a certificate is asked for.
    early_data,       ///< Server: some is there to be read, or no more comes.
    client_identity,  ///< Server: the client has proved who it is, or has not.
    complete,
};

enum class progress {
    reached,      ///< The milestone, or one behind it.
    needs_input,  ///< Send `output`, then give `input`.
    failed,       ///< `error` says why. Send `output`: it tells the peer.
};

/// What one `read` gave.
struct read_result {
    std::error_code ec{};  ///< of the connection; `copoll::errc::eof` at its clean end
    std::size_t n = 0;     ///< bytes read; 0 without an error: more input is needed
};

class engine {
public:
    explicit engine(client_options options);
    explicit engine(server_options options);
    engine(engine&&) noexcept;
    engine& operator=(engine&&) noexcept;
    ~engine();

    bool is_server() const noexcept;

    // ---- The transport's side

    /// Gives what came in. The bytes must stay where they are until `unread` is 0, which they are
    /// whenever the engine needs input. Precondition: it is 0.
    void input(std::span<const std::byte> bytes) noexcept;
    /// The transport has ended: what is read next gives `truncated`, unless TLS ended before.
    void input_ended() noexcept;
    std::size_t unread() const noexcept;

    /// What is to be sent: consume it, or take it away whole. Calls below add to it.
    buffer& output() noexcept;

    // ---- The handshake

    progress advance(milestone until);
    /// Ends it with an alert, which is in `output` then.
    void abort(alert reason) noexcept;
    /// Why it failed, or how the connection ended.
    std::error_code error() const noexcept;

    /// Until the handshake starts, on a server until it goes on behind `client_hello`.
    client_options& client() noexcept;
    server_options& server() noexcept;
    /// The client's offer. Precondition: a server that has reached `client_hello`.
    const client_hello& hello() const noexcept;

    /// Whether the server asked for a certificate. Precondition: `client_identity_request` reached.
    bool client_identity_requested() const noexcept;
    /// See `client_identity_request::authorities`.
    std::span<const std::vector<std::byte>> client_authorities() const noexcept;
    /// What the client presents: the first that fits. None: no certificate.
    /// Precondition: `client_identity_request` reached, and `complete` not.
    void present(std::vector<private_identity> identities);

    /// Client, before the handshake: sends bytes ahead. Gives what was taken, as far as `output`
    /// has less than 64 KiB.
    /// *Errors:* see `client_handshake::write_early_data`.
    io_result write_early_data(std::span<const std::byte> bytes);
    /// Server: what the client sent ahead; what is left of it is what `read` gives first.
    /// *Errors:* `copoll::errc::eof` behind it. Precondition: `early_data` reached.
    read_result read_early_data(std::span<std::byte> into);

    // ---- The connection

    read_result read(std::span<std::byte> into);
    /// Takes bytes and puts their records into `output`: all, or as many as fit into 64 KiB.
    /// None, and no error, while a renegotiation needs more input.
    /// *Errors:* `copoll::errc::closed` after `close`, and what ended the connection.
    io_result write(std::span<const std::byte> bytes);
    /// Says that no more comes (close_notify). Reading goes on.
    void close() noexcept;
    bool is_closed() const noexcept;
    /// New keys for what is sent, in TLS 1.3; with `request_peer` the peer's are changed too.
    /// *Errors:* `copoll::errc::not_supported` in TLS 1.2.
    result<void> update_keys(bool request_peer = true);
    /// Server: asks a client that has proved nothing yet who it is, on a complete connection: in
    /// TLS 1.3 by post-handshake authentication (RFC 8446 §4.6.2), in TLS 1.2 by renegotiation. The
    /// answer comes with what is read; `server_options` says whom to trust.
    /// *Errors:* `copoll::errc::not_supported` if the client takes no such request;
    /// `copoll::errc::invalid_state` while another is pending.
    result<void> request_client_identity();
    bool is_client_identity_pending() const noexcept;
    /// Why the last request brought no identity, and the connection goes on:
    /// `errc::renegotiation_refused`.
    std::error_code client_identity_error() const noexcept;

    /// Gives back the memory that is needed only while records are on their way.
    void release_buffers() noexcept;

    // ---- What was agreed on; empty before it is

    bool is_complete() const noexcept;
    std::optional<protocol_version> version() const noexcept;
    std::optional<tls::cipher_suite> cipher_suite() const noexcept;
    std::optional<named_group> group() const noexcept;
    std::optional<std::string_view> alpn_id() const noexcept;
    std::optional<std::string_view> server_name() const noexcept;
    std::optional<public_identity> server_identity() const;
    std::optional<public_identity> client_identity() const;
    /// Why the peer's certificate would have been refused; no error if it is good, or if there is
    /// none. Only with `verification::left_to_application` it can be an error on a connection.
    std::error_code verify_error() const noexcept;
    bool is_resumed() const noexcept;
    tls::early_data early_data() const noexcept;
    /// Of the pre-shared key that proved both sides; none if certificates or a session did.
    std::optional<std::string_view> psk_identity() const noexcept;
    /// A HelloRetryRequest was needed: the client's first key share was of another group.
    bool was_retried() const noexcept;
    /// Schemes that both sides accept for signatures, as the peer prefers them.
    std::span<const signature_scheme> shared_signature_schemes() const noexcept;

    /// What the Finished message of each side carried (verify_data; RFC 8446 §4.4.4, RFC 5246
    /// §7.4.9), of the first handshake: 12 bytes in TLS 1.2, those of the suite's hash in TLS 1.3.
    std::span<const std::byte> own_finished() const noexcept;
    std::span<const std::byte> peer_finished() const noexcept;

    /// Keys for another protocol, bound to this connection (RFC 8446 §7.5, RFC 5705).
    /// *Errors:* `copoll::errc::invalid_state` before it is complete, and while it is renegotiated.
    result<void> export_keying_material(std::span<std::byte> into, std::string_view label,
                                        std::optional<std::span<const std::byte>> context) const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace copoll::tls
