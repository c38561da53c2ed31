// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/tcp.hpp>
#include <copoll/backend/udp.hpp>

#include <algorithm>
#include <cerrno>
#include <climits>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "errors.hpp"

namespace copoll::backend {
inline namespace asio {
namespace {

using detail::socket_option;

#if defined(__linux__)
/// Linux takes twice what it is told, for its own bookkeeping, and says so when asked.
constexpr std::uint64_t told_times = 2;
#else
constexpr std::uint64_t told_times = 1;
#endif

#if defined(TCP_KEEPIDLE)
constexpr int idle_time = TCP_KEEPIDLE;
#else
constexpr int idle_time = TCP_KEEPALIVE;
#endif

struct place {
    int level, name;
};

/// Where the kernel has the option; `reset_on_close` is not a number there.
place place_of(int fd, socket_option o) noexcept {
    switch (o) {
        case socket_option::keep_alive: return {SOL_SOCKET, SO_KEEPALIVE};
        case socket_option::keep_alive_idle: return {IPPROTO_TCP, idle_time};
        case socket_option::keep_alive_interval: return {IPPROTO_TCP, TCP_KEEPINTVL};
        case socket_option::keep_alive_count: return {IPPROTO_TCP, TCP_KEEPCNT};
        case socket_option::receive_buffer_size: return {SOL_SOCKET, SO_RCVBUF};
        case socket_option::send_buffer_size: return {SOL_SOCKET, SO_SNDBUF};
        case socket_option::no_delay: return {IPPROTO_TCP, TCP_NODELAY};
        case socket_option::reset_on_close: return {SOL_SOCKET, SO_LINGER};
        case socket_option::hop_limit: break;
    }
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
    if (bound.ss_family == AF_INET6) return {IPPROTO_IPV6, IPV6_UNICAST_HOPS};
    return {IPPROTO_IP, IP_TTL};
}

result<void> set_option(int fd, socket_option o, std::uint64_t value) noexcept {
    const place at = place_of(fd, o);
    const linger abort{.l_onoff = value != 0, .l_linger = 0};
    const int number = static_cast<int>(std::min<std::uint64_t>(value, INT_MAX));
    const bool is_linger = o == socket_option::reset_on_close;
    const void* const bytes = is_linger ? static_cast<const void*>(&abort) : &number;
    const socklen_t size = is_linger ? sizeof abort : sizeof number;
    if (::setsockopt(fd, at.level, at.name, bytes, size) != 0) return fail(to_error(errno));
    return {};
}

result<std::uint64_t> get_option(int fd, socket_option o) noexcept {
    const place at = place_of(fd, o);
    linger abort{};
    int number = 0;
    const bool is_linger = o == socket_option::reset_on_close;
    void* const bytes = is_linger ? static_cast<void*>(&abort) : &number;
    socklen_t size = is_linger ? sizeof abort : sizeof number;
    if (::getsockopt(fd, at.level, at.name, bytes, &size) != 0) return fail(to_error(errno));
    if (is_linger) return abort.l_onoff != 0 && abort.l_linger == 0;
    const auto value = static_cast<std::uint64_t>(std::max(number, 0));
    switch (o) {
        case socket_option::keep_alive:
        case socket_option::no_delay: return value != 0;
        case socket_option::receive_buffer_size:
        case socket_option::send_buffer_size: return value / told_times;
        default: return value;
    }
}

}  // namespace

result<void> tcp_socket::set(socket_option o, std::uint64_t value) noexcept {
    return set_option(fd_.get(), o, value);
}
result<std::uint64_t> tcp_socket::get(socket_option o) const noexcept {
    return get_option(fd_.get(), o);
}
result<void> tcp_listener::set(socket_option o, std::uint64_t value) noexcept {
    return set_option(fd_.get(), o, value);
}
result<std::uint64_t> tcp_listener::get(socket_option o) const noexcept {
    return get_option(fd_.get(), o);
}
result<void> udp_socket::set(socket_option o, std::uint64_t value) noexcept {
    return set_option(fd_.get(), o, value);
}
result<std::uint64_t> udp_socket::get(socket_option o) const noexcept {
    return get_option(fd_.get(), o);
}

}  // namespace asio
}  // namespace copoll::backend
