// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/udp.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <copoll/detail/datagram_rules.hpp>

#include "address.hpp"
#include "errors.hpp"
#include "socket.hpp"

namespace copoll::backend {
inline namespace asio {
namespace {

#if defined(__linux__) || defined(__FreeBSD__) || defined(__NetBSD__)
using message = ::mmsghdr;

int receive_messages(int fd, std::span<message> all) noexcept {
    return ::recvmmsg(fd, all.data(), static_cast<unsigned>(all.size()), MSG_DONTWAIT, nullptr);
}
int send_messages(int fd, std::span<message> all) noexcept {
    return ::sendmmsg(fd, all.data(), static_cast<unsigned>(all.size()), no_signal);
}
#else
struct message {
    msghdr msg_hdr;
    unsigned msg_len;
};

/// One after another, until one fails; the number of those that did not, or -1 if there is none.
template <class F>
int one_by_one(std::span<message> all, F call) noexcept {
    int n = 0;
    for (message& m : all) {
        const ssize_t size = call(m.msg_hdr);
        if (size < 0) return n > 0 ? n : -1;
        m.msg_len = static_cast<unsigned>(size);
        ++n;
    }
    return n;
}
int receive_messages(int fd, std::span<message> all) noexcept {
    return one_by_one(all, [&](msghdr& m) { return ::recvmsg(fd, &m, MSG_DONTWAIT); });
}
int send_messages(int fd, std::span<message> all) noexcept {
    return one_by_one(all, [&](msghdr& m) { return ::sendmsg(fd, &m, no_signal); });
}
#endif

/// What the calls for several datagrams take. Nothing in it is initialized but what is filled in.
struct messages {
    std::array<message, detail::datagrams_at_once> headers;
    std::array<iovec, detail::datagrams_at_once> buffers;
    std::array<sockaddr_storage, detail::datagrams_at_once> addresses;

    void set(std::size_t i, void* data, std::size_t size, socklen_t address_size) noexcept {
        buffers[i] = {data, size};
        headers[i] = {};
        headers[i].msg_hdr.msg_iov = &buffers[i];
        headers[i].msg_hdr.msg_iovlen = 1;
        if (address_size == 0) return;
        headers[i].msg_hdr.msg_name = &addresses[i];
        headers[i].msg_hdr.msg_namelen = address_size;
    }
    std::span<message> first(std::size_t n) noexcept { return std::span(headers).first(n); }
};

/// Into the place of one that is dropped.
void move(const incoming_datagram& from, incoming_datagram& to) noexcept {
    to.size = std::min(from.size, to.buffer.size());
    to.truncated = from.truncated || to.size < from.size;
    to.from = from.from;
    std::copy_n(from.buffer.begin(), to.size, to.buffer.begin());
}

}  // namespace

result<ip::endpoint> udp_socket::local_endpoint() const noexcept { return local_endpoint_of(fd_); }

result<ip::endpoint> udp_socket::remote_endpoint() const noexcept {
    if (is_open() && !peer_) return fail(errc::invalid_state);
    return remote_endpoint_of(fd_);
}

std::error_code udp_socket::connect(const ip::endpoint& peer) noexcept {
    const socket_address a{peer};
    int failed;
    do failed = ::connect(fd_.get(), a.get(), a.size);
    while (failed != 0 && errno == EINTR);
    if (failed != 0) return to_error(errno);
    peer_ = peer;
    strangers_ = true;
    return {};
}

// --- receive

bool udp_socket::try_receive(std::span<incoming_datagram> into, batch_result& result) noexcept {
    detail::expects(is_open(), "receive from a socket that is closed");
    result = {};
    if (into.empty()) return true;
    for (;;) {
        messages m;
        const std::size_t room = std::min(into.size(), detail::datagrams_at_once);
        for (std::size_t i = 0; i < room; ++i)
            m.set(i, into[i].buffer.data(), into[i].buffer.size(), sizeof(sockaddr_storage));
        const int n = receive_messages(fd_.get(), m.first(room));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && would_block(errno)) {
            strangers_ = false;
            return false;
        }
        if (n < 0) {
            result.ec = to_error(errno);
            return true;
        }
        for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
            socket_address from;
            from.storage = m.addresses[i];
            into[i].size = m.headers[i].msg_len;
            into[i].from = from.to_endpoint();
            into[i].truncated = (m.headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
            if (strangers_ && into[i].from != *peer_) continue;
            if (result.n != i) move(into[i], into[result.n]);
            ++result.n;
        }
        if (result.n > 0) return true;
    }
}

bool udp_receive_op::attempt() noexcept {
    if (from_peer_ && !s_->peer_) {
        result = fail(errc::invalid_state);
        return true;
    }
    incoming_datagram d{.buffer = buffer_};
    batch_result r;
    if (!s_->try_receive({&d, 1}, r)) return false;
    if (r.ec)
        result = fail(r.ec);
    else
        result = d;
    return true;
}

// --- send

bool udp_socket::try_send(std::span<const outgoing_datagram> all, batch_result& result) noexcept {
    detail::expects(is_open(), "send with a socket that is closed");
    result = {};
    while (!all.empty()) {
        std::error_code wrong;
        const std::size_t count = detail::sendable(all, family_, peer_, wrong);
        if (count == 0) {
            if (result.n == 0) result.ec = wrong;
            return true;
        }
        messages m;
        for (std::size_t i = 0; i < count; ++i) {
            socket_address to;
            if (all[i].to && !peer_) to = socket_address{*all[i].to};
            m.addresses[i] = to.storage;
            m.set(i, const_cast<std::byte*>(all[i].bytes.data()), all[i].bytes.size(), to.size);
        }
        const int n = send_messages(fd_.get(), m.first(count));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            if (result.n > 0) return true;
            if (would_block(errno)) return false;
            result.ec = to_error(errno);
            return true;
        }
        result.n += static_cast<std::size_t>(n);
        all = all.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

bool udp_send_op::attempt() noexcept {
    batch_result r;
    if (!s_->try_send({&datagram_, 1}, r)) return false;
    if (r.ec) result = fail(r.ec);
    return true;
}

// --- open, connect

bool udp_open_op::start(context& io) noexcept {
    const ip::family family = at_.address.family();
    if (detail::embeds_v4(at_.address) || (peer_ && !detail::addressable(*peer_, family))) {
        result = fail(errc::invalid_argument);
        return true;
    }
    const int fd = open_socket(at_.address, SOCK_DGRAM);
    if (fd < 0) {
        result = fail(to_error(errno));
        return true;
    }
#if defined(SO_NOSIGPIPE)
    set_option(fd, SOL_SOCKET, SO_NOSIGPIPE);
#endif
    const socket_address a{at_};
    const bool bound = (at_.address.is_v4() || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY)) &&
                       ::bind(fd, a.get(), a.size) == 0;
    if (!bound) {
        result = fail(to_error(errno));
        ::close(fd);
        return true;
    }
    auto watched = watched_fd::adopt(io, fd);
    if (!watched) {
        result = fail(watched.error());
        return true;
    }
    udp_socket opened{*std::move(watched), family};
    if (peer_) {
        if (const auto ec = opened.connect(*peer_)) {
            result = fail(ec);
            return true;
        }
    }
    result = std::move(opened);
    return true;
}

bool udp_connect_op::start(context&) noexcept {
    detail::expects(s_->is_open(), "connect of a socket that is closed");
    if (!detail::addressable(peer_, s_->family_))
        result = fail(errc::invalid_argument);
    else if (const auto ec = s_->connect(peer_))
        result = fail(ec);
    return true;
}

}  // namespace asio
}  // namespace copoll::backend
