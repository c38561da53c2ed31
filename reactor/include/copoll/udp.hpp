// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include <copoll/backend/udp.hpp>
#include <copoll/check.hpp>
#include <copoll/detail/io_op.hpp>
#include <copoll/detail/udp_types.hpp>
#include <copoll/ip.hpp>
#include <copoll/socket_options.hpp>

/// UDP. Each function returns an operation to `co_await`; nothing happens before that. A socket
/// has at most one receive and one send awaited at a time, and must not move meanwhile.
///
///     auto socket = co_await check(udp_socket::bind({ip::loopback_v4, 5353}));
///     for (;;) {
///         const auto question = co_await check(socket.receive_from(buffer));
///         co_await check(socket.send_to(question.bytes(), question.from));
///     }
///
/// Datagrams come whole or not at all, may be lost, doubled and overtake each other, and those that
/// nobody receives in time are dropped. An empty one is a datagram too.

namespace copoll {

/// A socket of one address family. Not connected it talks with anybody; connected, with its peer
/// only. Destroying it closes it; what was sent still leaves.
class udp_socket : public socket_options<udp_socket> {
public:
    /// Binds; gives `result<udp_socket>`. Port 0 takes a free one, see `local_endpoint`. A socket
    /// of IPv6 takes IPv6 only.
    /// *Errors:* `address_in_use`, `address_not_available`, `access_denied`, `invalid_argument`
    /// for an address of IPv4 written as one of IPv6.
    static auto bind(const ip::endpoint& at) noexcept {
        return detail::io_op<backend::udp_open_op, udp_socket>{std::in_place, at, std::nullopt};
    }

    /// A socket of a free port that is connected to `peer`; gives `result<udp_socket>`.
    /// *Errors:* those of `bind` and `connect`.
    static auto connected_to(const ip::endpoint& peer) noexcept {
        const ip::endpoint anywhere{peer.address.is_v4() ? ip::any_v4 : ip::any_v6, 0};
        return detail::io_op<backend::udp_open_op, udp_socket>{std::in_place, anywhere, peer};
    }

    /// From now on only datagrams of `peer` are received, and only it can be sent to; gives
    /// `result<void>`. Nothing is sent. May be done again with another peer. Nothing may be awaited
    /// on the socket meanwhile. What has arrived already may be lost.
    /// *Errors:* `invalid_argument` for port 0, no address, or one of the other family;
    /// `unreachable`, `access_denied`. The socket is then as it was.
    auto connect(const ip::endpoint& peer) noexcept {
        return detail::io_op<backend::udp_connect_op>{std::in_place, socket_, peer};
    }

    /// Receives a datagram; gives `result<incoming_datagram>`. One that is longer than `buffer`
    /// fills it and is marked `truncated`: its rest is lost, which is no error, as any stranger can
    /// cause it. A buffer of 65,527 bytes holds every datagram.
    /// *Errors:* `connection_refused` on a connected socket: nobody has the port that was sent to.
    /// Wasmtime tells that only with the next send.
    /// *Cancellation:* no datagram is lost. *Lifetime:* `buffer` stays valid until completion.
    auto receive_from(std::span<std::byte> buffer) noexcept {
        return detail::io_op<backend::udp_receive_op>{std::in_place, socket_, buffer, false};
    }

    /// The same on a connected socket; `invalid_state` on one that is not.
    auto receive(std::span<std::byte> buffer) noexcept {
        return detail::io_op<backend::udp_receive_op>{std::in_place, socket_, buffer, true};
    }

    /// Receives what is there, a datagram into each of `into`, at most 16; gives `batch_result`.
    /// Sets all but `buffer` of those it received. *Completes:* with n >= 1, or with an error and
    /// n == 0; without room for any it completes at once with n == 0.
    /// *Errors, Cancellation:* as `receive_from`.
    /// *Lifetime:* `into` and the buffers stay valid until completion.
    auto receive_batch(std::span<incoming_datagram> into) noexcept {
        return detail::io_op<backend::udp_receive_batch_op>{std::in_place, socket_, into};
    }

    /// Sends a datagram; gives `result<void>`. Sent means that the host took it.
    /// *Errors:* `message_too_large` for more than 65,507 bytes (IPv4) or 65,527 (IPv6), or than
    /// the network takes; `invalid_argument` for port 0, no address, one of the other family, or,
    /// on a connected socket, for another than its peer; `unreachable`, `access_denied`.
    /// *Cancellation:* it was not sent. *Lifetime:* `bytes` stay valid until completion.
    auto send_to(std::span<const std::byte> bytes, const ip::endpoint& to) noexcept {
        return detail::io_op<backend::udp_send_op>{std::in_place, socket_, bytes, to};
    }

    /// The same to the peer of a connected socket; `invalid_state` on one that is not.
    /// *Errors:* also `connection_refused`, which is about an earlier datagram.
    auto send(std::span<const std::byte> bytes) noexcept {
        return detail::io_op<backend::udp_send_op>{std::in_place, socket_, bytes, std::nullopt};
    }

    /// Sends datagrams in order, 16 with a call of the host, until the host takes no more; gives
    /// `batch_result`. *Completes:* with n >= 1, or with an error about the first and n == 0. None
    /// given: at once with n == 0. Whoever has more to send calls again with the rest.
    /// *Errors:* as `send_to` and `send`. *Cancellation:* n is what was sent.
    /// *Lifetime:* `datagrams` and their bytes stay valid until completion.
    auto send_batch(std::span<const outgoing_datagram> datagrams) noexcept {
        return detail::io_op<backend::udp_send_batch_op>{std::in_place, socket_, datagrams};
    }

    /// Closes now; the same as destroying the socket. Nothing may be awaited on it.
    void close() noexcept { socket_.close(); }
    bool is_open() const noexcept { return socket_.is_open(); }

    /// *Errors:* `closed`.
    result<ip::endpoint> local_endpoint() const noexcept { return socket_.local_endpoint(); }
    /// The peer. *Errors:* `invalid_state` when not connected, `closed`.
    result<ip::endpoint> remote_endpoint() const noexcept { return socket_.remote_endpoint(); }

    explicit udp_socket(backend::udp_socket socket) noexcept : socket_(std::move(socket)) {}

private:
    friend class socket_options<udp_socket>;
    result<void> set_option(detail::socket_option o, std::uint64_t value) noexcept {
        return socket_.set(o, value);
    }
    result<std::uint64_t> get_option(detail::socket_option o) const noexcept {
        return socket_.get(o);
    }

    backend::udp_socket socket_;
};

}  // namespace copoll
