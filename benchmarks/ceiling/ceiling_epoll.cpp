// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The same echo server as a native Linux program: what the machine does without a Wasm host.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct connection {
    int fd = -1;
    std::vector<std::byte> unsent;  // while there is any, nothing is read
};

void watch(int epoll, int operation, int fd, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = fd}};
    epoll_ctl(epoll, operation, fd, &event);
}

// Sends what the kernel takes at once; false when the connection is broken.
bool send_some(const connection& c, std::span<const std::byte>& data) {
    while (!data.empty()) {
        const auto n = send(c.fd, data.data(), data.size(), MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN;
        data = data.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

// Returns false when the connection is over.
bool resume(int epoll, connection& c) {
    std::span<const std::byte> left{c.unsent};
    if (!send_some(c, left)) return false;
    c.unsent.erase(c.unsent.begin(), c.unsent.end() - std::ssize(left));
    if (c.unsent.empty()) watch(epoll, EPOLL_CTL_MOD, c.fd, EPOLLIN);
    return true;
}

// Returns false when the connection is over.
bool echo(int epoll, connection& c) {
    static std::array<std::byte, std::size_t{64} << 10> buffer;
    const auto n = recv(c.fd, buffer.data(), buffer.size(), 0);
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    auto left = std::span<const std::byte>{buffer}.first(static_cast<std::size_t>(n));
    if (!send_some(c, left)) return false;
    if (!left.empty()) {
        c.unsent.assign(left.begin(), left.end());
        watch(epoll, EPOLL_CTL_MOD, c.fd, EPOLLOUT);
    }
    return true;
}

void accept_all(int epoll, int listener, std::vector<connection>& connections) {
    for (;;) {
        const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const auto index = static_cast<std::size_t>(fd);
        if (index >= connections.size()) connections.resize(index + 1);
        connections[index] = {.fd = fd, .unsent = {}};
        watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN);
    }
}

[[noreturn]] void run(int listener) {
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN);

    std::vector<connection> connections;  // by file descriptor
    std::array<epoll_event, 256> events;
    for (;;) {
        const int n = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < n; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd == listener) {
                accept_all(epoll, listener, connections);
                continue;
            }
            connection& c = connections[static_cast<std::size_t>(fd)];
            if (!(c.unsent.empty() ? echo(epoll, c) : resume(epoll, c))) close(fd);
        }
    }
}

[[noreturn]] void wrong_usage() {
    std::fputs("usage: ceiling_epoll --listen ADDR:PORT\n", stderr);
    std::exit(2);
}

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "ceiling_epoll: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

int listen_at(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) wrong_usage();
    auto host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* where = nullptr;
    if (getaddrinfo(std::string{host}.c_str(), std::string{text.substr(colon + 1)}.c_str(), &hints,
                    &where) != 0) {
        wrong_usage();
    }
    const int fd = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, where->ai_addr, where->ai_addrlen) != 0) fail("bind");
    if (listen(fd, 4096) != 0) fail("listen");
    freeaddrinfo(where);
    return fd;
}

void announce(int listener) {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    void* address = &bound;
    if (getsockname(listener, static_cast<sockaddr*>(address), &size) != 0 ||
        getnameinfo(static_cast<sockaddr*>(address), size, host.data(), host.size(), port.data(),
                    port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        fail("local address");
    }
    const bool ipv6 = bound.ss_family == AF_INET6;
    std::printf(ipv6 ? "listening on [%s]:%s\n" : "listening on %s:%s\n", host.data(), port.data());
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3 || std::strcmp(argv[1], "--listen") != 0) wrong_usage();
    const int listener = listen_at(argv[2]);
    announce(listener);
    run(listener);
}
