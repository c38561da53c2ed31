// SPDX-License-Identifier: MIT OR Apache-2.0
#include "socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>
#include <thread>
#include <utility>

namespace load {
namespace {

using address_list = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

int milliseconds_until(clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now());
    return static_cast<int>(std::clamp<long long>(left.count(), 0, 60'000));
}

// A socket in the family of an address, not yet connected.
descriptor tcp_socket(int family) {
    descriptor fd{socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const int on = 1;
    if (fd) setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

// These return 0 or an errno value.
int wait_for(int fd, short events, clock::time_point deadline) {
    pollfd wait{.fd = fd, .events = events, .revents = 0};
    if (poll(&wait, 1, milliseconds_until(deadline)) <= 0) return ETIMEDOUT;
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
}

int connect_before(const descriptor& fd, const addrinfo& to, clock::time_point deadline) {
    if (connect(fd.get(), to.ai_addr, to.ai_addrlen) == 0) return 0;
    return errno == EINPROGRESS ? wait_for(fd.get(), POLLOUT, deadline) : errno;
}

int exchange_before(const descriptor& fd, std::span<const std::byte> data,
                    std::span<std::byte> answer, clock::time_point deadline) {
    if (send(fd.get(), data.data(), data.size(), MSG_NOSIGNAL) < std::ssize(data)) return errno;
    while (!answer.empty()) {
        if (const int failed = wait_for(fd.get(), POLLIN, deadline)) return failed;
        const auto n = recv(fd.get(), answer.data(), answer.size(), 0);
        if (n < 0) return errno;
        if (n == 0) return ECONNRESET;
        answer = answer.subspan(static_cast<std::size_t>(n));
    }
    return 0;
}

// Has the connection come from a loopback address of that number. The port is chosen when it is
// connected: only then are ports that lead to other servers free to be used again.
int bind_to_loopback(const descriptor& fd, std::size_t number) {
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + static_cast<in_addr_t>(number));
    void* address = &from;
    return bind(fd.get(), static_cast<sockaddr*>(address), sizeof from) == 0 ? 0 : errno;
}

bool is_ipv4_loopback(const endpoint& e) {
    if (e.address.ss_family != AF_INET) return false;
    sockaddr_in address;
    std::memcpy(&address, &e.address, sizeof address);
    return ntohl(address.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

bool succeeded(int code, std::string& error) {
    if (code != 0) error = std::strerror(code);
    return code == 0;
}

}  // namespace

descriptor& descriptor::operator=(descriptor&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = other.release();
    }
    return *this;
}

int descriptor::release() { return std::exchange(fd_, -1); }

void descriptor::reset() {
    if (fd_ >= 0) close(release());
}

descriptor connect_tcp(const std::string& host, const std::string& port, clock::time_point deadline,
                       std::string& error) {
    const addrinfo hints{.ai_flags = AI_NUMERICSERV,
                         .ai_family = AF_UNSPEC,
                         .ai_socktype = SOCK_STREAM,
                         .ai_protocol = 0,
                         .ai_addrlen = 0,
                         .ai_addr = nullptr,
                         .ai_canonname = nullptr,
                         .ai_next = nullptr};
    addrinfo* found = nullptr;
    if (const int code = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); code != 0) {
        error = gai_strerror(code);
        return {};
    }
    const address_list addresses{found, &freeaddrinfo};

    for (;;) {
        int last = 0;
        for (const addrinfo* to = addresses.get(); to != nullptr; to = to->ai_next) {
            auto fd = tcp_socket(to->ai_family);
            last = fd ? connect_before(fd, *to, deadline) : errno;
            if (last == 0) return fd;
        }
        if (last != ECONNREFUSED || clock::now() >= deadline) {
            error = std::strerror(last);
            return {};
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
}

endpoint peer_of(const descriptor& fd) {
    endpoint result;
    result.size = sizeof result.address;
    void* address = &result.address;
    if (getpeername(fd.get(), static_cast<sockaddr*>(address), &result.size) != 0) return {};
    return result;
}

descriptor begin_connect(const endpoint& to, std::size_t source, std::string& error) {
    auto fd = tcp_socket(to.address.ss_family);
    if (!fd) {
        error = std::strerror(errno);
        return {};
    }
    if (is_ipv4_loopback(to) && !succeeded(bind_to_loopback(fd, source), error)) return {};
    const void* address = &to.address;
    if (connect(fd.get(), static_cast<const sockaddr*>(address), to.size) != 0 &&
        errno != EINPROGRESS) {
        error = std::strerror(errno);
        return {};
    }
    return fd;
}

bool wait_readable(int fd, clock::time_point deadline) {
    return wait_for(fd, POLLIN, deadline) == 0;
}

bool finish_connect(int fd, clock::time_point deadline, std::string& error) {
    return succeeded(wait_for(fd, POLLOUT, deadline), error);
}

bool exchange(const descriptor& fd, std::span<const std::byte> data, std::span<std::byte> answer,
              clock::time_point deadline, std::string& error) {
    return succeeded(exchange_before(fd, data, answer, deadline), error);
}

bool allow_open_files(std::size_t count) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    if (limit.rlim_cur >= count) return true;
    limit.rlim_cur = count;
    // Above the hard limit only a privileged user gets through.
    limit.rlim_max = std::max<rlim_t>(limit.rlim_max, count);
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

}  // namespace load
