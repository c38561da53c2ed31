// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include <copoll/backend/context.hpp>
#include <copoll/backend/fd_op.hpp>
#include <copoll/detail/socket_option.hpp>
#include <copoll/detail/udp_types.hpp>
#include <copoll/ip.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace asio {

class udp_socket {
public:
    udp_socket() noexcept = default;
    udp_socket(watched_fd fd, ip::family family) noexcept : fd_(std::move(fd)), family_(family) {}

    bool is_open() const noexcept { return static_cast<bool>(fd_); }
    void close() noexcept { fd_.reset(); }
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

    std::error_code connect(const ip::endpoint& peer) noexcept;
    /// False: would block.
    bool try_receive(std::span<incoming_datagram> into, batch_result& result) noexcept;
    bool try_send(std::span<const outgoing_datagram> all, batch_result& result) noexcept;

    watched_fd fd_;
    std::optional<ip::endpoint> peer_;
    ip::family family_ = ip::family::v4;
    bool strangers_ = false;  ///< datagrams that came before it was connected may be queued
};

/// Creates and binds a socket, and connects it if there is a peer.
class udp_open_op : public immediate_op<copoll::result<udp_socket>> {
public:
    udp_open_op(const ip::endpoint& at, const std::optional<ip::endpoint>& peer) noexcept
        : at_(at), peer_(peer) {}
    bool start(context& io) noexcept;

private:
    ip::endpoint at_;
    std::optional<ip::endpoint> peer_;
};

class udp_connect_op : public immediate_op<copoll::result<void>> {
public:
    udp_connect_op(udp_socket& s, const ip::endpoint& peer) noexcept : s_(&s), peer_(peer) {}
    bool start(context& io) noexcept;

private:
    udp_socket* s_;
    ip::endpoint peer_;
};

class udp_receive_op
    : public fd_op<udp_receive_op, copoll::result<incoming_datagram>, readiness::read> {
public:
    udp_receive_op(udp_socket& s, std::span<std::byte> buffer, bool from_peer) noexcept
        : s_(&s), buffer_(buffer), from_peer_(from_peer) {}
    bool attempt() noexcept;
    watched_fd& fd() noexcept { return s_->fd_; }

private:
    udp_socket* s_;
    std::span<std::byte> buffer_;
    bool from_peer_;
};

class udp_receive_batch_op : public fd_op<udp_receive_batch_op, batch_result, readiness::read> {
public:
    udp_receive_batch_op(udp_socket& s, std::span<incoming_datagram> into) noexcept
        : s_(&s), into_(into) {}
    bool attempt() noexcept { return s_->try_receive(into_, result); }
    watched_fd& fd() noexcept { return s_->fd_; }

private:
    udp_socket* s_;
    std::span<incoming_datagram> into_;
};

class udp_send_op : public fd_op<udp_send_op, copoll::result<void>, readiness::write> {
public:
    udp_send_op(udp_socket& s, std::span<const std::byte> bytes,
                const std::optional<ip::endpoint>& to) noexcept
        : s_(&s), datagram_{bytes, to} {}
    bool attempt() noexcept;
    watched_fd& fd() noexcept { return s_->fd_; }

private:
    udp_socket* s_;
    outgoing_datagram datagram_;
};

class udp_send_batch_op : public fd_op<udp_send_batch_op, batch_result, readiness::write> {
public:
    udp_send_batch_op(udp_socket& s, std::span<const outgoing_datagram> all) noexcept
        : s_(&s), all_(all) {}
    bool attempt() noexcept { return s_->try_send(all_, result); }
    watched_fd& fd() noexcept { return s_->fd_; }

private:
    udp_socket* s_;
    std::span<const outgoing_datagram> all_;
};

}  // namespace asio
}  // namespace copoll::backend
