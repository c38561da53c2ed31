// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The same echo server as a native Linux program: what the machine does without a Wasm host.
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

#include "native_listener.hpp"

namespace {

struct connection {
    int fd = -1;
    std::vector<std::byte> unsent;  // while there is any, nothing is read
};

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
    if (c.unsent.empty()) ceiling::watch(epoll, EPOLL_CTL_MOD, c.fd, EPOLLIN);
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
        ceiling::watch(epoll, EPOLL_CTL_MOD, c.fd, EPOLLOUT);
    }
    return true;
}

void accept_all(int epoll, int listener, std::vector<connection>& connections) {
    for (;;) {
        const int fd = ceiling::accept_one(listener);
        if (fd < 0) return;
        const auto index = static_cast<std::size_t>(fd);
        if (index >= connections.size()) connections.resize(index + 1);
        connections[index] = {.fd = fd, .unsent = {}};
        ceiling::watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN);
    }
}

[[noreturn]] void run(int listener) {
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    ceiling::watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN);

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

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3 || std::strcmp(argv[1], "--listen") != 0) wrong_usage();
    const int listener = ceiling::listen_at("ceiling_epoll", argv[2]);
    ceiling::announce("ceiling_epoll", listener);
    run(listener);
}
