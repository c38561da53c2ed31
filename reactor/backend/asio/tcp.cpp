// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/tcp.hpp>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <copoll/detail/unicast.hpp>

#include "address.hpp"
#include "errors.hpp"
#include "socket.hpp"

namespace copoll::backend {
inline namespace asio {
namespace {

/// A connection's options. One that cannot be set means that the peer is gone already, which the
/// first read or write says better.
void prepare(int fd) noexcept {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY);
#if defined(SO_NOSIGPIPE)
    set_option(fd, SOL_SOCKET, SO_NOSIGPIPE);
#endif
}

/// accept(2) reports as its own what has happened to the connection: that one is gone, the next may
/// be there.
bool concerns_the_peer(int error) noexcept {
    switch (error) {
        case EINTR:
        case ECONNABORTED:
        case EPROTO:
        case ENETDOWN:
        case ENETUNREACH:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case ENOPROTOOPT: return true;
        default: return false;
    }
}

}  // namespace

result<ip::endpoint> tcp_socket::local_endpoint() const noexcept {
    return local_endpoint_of(fd_);
}
result<ip::endpoint> tcp_socket::remote_endpoint() const noexcept {
    return remote_endpoint_of(fd_);
}
result<ip::endpoint> tcp_listener::local_endpoint() const noexcept {
    return local_endpoint_of(fd_);
}

// --- read, write, shutdown

bool tcp_socket::try_read(std::span<std::byte> buffer, io_result& result) noexcept {
    detail::expects(is_open(), "read of a stream that is closed");
    if (read_shut_) {  // the kernel would go on giving what still arrives
        result.ec = errc::eof;
        return true;
    }
    ssize_t n;
    do n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        result.n = static_cast<std::size_t>(n);
        return true;
    }
    if (n < 0 && would_block(errno)) return false;
    result.ec = n == 0 ? make_error_code(errc::eof) : to_error(errno);
    if (result.ec == errc::connection_reset) was_reset_ = true;
    if (was_reset_) result.ec = errc::connection_reset;
    return true;
}

bool read_op::attempt() noexcept { return buffer_.empty() || s_->try_read(buffer_, result); }

bool read_chunk_op::attempt() noexcept {
    return detail::fill_chunk(*pool_, result, [this](std::span<std::byte> buffer, io_result& r) {
        return s_->try_read(buffer, r);
    });
}

bool write_op::attempt() noexcept {
    detail::expects(s_->is_open(), "write to a stream that is closed");
    if (s_->write_shut_) {
        result.ec = errc::closed;
        return true;
    }
    if (bytes_.empty()) return true;
    ssize_t n;
    do n = ::send(s_->fd_.get(), bytes_.data(), bytes_.size(), no_signal);
    while (n < 0 && errno == EINTR);
    if (n >= 0) {
        result.n = static_cast<std::size_t>(n);
        return true;
    }
    if (would_block(errno)) return false;
    // EPIPE comes after an orderly end too, whose bytes can still be read
    if (errno == ECONNRESET) s_->was_reset_ = true;
    result.ec = to_error(errno);
    return true;
}

bool shutdown_op::start(context&) noexcept {
    detail::expects(s_->is_open(), "shutdown of a stream that is closed");
    const bool read = direction_ != direction::write && !s_->read_shut_;
    const bool write = direction_ != direction::read && !s_->write_shut_;
    if (!read && !write) return true;
    const int how = !write ? SHUT_RD : read ? SHUT_RDWR : SHUT_WR;
    if (::shutdown(s_->fd_.get(), how) != 0) {
        result =
            fail(errno == ENOTCONN ? make_error_code(errc::connection_reset) : to_error(errno));
        return true;
    }
    s_->read_shut_ |= read;
    s_->write_shut_ |= write;
    return true;
}

// --- listen, accept, connect

bool listen_op::start(context& io) noexcept {
    if (!detail::bindable(at_.address)) {
        result = fail(errc::invalid_argument);
        return true;
    }
    const auto fd = open_socket(at_.address, SOCK_STREAM);
    if (fd < 0) {
        result = fail(to_error(errno));
        return true;
    }
    const socket_address a{at_};
    const auto backlog = options_.backlog == 0
                             ? SOMAXCONN
                             : static_cast<int>(std::min<std::uint32_t>(options_.backlog, INT_MAX));
    const bool listens = set_option(fd, SOL_SOCKET, SO_REUSEADDR) &&
                         (!options_.reuse_port || set_option(fd, SOL_SOCKET, SO_REUSEPORT)) &&
                         (at_.address.is_v4() || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY)) &&
                         ::bind(fd, a.get(), a.size) == 0 && ::listen(fd, backlog) == 0;
    if (!listens) {
        result = fail(to_error(errno));
        ::close(fd);
        return true;
    }
    auto watched = watched_fd::adopt(io, fd);
    if (watched)
        result = tcp_listener{io, *std::move(watched)};
    else
        result = fail(watched.error());
    return true;
}

bool accept_op::attempt() noexcept {
    detail::expects(l_->is_open(), "accept on a listener that is closed");
    int fd;
    do fd = accept_from(l_->fd_.get());
    while (fd < 0 && concerns_the_peer(errno));
    if (fd < 0) {
        if (would_block(errno)) return false;
        result = fail(to_error(errno));
        return true;
    }
    prepare(fd);
    auto watched = watched_fd::adopt(*l_->io_, fd);
    if (watched)
        result = tcp_socket{*std::move(watched)};
    else
        result = fail(watched.error());
    return true;
}

bool connect_op::start(context& io) noexcept {
    if (!detail::connectable(to_)) {
        result = fail(errc::invalid_argument);
        return true;
    }
    const int fd = open_socket(to_.address, SOCK_STREAM);
    if (fd < 0) {
        result = fail(to_error(errno));
        return true;
    }
    prepare(fd);
    const socket_address a{to_};
    // Before Asio sees the socket: one that is not even connecting counts as ready.
    const bool connected = ::connect(fd, a.get(), a.size) == 0;
    if (!connected && errno != EINPROGRESS && errno != EINTR) {
        result = fail(to_error(errno));
        ::close(fd);
        return true;
    }
    auto watched = watched_fd::adopt(io, fd);
    if (!watched) {
        result = fail(watched.error());
        return true;
    }
    if (!connected) {
        fd_ = *std::move(watched);
        return false;
    }
    result = tcp_socket{*std::move(watched)};
    return true;
}

bool connect_op::attempt() noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error == 0) {
        socket_address peer;
        peer.size = sizeof peer.storage;
        if (::getpeername(fd_.get(), peer.get(), &peer.size) != 0) {
            if (errno == ENOTCONN) return false;
            error = errno;
        }
    }
    if (error == 0) {
        result = tcp_socket{std::move(fd_)};
    } else {
        result = fail(to_error(error));
        fd_.reset();
    }
    return true;
}

void connect_op::cancel(context& io) noexcept {
    fd_op::cancel(io);
    fd_.reset();  // gives the attempt up
}

}  // namespace asio
}  // namespace copoll::backend
