// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
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

// Raises the limit on open files to at least `count`; false when the system does not allow it.
bool allow_open_files(std::size_t count);

}  // namespace load
