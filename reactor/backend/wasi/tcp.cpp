// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/tcp.hpp>

#include <copoll/backend/linger.hpp>

#include "address.hpp"
#include "network.hpp"

namespace copoll::backend {
inline namespace wasi {
namespace {

using enum host::call;

/// Runs `start-bind` or `start-connect`, which take an address.
template <auto Import>
std::error_code start_with(host::handle socket, const ip::endpoint& e) noexcept {
    const auto a = flatten(e);
    const auto r = host::returned<host::socket_status, Import, other>(
        socket, network(), a.family, a.v[0], a.v[1], a.v[2], a.v[3], a.v[4], a.v[5], a.v[6], a.v[7],
        a.v[8], a.v[9], a.v[10]);
    return r.tag == 0 ? std::error_code{} : to_error(r.code);
}

result<resource<host::drop_tcp>> create(const ip::endpoint& e) noexcept {
    const auto r = host::returned<host::handle_result, host::raw::copoll_create_tcp_socket, socket>(
        e.address.is_v4() ? 0 : 1);
    if (r.tag != 0) return fail(to_error(r.code));
    if (known_profile == profile::unknown) known_profile = find_profile(r.value);
    return resource<host::drop_tcp>{r.value};
}

pollable subscribe_socket(const resource<host::drop_tcp>& s) {
    return pollable{host::counted<host::raw::copoll_tcp_subscribe, subscribe>(s.get())};
}

}  // namespace

void tcp_socket::close() noexcept {
    if (io_ && socket_ && !output_->settled()) {
        output_->stop_waiting();
        input_.drop_ahead();
        return linger<tcp_socket>::begin(*io_, std::move(*this));
    }
    output_.reset();
    input_ = {};
    socket_.reset();
}

result<ip::endpoint> tcp_socket::local_endpoint() const noexcept {
    return to_endpoint(
        host::returned<host::address_result, host::raw::copoll_tcp_local_address, other>(
            socket_.get()));
}

result<ip::endpoint> tcp_socket::remote_endpoint() const noexcept {
    return to_endpoint(
        host::returned<host::address_result, host::raw::copoll_tcp_remote_address, other>(
            socket_.get()));
}

// --- read, write, shutdown ----------------------------------------------------------------------

bool tcp_socket::try_read(std::span<std::byte> buffer, io_result& result,
                          copoll::detail::chunk_pool& pool) noexcept {
    if (!read_shut_) return input_.try_read(buffer, result, pool);
    result = {errc::eof, 0};
    return true;
}

bool read_op::attempt() noexcept {
    return buffer_.empty() || s_->try_read(buffer_, result, s_->io_->chunks());
}

bool read_chunk_op::attempt() noexcept {
    return detail::fill_chunk(*pool_, result, [this](std::span<std::byte> buffer, io_result& r) {
        return s_->try_read(buffer, r, *pool_);
    });
}

bool write_op::attempt() noexcept {
    if (s_->write_shut_) {
        result.ec = errc::closed;
        return true;
    }
    if (bytes_.empty()) return true;
    if (!s_->output_->try_write(bytes_, result)) return false;
    if (result.ec == errc::closed) result.ec = errc::connection_reset;  // the peer is gone: EPIPE
    return true;
}

bool shutdown_op::attempt() noexcept {
    const bool writes = direction_ != direction::read;
    if (writes && !s_->output_->settled()) return false;  // the FIN comes behind the data
    if (writes) s_->write_shut_ = true;
    if (on_jco()) {  // whose shutdown, of whatever direction, destroys the socket
        if (writes) s_->output_->drop();
        s_->read_shut_ |= direction_ != direction::write;
    } else {
        const auto r = host::returned<host::socket_status, host::raw::copoll_tcp_shutdown, other>(
            s_->socket_.get(), static_cast<std::int32_t>(direction_));
        if (r.tag != 0) result = fail(to_error(r.code));
    }
    if (writes && s_->output_->error()) result = fail(s_->output_->error());
    return true;
}

// --- listen, accept, connect --------------------------------------------------------------------

void tcp_listener::close() noexcept {
    pollable_.reset();
    if (on_jco() && socket_) {  // it would keep the connections open that nobody accepted
        accept_op rest{*this};
        while (rest.attempt() && rest.result) continue;
    }
    socket_.reset();
}

result<ip::endpoint> tcp_listener::local_endpoint() const noexcept {
    return to_endpoint(
        host::returned<host::address_result, host::raw::copoll_tcp_local_address, other>(
            socket_.get()));
}

host::handle tcp_listener::pollable() {
    if (!pollable_) pollable_ = subscribe_socket(socket_);
    return pollable_.get();
}

bool accept_op::attempt() noexcept {
    for (;;) {
        const auto r = host::returned<host::accept_result, host::raw::copoll_tcp_accept, accept>(
            l_->socket_.get());
        if (r.tag == 0) {
            result = tcp_socket{*l_->io_, r.ok.socket, r.ok.input, r.ok.output};
            return true;
        }
        if (r.code == host::socket_error::would_block) return false;
        if (r.code == host::socket_error::connection_aborted) continue;  // gone before we came
        // Wasmtime has no code for a process without a free descriptor.
        const bool exhausted = r.code == host::socket_error::unknown;
        result = fail(exhausted ? make_error_code(errc::too_many_open) : to_error(r.code));
        return true;
    }
}

bool connect_op::start(context& io) noexcept {
    io_ = &io;
    auto s = create(to_);
    if (!s) {
        result = fail(s.error());
        return true;
    }
    socket_ = *std::move(s);
    if (auto ec = start_with<host::raw::copoll_tcp_start_connect>(socket_.get(), to_)) {
        result = fail(ec);
        return true;
    }
    return attempt();  // the host sends nothing before it is asked for the outcome
}

bool connect_op::attempt() noexcept {
    const auto r =
        host::returned<host::connect_result, host::raw::copoll_tcp_finish_connect, other>(
            socket_.get());
    if (r.tag != 0 && r.code == host::socket_error::would_block) return false;
    if (r.tag == 0) {
        pollable_.reset();
        result = tcp_socket{*io_, socket_.release(), r.ok.input, r.ok.output};
    } else {
        result = fail(to_error(r.code));
    }
    return true;
}

void connect_op::cancel(context& io) noexcept {
    pollable_op::cancel(io);
    pollable_.reset();
    socket_.reset();  // dropping it gives the attempt up
}

host::handle connect_op::pollable() {
    pollable_ = subscribe_socket(socket_);
    return pollable_.get();
}

bool listen_op::start(context& io) noexcept {
    io_ = &io;
    if (options_.reuse_port) {
        result = fail(errc::not_supported);
        return true;
    }
    auto s = create(at_);
    if (!s) {
        result = fail(s.error());
        return true;
    }
    socket_ = *std::move(s);
    if (auto ec = start_with<host::raw::copoll_tcp_start_bind>(socket_.get(), at_)) {
        result = fail(ec);
        return true;
    }
    return attempt();
}

bool listen_op::attempt() noexcept {
    for (;;) {
        const auto r =
            step_ == step::bind
                ? host::returned<host::socket_status, host::raw::copoll_tcp_finish_bind, other>(
                      socket_.get())
                : host::returned<host::socket_status, host::raw::copoll_tcp_finish_listen, other>(
                      socket_.get());
        if (r.tag != 0 && r.code == host::socket_error::would_block) return false;
        if (r.tag != 0) {
            result = fail(to_error(r.code));
            return true;
        }
        if (step_ == step::listen) {
            pollable_.reset();
            result = tcp_listener{*io_, std::move(socket_)};
            return true;
        }
        step_ = step::listen;
        if (options_.backlog != 0)
            host::returned<host::socket_status, host::raw::copoll_tcp_set_backlog, other>(
                socket_.get(), static_cast<std::int64_t>(options_.backlog));
        const auto started =
            host::returned<host::socket_status, host::raw::copoll_tcp_start_listen, other>(
                socket_.get());
        if (started.tag != 0) {
            result = fail(to_error(started.code));
            return true;
        }
    }
}

host::handle listen_op::pollable() {
    if (!pollable_) pollable_ = subscribe_socket(socket_);
    return pollable_.get();
}

}  // namespace wasi
}  // namespace copoll::backend
