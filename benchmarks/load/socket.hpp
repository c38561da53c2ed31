// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

namespace load {

using clock = std::chrono::steady_clock;

// An open file descriptor, or none (-1).
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) : fd_{fd} {}
    descriptor(descriptor&& other) noexcept : fd_{other.release()} {}
    descriptor& operator=(descriptor&& other) noexcept;
    ~descriptor() { reset(); }

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
    int release();
    void reset();

private:
    int fd_ = -1;
};

// A non-blocking TCP connection without Nagle's delay. A server that refuses is asked again until
// `deadline`, since it may still be starting. On failure the descriptor is empty and `error` says
// why.
descriptor connect_tcp(const std::string& host, const std::string& port, clock::time_point deadline,
                       std::string& error);

// An address that a socket can be connected to; size == 0: none.
struct endpoint {
    sockaddr_storage address{};
    socklen_t size = 0;
};

// Where a connection leads to.
endpoint peer_of(const descriptor&);

// Begins a connection as above. To an address 127.x.y.z it comes from 127.0.0.2 if `source` is 0,
// from 127.0.0.3 if it is 1, and so on.
descriptor begin_connect(const endpoint& to, std::size_t source, std::string& error);

// Waits for it to be there; false when it is not by `deadline`.
bool finish_connect(int fd, clock::time_point deadline, std::string& error);

// Waits until there is something to read; false when there is nothing by `deadline`.
bool wait_readable(int fd, clock::time_point deadline);

// Sends a few bytes and waits for an answer that fills `answer`; false when it does not come.
bool exchange(const descriptor&, std::span<const std::byte> data, std::span<std::byte> answer,
              clock::time_point deadline, std::string& error);

// Raises the limit on open files to at least `count`; false when the system does not allow it.
bool allow_open_files(std::size_t count);

}  // namespace load
