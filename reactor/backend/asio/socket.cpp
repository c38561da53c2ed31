// SPDX-License-Identifier: MIT OR Apache-2.0
#include "socket.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "address.hpp"
#include "errors.hpp"

namespace copoll::backend {
inline namespace asio {
namespace {

#if !defined(SOCK_CLOEXEC)
int with_flags(int fd) noexcept {
    if (fd < 0) return fd;
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) == 0)
        return fd;
    ::close(fd);
    return -1;
}
#endif

template <auto Call>
result<ip::endpoint> endpoint_of(const watched_fd& fd) noexcept {
    if (!fd) return fail(errc::closed);
    socket_address a;
    a.size = sizeof a.storage;
    if (Call(fd.get(), a.get(), &a.size) != 0) return fail(to_error(errno));
    return a.to_endpoint();
}

}  // namespace

bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

bool set_option(int fd, int level, int option) noexcept {
    const int on = 1;
    return ::setsockopt(fd, level, option, &on, sizeof on) == 0;
}

int open_socket(const ip::address& a, int type) noexcept {
    const int family = a.is_v4() ? AF_INET : AF_INET6;
#if defined(SOCK_CLOEXEC)
    return ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
#else
    return with_flags(::socket(family, type, 0));
#endif
}

int accept_from(int listener) noexcept {
#if defined(SOCK_CLOEXEC)
    return ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    return with_flags(::accept(listener, nullptr, nullptr));
#endif
}

result<ip::endpoint> local_endpoint_of(const watched_fd& fd) noexcept {
    return endpoint_of<::getsockname>(fd);
}

result<ip::endpoint> remote_endpoint_of(const watched_fd& fd) noexcept {
    return endpoint_of<::getpeername>(fd);
}

}  // namespace asio
}  // namespace copoll::backend
