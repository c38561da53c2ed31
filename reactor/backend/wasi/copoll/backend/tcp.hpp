// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <copoll/backend/context.hpp>
#include <copoll/backend/pollable_op.hpp>
#include <copoll/backend/stream.hpp>
#include <copoll/backend/tcp_output.hpp>
#include <copoll/chunk.hpp>
#include <copoll/detail/socket_option.hpp>
#include <copoll/detail/tcp_types.hpp>
#include <copoll/ip.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace wasi {

template <class Owner>
class linger;

/// A connected socket. Destroying it delivers what was written (see linger.hpp) and never blocks;
/// `context` must outlive it.
class tcp_socket {
public:
    tcp_socket() noexcept = default;
    tcp_socket(context& io, host::handle socket, host::handle input, host::handle output) noexcept
        : io_(&io), socket_(socket), input_(input), output_(new tcp_output(io, output)) {}
    tcp_socket(tcp_socket&&) noexcept = default;
    tcp_socket& operator=(tcp_socket&& other) noexcept { return replace(*this, std::move(other)); }
    ~tcp_socket() { close(); }

    bool is_open() const noexcept { return static_cast<bool>(socket_); }
    void close() noexcept;
    void abort() noexcept {
        if (output_) output_->discard();
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
    friend class linger<tcp_socket>;
    bool try_read(std::span<std::byte> buffer, io_result& result,
                  copoll::detail::chunk_pool& pool) noexcept;
    bool drained() const noexcept { return !read_shut_ && input_.drained(); }
    bool settled() noexcept { return output_->settled(); }
    host::handle output_pollable() { return output_->pollable(); }
    void forget_context() noexcept { io_ = nullptr; }
    void drop_unsent() noexcept { output_->discard(); }

    context* io_ = nullptr;
    resource<host::drop_tcp> socket_;
    input_stream input_;
    std::unique_ptr<tcp_output> output_;
    bool write_shut_ = false;
    bool read_shut_ = false;  ///< where the host does not do it
};

class tcp_listener {
public:
    tcp_listener() noexcept = default;
    tcp_listener(tcp_listener&&) noexcept = default;
    tcp_listener& operator=(tcp_listener&& other) noexcept {
        return replace(*this, std::move(other));
    }
    tcp_listener(context& io, resource<host::drop_tcp> socket) noexcept
        : io_(&io), socket_(std::move(socket)) {}
    ~tcp_listener() { close(); }

    bool is_open() const noexcept { return static_cast<bool>(socket_); }
    void close() noexcept;
    result<ip::endpoint> local_endpoint() const noexcept;
    result<void> set(detail::socket_option o, std::uint64_t value) noexcept;
    result<std::uint64_t> get(detail::socket_option o) const noexcept;

private:
    friend class accept_op;
    host::handle pollable();
    context* io_ = nullptr;
    resource<host::drop_tcp> socket_;
    wasi::pollable pollable_;
};

class read_op : public pollable_op<read_op, io_result> {
public:
    read_op(tcp_socket& s, std::span<std::byte> buffer) noexcept : s_(&s), buffer_(buffer) {}
    bool attempt() noexcept;
    bool hopeless() const noexcept { return s_->drained(); }
    host::handle pollable() { return s_->input_.pollable(); }

private:
    tcp_socket* s_;
    std::span<std::byte> buffer_;
};

class read_chunk_op : public pollable_op<read_chunk_op, copoll::result<chunk>> {
public:
    explicit read_chunk_op(tcp_socket& s) noexcept : s_(&s) {}
    bool start(context& io) noexcept {
        pool_ = &io.chunks();
        return pollable_op::start(io);
    }
    bool attempt() noexcept;
    bool hopeless() const noexcept { return s_->drained(); }
    host::handle pollable() { return s_->input_.pollable(); }

private:
    tcp_socket* s_;
    copoll::detail::chunk_pool* pool_ = nullptr;
};

class write_op : public pollable_op<write_op, io_result> {
public:
    write_op(tcp_socket& s, std::span<const std::byte> bytes) noexcept : s_(&s), bytes_(bytes) {}
    bool attempt() noexcept;
    host::handle pollable() { return s_->output_->pollable(); }

private:
    tcp_socket* s_;
    std::span<const std::byte> bytes_;
};

class shutdown_op : public pollable_op<shutdown_op, copoll::result<void>> {
public:
    shutdown_op(tcp_socket& s, direction d) noexcept : s_(&s), direction_(d) {}
    bool attempt() noexcept;
    host::handle pollable() { return s_->output_->pollable(); }

private:
    tcp_socket* s_;
    direction direction_;
};

class accept_op : public pollable_op<accept_op, copoll::result<tcp_socket>> {
public:
    explicit accept_op(tcp_listener& l) noexcept : l_(&l) {}
    bool attempt() noexcept;
    host::handle pollable() { return l_->pollable(); }

private:
    tcp_listener* l_;
};

class connect_op : public pollable_op<connect_op, copoll::result<tcp_socket>> {
public:
    explicit connect_op(const ip::endpoint& to) noexcept : to_(to) {}
    bool start(context& io) noexcept;
    bool attempt() noexcept;
    void cancel(context& io) noexcept;
    host::handle pollable();

private:
    ip::endpoint to_;
    context* io_ = nullptr;
    resource<host::drop_tcp> socket_;
    wasi::pollable pollable_;
};

class listen_op : public pollable_op<listen_op, copoll::result<tcp_listener>> {
public:
    listen_op(const ip::endpoint& at, const listen_options& options) noexcept
        : at_(at), options_(options) {}
    bool start(context& io) noexcept;
    bool attempt() noexcept;
    host::handle pollable();

private:
    enum class step : std::uint8_t { bind, listen };
    ip::endpoint at_;
    listen_options options_;
    context* io_ = nullptr;
    step step_ = step::bind;
    resource<host::drop_tcp> socket_;
    wasi::pollable pollable_;
};

}  // namespace wasi
}  // namespace copoll::backend
