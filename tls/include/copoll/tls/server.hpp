// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <copoll/any_stream.hpp>
#include <copoll/task.hpp>
#include <copoll/tls/client_hello.hpp>
#include <copoll/tls/connection.hpp>
#include <copoll/tls/options.hpp>

/// The server's side: `tls::accept`, or step by step with a `server_handshake`.

namespace copoll::tls {

class server_handshake;

/// The finished connection of a server.
class server_connection : public connection {
public:
    /// Begins a handshake; nothing is read before it is awaited.
    static server_handshake accept(any_stream transport, server_options options = {});

    /// Asks a client that did not have to prove who it is during the handshake to do so now, and
    /// waits for it; gives what it presented, verified as in the handshake, or nothing if it has
    /// nothing to present. In TLS 1.3 that is post-handshake authentication, in TLS 1.2 a
    /// renegotiation. Data that comes meanwhile is kept for the next reads, up to 256 KiB.
    ///
    /// *Errors:* `copoll::errc::not_supported` if the client takes no such request, and
    /// `errc::renegotiation_refused` if it declines: the connection goes on. Those of the handshake
    /// end it. *Cancellation:* the request stands; a later call fails with `invalid_state`.
    task<result<std::optional<public_identity>>> request_client_identity();

private:
    friend server_handshake;
    using connection::connection;
};

/// A handshake that the application takes part in. Each function goes on up to its point and holds
/// there: no byte flows until the next is awaited. Any may be left out; `finish` runs through.
///
///     server_handshake handshake{std::move(tcp)};
///     auto hello = co_await check(handshake.receive_client_hello());
///     handshake.configure_identities({co_await check(look_up(hello.server_name()))});
///     auto client = co_await check(handshake.request_client_identity());
///     auto secure = co_await check(handshake.finish());
///
/// *Errors:* an `alert` of the client; `errc` for what was found here, of which it was told before;
/// those of the transport. *Cancellation:* `canceled`; the handshake may go on afterwards.
/// One of its functions is awaited at a time.
class server_handshake {
public:
    /// `transport` is any stream.
    explicit server_handshake(any_stream transport, server_options options = {});

    /// Waits for what the client offers. Nothing is answered yet: whatever is configured from now
    /// on can depend on it, and may be waited for.
    task<result<client_hello>> receive_client_hello();

    /// Those that may be agreed on, the best first. Until anything behind the hello is awaited.
    void configure_alpn_ids(std::vector<std::string> ids);
    /// See `server_options::identities`. Until anything behind the hello is awaited.
    void configure_identities(std::vector<private_identity> identities);
    /// All else, until anything behind the hello is awaited.
    server_options& options() noexcept;

    /// Reads what the client sent ahead of the handshake as it comes, before anything shows that it
    /// is no replay (RFC 8446 §8): nothing that is done for it may do harm if it is done again.
    /// Ends with `copoll::errc::eof`, at once if there is none. What is not read here is what the
    /// connection reads first. See `server_options::max_early_data`.
    /// *Cancellation:* no byte is lost. *Lifetime:* `into`, until completion.
    task<io_result> read_early_data(std::span<std::byte> into);

    /// Asks who the client is, and waits until it has proved that, with its chain verified; gives
    /// what it presented, for verification *in addition*, or nothing if it has nothing to present.
    /// *Errors:* `errc::certificate_required` and the like as `server_options` has it.
    task<result<std::optional<public_identity>>> request_client_identity();

    /// Completes it.
    task<result<server_connection>> finish();

    /// Gives it up with an alert, and waits until that is written.
    task<result<void>> abort(alert reason = alert::user_canceled);

    /// Why the client would have been refused; see `verification::left_to_application`.
    std::error_code verify_error() const noexcept;

    server_handshake(server_handshake&&) noexcept;
    server_handshake& operator=(server_handshake&&) noexcept;
    ~server_handshake();

private:
    std::unique_ptr<detail::link> link_;
};

/// Makes a server connection over an accepted stream. *Errors:* see `server_handshake`; and
/// `timed_out` after `options.handshake_timeout`. *Cancellation:* the transport is closed.
task<result<server_connection>> accept(any_stream transport, server_options options);

}  // namespace copoll::tls
