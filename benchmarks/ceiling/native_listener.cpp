// SPDX-License-Identifier: MIT OR Apache-2.0
#include "native_listener.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace ceiling {
namespace {

[[noreturn]] void wrong_address(const char* program, std::string_view text) {
    std::fprintf(stderr, "usage: %s --listen ADDR:PORT, not '%.*s'\n", program,
                 static_cast<int>(text.size()), text.data());
    std::exit(2);
}

[[noreturn]] void fail(const char* program, const char* what) {
    std::fprintf(stderr, "%s: %s: %s\n", program, what, std::strerror(errno));
    std::exit(1);
}

}  // namespace

int listen_at(const char* program, std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) wrong_address(program, text);
    auto host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* where = nullptr;
    if (getaddrinfo(std::string{host}.c_str(), std::string{text.substr(colon + 1)}.c_str(), &hints,
                    &where) != 0) {
        wrong_address(program, text);
    }
    const int fd = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) fail(program, "socket");
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, where->ai_addr, where->ai_addrlen) != 0) fail(program, "bind");
    if (listen(fd, 4096) != 0) fail(program, "listen");
    freeaddrinfo(where);
    return fd;
}

void announce(const char* program, int listener) {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    void* address = &bound;
    if (getsockname(listener, static_cast<sockaddr*>(address), &size) != 0 ||
        getnameinfo(static_cast<sockaddr*>(address), size, host.data(), host.size(), port.data(),
                    port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        fail(program, "local address");
    }
    const bool ipv6 = bound.ss_family == AF_INET6;
    std::printf(ipv6 ? "listening on [%s]:%s\n" : "listening on %s:%s\n", host.data(), port.data());
    std::fflush(stdout);
}

int accept_one(int listener) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return -1;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void watch(int epoll, int operation, int fd, unsigned events) {
    epoll_event event{.events = events, .data = {.fd = fd}};
    epoll_ctl(epoll, operation, fd, &event);
}

}  // namespace ceiling
