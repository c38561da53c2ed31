// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <copoll/any_stream.hpp>
#include <copoll/task.hpp>
#include <copoll/tls/connection.hpp>
#include <copoll/tls/options.hpp>

/// The client's side: `tls::connect`, or step by step with a `client_handshake`.

namespace copoll::tls {

class client_handshake;

/// The finished connection of a client.
class client_connection : public connection {
public:
    /// Begins a handshake; nothing is sent before it is awaited.
    static client_handshake connect(any_stream transport, client_options options);

private:
    friend client_handshake;
    using connection::connection;
};

/// A server's wish to know who the client is. Left unanswered, none is presented.
class client_identity_request {
public:
    /// What the server accepts signatures of, as it prefers them. Empty in TLS 1.2.
    std::span<const signature_scheme> signature_schemes() const noexcept;

    /// DER names of the authorities that the server takes certificates of (RFC 8446 §4.2.4,
    /// RFC 5246 §7.4.4). Empty if it does not say.
    std::span<const std::vector<std::byte>> authorities() const noexcept;

    /// Presents the first that the server can use: with a key that it takes signatures of, and of
    /// one of `authorities` rather than of another. Until the handshake goes on the last call
    /// counts; with no identities the answer is that there is none.
    void respond(std::vector<private_identity> identities);

private:
    friend client_handshake;
    explicit client_identity_request(detail::link& link) noexcept : link_(&link) {}
    detail::link* link_;
};

/// A handshake that the application takes part in. Each function goes on up to its point and holds
/// there: no byte flows until the next is awaited. Any may be left out; `finish` runs through.
///
///     client_handshake handshake{std::move(tcp), {.server_name = "example.com"}};
///     handshake.configure_alpn_ids({"h2", "http/1.1"});
///     auto server = co_await check(handshake.verify_server_identity());
///     if (!known(server)) co_return co_await handshake.abort(alert::access_denied);
///     if (auto request = co_await check(handshake.receive_client_identity_request()))
///         request->respond({mine});
///     auto secure = co_await check(handshake.finish());
///
/// *Errors:* an `alert` of the server; `errc` for what was found here, of which it was told before;
/// those of the transport. *Cancellation:* `canceled`; the handshake may go on afterwards.
/// One of its functions is awaited at a time.
class client_handshake {
public:
    /// `transport` is any stream.
    client_handshake(any_stream transport, client_options options);
    /// With the options' defaults otherwise.
    client_handshake(any_stream transport, std::string server_name);

    /// What is offered, the best first. Before anything is awaited.
    void configure_alpn_ids(std::vector<std::string> ids);

    /// Sends bytes ahead of the handshake (0-RTT, RFC 8446 §2.3), before anything else is awaited,
    /// in a session whose `max_early_data` is not 0. Whether the server took them says
    /// `connection::early_data` when the handshake is complete; if it did not, they can be sent
    /// again. Whoever records them can send them again, too, to any server that shares the ticket
    /// keys: nothing may depend on their coming once. They have no forward secrecy.
    ///
    /// Gives how many were taken. *Errors:* `copoll::errc::not_supported` in any other session, or
    /// in none; `copoll::errc::message_too_large` when there is no room for one more byte;
    /// `copoll::errc::invalid_state` after the handshake has begun. It may go on after each.
    /// *Cancellation:* bytes that were taken leave with what is awaited next.
    task<io_result> write_early_data(std::span<const std::byte> bytes);

    /// Waits until the server has proved who it is, with its chain verified and its name checked;
    /// gives what it presented, for verification *in addition*. In a resumed session that is what
    /// it presented first. *Errors:* `errc::no_identity` if it proved itself by a pre-shared key.
    task<result<public_identity>> verify_server_identity();

    /// Waits until it is known whether the server asks who the client is; gives its request, valid
    /// until the handshake goes on.
    task<result<std::optional<client_identity_request>>> receive_client_identity_request();

    /// Completes it.
    task<result<client_connection>> finish();

    /// Gives it up with an alert, and waits until that is written.
    task<result<void>> abort(alert reason = alert::user_canceled);

    /// Why the server would have been refused; see `verification::left_to_application`.
    std::error_code verify_error() const noexcept;

    client_handshake(client_handshake&&) noexcept;
    client_handshake& operator=(client_handshake&&) noexcept;
    ~client_handshake();

private:
    std::unique_ptr<detail::link> link_;
};

/// Makes a client connection over a connected stream. *Errors:* see `client_handshake`; and
/// `timed_out` after `options.handshake_timeout`. *Cancellation:* the transport is closed.
task<result<client_connection>> connect(any_stream transport, client_options options);

}  // namespace copoll::tls
