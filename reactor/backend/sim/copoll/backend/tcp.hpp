// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <copoll/backend/context.hpp>
#include <copoll/backend/option_values.hpp>
#include <copoll/backend/sim_op.hpp>
#include <copoll/chunk.hpp>
#include <copoll/detail/socket_option.hpp>
#include <copoll/detail/tcp_types.hpp>
#include <copoll/ip.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace sim {

class connect_attempt;
class connection;
class listening;

/// One end of a connection.
class tcp_socket {
public:
    tcp_socket() noexcept = default;
    tcp_socket(std::shared_ptr<connection> c, unsigned side,
               const option_values& options = {}) noexcept;
    tcp_socket(tcp_socket&&) noexcept = default;
    tcp_socket& operator=(tcp_socket&& other) noexcept;
    ~tcp_socket() { close(); }

    bool is_open() const noexcept { return connection_ != nullptr; }
    void close() noexcept;
    void abort() noexcept {
        if (connection_) (void)set(detail::socket_option::reset_on_close, 1);
        close();
    }
    result<ip::endpoint> local_endpoint() const noexcept;
    result<ip::endpoint> remote_endpoint() const noexcept;
    result<void> set(detail::socket_option o, std::uint64_t value) noexcept;
    result<std::uint64_t> get(detail::socket_option o) const noexcept;

private:
    friend class read_op;
    friend class read_chunk_op;
    friend class write_op;
    friend class shutdown_op;
    std::shared_ptr<connection> connection_;
    unsigned side_ = 0;
    option_values options_;
};

class tcp_listener {
public:
    tcp_listener() noexcept = default;
    explicit tcp_listener(std::shared_ptr<listening> l) noexcept : listening_(std::move(l)) {}
    tcp_listener(tcp_listener&&) noexcept = default;
    tcp_listener& operator=(tcp_listener&& other) noexcept;
    ~tcp_listener() { close(); }

    bool is_open() const noexcept { return listening_ != nullptr; }
    void close() noexcept;
    result<ip::endpoint> local_endpoint() const noexcept;
    result<void> set(detail::socket_option o, std::uint64_t value) noexcept;
    result<std::uint64_t> get(detail::socket_option o) const noexcept;

private:
    friend class accept_op;
    std::shared_ptr<listening> listening_;
};

class read_op : public sim_op<read_op, io_result> {
public:
    read_op(tcp_socket& s, std::span<std::byte> buffer) noexcept : s_(&s), buffer_(buffer) {}
    outcome attempt(context& io) noexcept;
    wait_set& waits_on(context& io) noexcept;

private:
    tcp_socket* s_;
    std::span<std::byte> buffer_;
};

class read_chunk_op : public sim_op<read_chunk_op, copoll::result<chunk>> {
public:
    explicit read_chunk_op(tcp_socket& s) noexcept : s_(&s) {}
    outcome attempt(context& io) noexcept;
    wait_set& waits_on(context& io) noexcept;

private:
    tcp_socket* s_;
};

class write_op : public sim_op<write_op, io_result> {
public:
    write_op(tcp_socket& s, std::span<const std::byte> bytes) noexcept : s_(&s), bytes_(bytes) {}
    outcome attempt(context& io) noexcept;
    wait_set& waits_on(context& io) noexcept;

private:
    tcp_socket* s_;
    std::span<const std::byte> bytes_;
};

class shutdown_op : public sim_op<shutdown_op, copoll::result<void>> {
public:
    shutdown_op(tcp_socket& s, direction d) noexcept : s_(&s), direction_(d) {}
    outcome attempt(context& io) noexcept;
    wait_set& waits_on(context& io) noexcept;

private:
    tcp_socket* s_;
    direction direction_;
};

class accept_op : public sim_op<accept_op, copoll::result<tcp_socket>> {
public:
    explicit accept_op(tcp_listener& l) noexcept : l_(&l) {}
    outcome attempt(context& io) noexcept;
    wait_set& waits_on(context& io) noexcept;

private:
    tcp_listener* l_;
};

class connect_op : public sim_op<connect_op, copoll::result<tcp_socket>> {
public:
    explicit connect_op(const ip::endpoint& to) noexcept : to_(to) {}
    connect_op(connect_op&&) noexcept = default;
    ~connect_op();
    outcome attempt(context& io) noexcept;
    wait_set& waits_on(context& io) noexcept;

private:
    ip::endpoint to_;
    std::shared_ptr<connect_attempt> under_way_;
};

class listen_op : public sim_op<listen_op, copoll::result<tcp_listener>> {
public:
    listen_op(const ip::endpoint& at, const listen_options& options) noexcept
        : at_(at), options_(options) {}
    outcome attempt(context& io) noexcept;
    wait_set& waits_on(context& io) noexcept;

private:
    ip::endpoint at_;
    listen_options options_;
};

}  // namespace sim
}  // namespace copoll::backend
