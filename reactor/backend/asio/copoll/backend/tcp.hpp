// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <copoll/backend/context.hpp>
#include <copoll/backend/fd_op.hpp>
#include <copoll/chunk.hpp>
#include <copoll/detail/socket_option.hpp>
#include <copoll/detail/tcp_types.hpp>
#include <copoll/ip.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace asio {

/// A connected socket, with TCP_NODELAY: who writes small pieces wants them to go out, and who
/// wants them together gathers them first. `context` must outlive it.
class tcp_socket {
public:
    tcp_socket() noexcept = default;
    explicit tcp_socket(watched_fd fd) noexcept : fd_(std::move(fd)) {}

    bool is_open() const noexcept { return static_cast<bool>(fd_); }
    void close() noexcept { fd_.reset(); }
    void abort() noexcept {
        if (fd_) (void)set(detail::socket_option::reset_on_close, 1);
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
    bool try_read(std::span<std::byte> buffer, io_result& result) noexcept;

    watched_fd fd_;
    bool read_shut_ = false;
    bool write_shut_ = false;
    bool was_reset_ = false;  ///< the kernel says so once and then pretends an orderly end
};

class tcp_listener {
public:
    tcp_listener() noexcept = default;
    tcp_listener(context& io, watched_fd fd) noexcept : io_(&io), fd_(std::move(fd)) {}

    bool is_open() const noexcept { return static_cast<bool>(fd_); }
    void close() noexcept { fd_.reset(); }
    result<ip::endpoint> local_endpoint() const noexcept;
    result<void> set(detail::socket_option o, std::uint64_t value) noexcept;
    result<std::uint64_t> get(detail::socket_option o) const noexcept;

private:
    friend class accept_op;
    context* io_ = nullptr;
    watched_fd fd_;
};

class read_op : public fd_op<read_op, io_result, readiness::read> {
public:
    read_op(tcp_socket& s, std::span<std::byte> buffer) noexcept : s_(&s), buffer_(buffer) {}
    bool attempt() noexcept;
    watched_fd& fd() noexcept { return s_->fd_; }

private:
    tcp_socket* s_;
    std::span<std::byte> buffer_;
};

class read_chunk_op
    : public fd_op<read_chunk_op, copoll::result<chunk>, readiness::read> {
public:
    explicit read_chunk_op(tcp_socket& s) noexcept : s_(&s) {}
    bool start(context& io) noexcept {
        pool_ = &io.chunks();
        return fd_op::start(io);
    }
    bool attempt() noexcept;
    watched_fd& fd() noexcept { return s_->fd_; }

private:
    tcp_socket* s_;
    copoll::detail::chunk_pool* pool_ = nullptr;
};

class write_op : public fd_op<write_op, io_result, readiness::write> {
public:
    write_op(tcp_socket& s, std::span<const std::byte> bytes) noexcept : s_(&s), bytes_(bytes) {}
    bool attempt() noexcept;
    watched_fd& fd() noexcept { return s_->fd_; }

private:
    tcp_socket* s_;
    std::span<const std::byte> bytes_;
};

class shutdown_op : public immediate_op<copoll::result<void>> {
public:
    shutdown_op(tcp_socket& s, direction d) noexcept : s_(&s), direction_(d) {}
    bool start(context& io) noexcept;

private:
    tcp_socket* s_;
    direction direction_;
};

class accept_op : public fd_op<accept_op, copoll::result<tcp_socket>, readiness::read> {
public:
    explicit accept_op(tcp_listener& l) noexcept : l_(&l) {}
    bool attempt() noexcept;
    watched_fd& fd() noexcept { return l_->fd_; }

private:
    tcp_listener* l_;
};

class connect_op : public fd_op<connect_op, copoll::result<tcp_socket>, readiness::write> {
public:
    explicit connect_op(const ip::endpoint& to) noexcept : to_(to) {}
    bool start(context& io) noexcept;
    bool attempt() noexcept;
    void cancel(context& io) noexcept;
    watched_fd& fd() noexcept { return fd_; }

private:
    ip::endpoint to_;
    watched_fd fd_;
};

class listen_op : public immediate_op<copoll::result<tcp_listener>> {
public:
    listen_op(const ip::endpoint& at, const listen_options& options) noexcept
        : at_(at), options_(options) {}
    bool start(context& io) noexcept;

private:
    ip::endpoint at_;
    listen_options options_;
};

}  // namespace asio
}  // namespace copoll::backend
