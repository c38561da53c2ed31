// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include <copoll/backend/context.hpp>
#include <copoll/backend/pollable_op.hpp>
#include <copoll/detail/socket_option.hpp>
#include <copoll/detail/udp_types.hpp>
#include <copoll/ip.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace wasi {

template <class Owner>
class linger;

/// A bound socket with the pair of datagram streams that belong to its peer, or to none. Destroying
/// it waits in the background for a send that the host has not finished (see linger.hpp); `context`
/// must outlive it.
class udp_socket {
public:
    udp_socket() noexcept = default;
    udp_socket(context& io, resource<host::drop_udp> socket, ip::family family) noexcept
        : io_(&io), socket_(std::move(socket)), family_(family) {}
    udp_socket(udp_socket&&) noexcept = default;
    udp_socket& operator=(udp_socket&& other) noexcept { return replace(*this, std::move(other)); }
    ~udp_socket() { close(); }

    bool is_open() const noexcept { return static_cast<bool>(socket_); }
    void close() noexcept;
    result<ip::endpoint> local_endpoint() const noexcept;
    result<ip::endpoint> remote_endpoint() const noexcept;
    result<void> set(detail::socket_option o, std::uint64_t value) noexcept;
    result<std::uint64_t> get(detail::socket_option o) const noexcept;

private:
    friend class udp_open_op;
    friend class udp_connect_op;
    friend class udp_receive_op;
    friend class udp_receive_batch_op;
    friend class udp_send_op;
    friend class udp_send_batch_op;
    friend class linger<udp_socket>;

    /// Makes the streams. The host traps if there still are any.
    std::error_code open_streams(const std::optional<ip::endpoint>& peer) noexcept;
    void drop_streams() noexcept;

    /// False: nothing there.
    bool try_receive(std::span<incoming_datagram> into, batch_result& result) noexcept;
    /// False: the host takes nothing now.
    bool try_send(std::span<const outgoing_datagram> all, batch_result& result) noexcept;
    bool send_some(std::span<const outgoing_datagram> all, batch_result& result) noexcept;
    /// How many datagrams one send may have, 0 for none.
    std::size_t permit(std::error_code& ec) noexcept;
    bool settled() noexcept;

    host::handle input_pollable();
    host::handle output_pollable();
    void forget_context() noexcept { io_ = nullptr; }

    context* io_ = nullptr;
    resource<host::drop_udp> socket_;
    resource<host::drop_incoming> incoming_;
    resource<host::drop_outgoing> outgoing_;
    pollable readable_;
    pollable writable_;
    std::optional<ip::endpoint> peer_;
    ip::family family_ = ip::family::v4;
    bool drained_ = false;    ///< the last receive found less than it asked for
    bool in_flight_ = false;  ///< sent since the last permit
};

/// Creates and binds a socket, and connects it if there is a peer.
class udp_open_op : public pollable_op<udp_open_op, copoll::result<udp_socket>> {
public:
    udp_open_op(const ip::endpoint& at, const std::optional<ip::endpoint>& peer) noexcept
        : at_(at), peer_(peer) {}
    bool start(context& io) noexcept;
    bool attempt() noexcept;
    host::handle pollable();

private:
    ip::endpoint at_;
    std::optional<ip::endpoint> peer_;
    context* io_ = nullptr;
    resource<host::drop_udp> socket_;
    wasi::pollable pollable_;
};

class udp_connect_op : public pollable_op<udp_connect_op, copoll::result<void>> {
public:
    udp_connect_op(udp_socket& s, const ip::endpoint& peer) noexcept : s_(&s), peer_(peer) {}
    bool attempt() noexcept;
    /// Without effect in the pause: the socket has no streams then.
    void cancel(context& io) noexcept {
        if (!pause_) pollable_op::cancel(io);
    }
    host::handle pollable() { return pause_ ? pause_.get() : s_->output_pollable(); }

private:
    udp_socket* s_;
    ip::endpoint peer_;
    wasi::pollable pause_;  ///< between the old streams and the new
};

class udp_receive_op : public pollable_op<udp_receive_op, copoll::result<incoming_datagram>> {
public:
    udp_receive_op(udp_socket& s, std::span<std::byte> buffer, bool from_peer) noexcept
        : s_(&s), buffer_(buffer), from_peer_(from_peer) {}
    bool attempt() noexcept;
    bool hopeless() const noexcept { return s_->drained_; }
    host::handle pollable() { return s_->input_pollable(); }

private:
    udp_socket* s_;
    std::span<std::byte> buffer_;
    bool from_peer_;
};

class udp_receive_batch_op : public pollable_op<udp_receive_batch_op, batch_result> {
public:
    udp_receive_batch_op(udp_socket& s, std::span<incoming_datagram> into) noexcept
        : s_(&s), into_(into) {}
    bool attempt() noexcept { return s_->try_receive(into_, result); }
    bool hopeless() const noexcept { return s_->drained_; }
    host::handle pollable() { return s_->input_pollable(); }

private:
    udp_socket* s_;
    std::span<incoming_datagram> into_;
};

class udp_send_op : public pollable_op<udp_send_op, copoll::result<void>> {
public:
    udp_send_op(udp_socket& s, std::span<const std::byte> bytes,
                const std::optional<ip::endpoint>& to) noexcept
        : s_(&s), datagram_{bytes, to} {}
    bool attempt() noexcept;
    host::handle pollable() { return s_->output_pollable(); }

private:
    udp_socket* s_;
    outgoing_datagram datagram_;
};

class udp_send_batch_op : public pollable_op<udp_send_batch_op, batch_result> {
public:
    udp_send_batch_op(udp_socket& s, std::span<const outgoing_datagram> all) noexcept
        : s_(&s), all_(all) {}
    bool attempt() noexcept { return s_->try_send(all_, result); }
    host::handle pollable() { return s_->output_pollable(); }

private:
    udp_socket* s_;
    std::span<const outgoing_datagram> all_;
};

}  // namespace wasi
}  // namespace copoll::backend
