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

// Returns 0 or an errno value.
int connect_before(int fd, const addrinfo& to, clock::time_point deadline) {
    if (connect(fd, to.ai_addr, to.ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    pollfd wait{.fd = fd, .events = POLLOUT, .revents = 0};
    if (poll(&wait, 1, milliseconds_until(deadline)) <= 0) return ETIMEDOUT;
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
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
            descriptor fd{socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
            last = fd ? connect_before(fd.get(), *to, deadline) : errno;
            if (last == 0) {
                const int on = 1;
                setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                return fd;
            }
        }
        if (last != ECONNREFUSED || clock::now() >= deadline) {
            error = std::strerror(last);
            return {};
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
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
