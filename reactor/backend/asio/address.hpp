// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <copoll/ip.hpp>

namespace copoll::backend {
inline namespace asio {

/// An endpoint as the system takes it.
struct socket_address {
    socket_address() noexcept = default;
    explicit socket_address(const ip::endpoint& e) noexcept;
    socket_address(const sockaddr& a, socklen_t n) noexcept;

    ip::endpoint to_endpoint() const noexcept;

    sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
    const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }

    sockaddr_storage storage{};
    socklen_t size = 0;
};

}  // namespace asio
}  // namespace copoll::backend
