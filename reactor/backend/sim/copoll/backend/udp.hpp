// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include <copoll/backend/context.hpp>
#include <copoll/backend/sim_op.hpp>
#include <copoll/detail/socket_option.hpp>
#include <copoll/detail/udp_types.hpp>
#include <copoll/ip.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace sim {

class datagram_socket;

class udp_socket {
public:
    udp_socket() noexcept = default;
    explicit udp_socket(std::shared_ptr<datagram_socket> s) noexcept : socket_(std::move(s)) {}
    udp_socket(udp_socket&&) noexcept = default;
    udp_socket& operator=(udp_socket&& other) noexcept;
    ~udp_socket() { close(); }

    bool is_open() const noexcept { return socket_ != nullptr; }
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
    outcome receive(context& io, const waiter& w, std::span<incoming_datagram> into,
                    batch_result& result) noexcept;
    outcome send(context& io, const waiter& w, std::span<const outgoing_datagram> all,
                 batch_result& result) noexcept;
    std::shared_ptr<datagram_socket> socket_;
};

class udp_open_op : public sim_op<udp_open_op, copoll::result<udp_socket>> {
public:
    udp_open_op(const ip::endpoint& at, const std::optional<ip::endpoint>& peer) noexcept
        : at_(at), peer_(peer) {}
    outcome attempt(context& io) noexcept;
    wait_set& waits_on(context& io) noexcept;

private:
    ip::endpoint at_;
    std::optional<ip::endpoint> peer_;
};

class udp_connect_op : public sim_op<udp_connect_op, copoll::result<void>> {
public:
    udp_connect_op(udp_socket& s, const ip::endpoint& peer) noexcept : s_(&s), peer_(peer) {}
    outcome attempt(context& io) noexcept;
    wait_set& waits_on(context& io) noexcept;

private:
    udp_socket* s_;
    ip::endpoint peer_;
};

class udp_receive_op : public sim_op<udp_receive_op, copoll::result<incoming_datagram>> {
public:
    udp_receive_op(udp_socket& s, std::span<std::byte> buffer, bool from_peer) noexcept
        : s_(&s), buffer_(buffer), from_peer_(from_peer) {}
    outcome attempt(context& io) noexcept;
    wait_set& waits_on(context& io) noexcept;

private:
    udp_socket* s_;
    std::span<std::byte> buffer_;
    bool from_peer_;
};

class udp_receive_batch_op : public sim_op<udp_receive_batch_op, batch_result> {
public:
    udp_receive_batch_op(udp_socket& s, std::span<incoming_datagram> into) noexcept
        : s_(&s), into_(into) {}
    outcome attempt(context& io) noexcept { return s_->receive(io, *this, into_, result); }
    wait_set& waits_on(context& io) noexcept;

private:
    udp_socket* s_;
    std::span<incoming_datagram> into_;
};

class udp_send_op : public sim_op<udp_send_op, copoll::result<void>> {
public:
    udp_send_op(udp_socket& s, std::span<const std::byte> bytes,
                const std::optional<ip::endpoint>& to) noexcept
        : s_(&s), datagram_{bytes, to} {}
    outcome attempt(context& io) noexcept;
    wait_set& waits_on(context& io) noexcept;

private:
    udp_socket* s_;
    outgoing_datagram datagram_;
};

class udp_send_batch_op : public sim_op<udp_send_batch_op, batch_result> {
public:
    udp_send_batch_op(udp_socket& s, std::span<const outgoing_datagram> all) noexcept
        : s_(&s), all_(all) {}
    outcome attempt(context& io) noexcept { return s_->send(io, *this, all_, result); }
    wait_set& waits_on(context& io) noexcept;

private:
    udp_socket* s_;
    std::span<const outgoing_datagram> all_;
};

}  // namespace sim
}  // namespace copoll::backend
