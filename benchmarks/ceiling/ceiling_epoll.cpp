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
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct connection {
    int fd = -1;
    std::vector<std::byte> unsent;  // while there is any, nothing is read
};

void watch(int epoll, int operation, connection& c, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.ptr = &c}};
    epoll_ctl(epoll, operation, c.fd, &event);
}

// Sends what the kernel takes at once; false when the connection is broken.
bool send_some(connection& c, const std::byte*& data, std::size_t& size) {
    while (size > 0) {
        const auto n = send(c.fd, data, size, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN;
        data += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

// Returns false when the connection is over.
bool resume(int epoll, connection& c) {
    const std::byte* data = c.unsent.data();
    std::size_t size = c.unsent.size();
    if (!send_some(c, data, size)) return false;
    c.unsent.erase(c.unsent.begin(), c.unsent.end() - static_cast<std::ptrdiff_t>(size));
    if (size > 0) return true;
    watch(epoll, EPOLL_CTL_MOD, c, EPOLLIN);
    return true;
}

// Returns false when the connection is over.
bool echo(int epoll, connection& c) {
    static std::array<std::byte, std::size_t{64} << 10> buffer;
    const auto n = recv(c.fd, buffer.data(), buffer.size(), 0);
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    const std::byte* data = buffer.data();
    auto size = static_cast<std::size_t>(n);
    if (!send_some(c, data, size)) return false;
    if (size > 0) {
        c.unsent.assign(data, data + size);
        watch(epoll, EPOLL_CTL_MOD, c, EPOLLOUT);
    }
    return true;
}

void accept_all(int epoll, int listener) {
    for (;;) {
        const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto c = std::make_unique<connection>();
        c->fd = fd;
        watch(epoll, EPOLL_CTL_ADD, *c.release(), EPOLLIN);  // run() deletes it
    }
}

[[noreturn]] void run(int listener) {
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    connection listening;
    listening.fd = listener;
    watch(epoll, EPOLL_CTL_ADD, listening, EPOLLIN);

    std::array<epoll_event, 256> events;
    for (;;) {
        const int n = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < n; ++i) {
            auto* c = static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (c == &listening) {
                accept_all(epoll, listener);
            } else if (!(c->unsent.empty() ? echo(epoll, *c) : resume(epoll, *c))) {
                close(c->fd);
                delete c;
            }
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
