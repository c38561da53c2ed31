// SPDX-License-Identifier: MIT OR Apache-2.0
#include "address.hpp"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>

namespace copoll::backend {
inline namespace asio {

socket_address::socket_address(const ip::endpoint& e) noexcept {
    if (e.address.is_v4()) {
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_port = htons(e.port);
        const auto bytes = e.address.to_v4();
        std::memcpy(&a.sin_addr, bytes.data(), bytes.size());
        std::memcpy(&storage, &a, size = sizeof a);
    } else {
        sockaddr_in6 a{};
        a.sin6_family = AF_INET6;
        a.sin6_port = htons(e.port);
        a.sin6_scope_id = e.address.scope();
        std::memcpy(&a.sin6_addr, e.address.to_v6().data(), sizeof a.sin6_addr);
        std::memcpy(&storage, &a, size = sizeof a);
    }
}

socket_address::socket_address(const sockaddr& a, socklen_t n) noexcept
    : size(std::min<socklen_t>(n, sizeof storage)) {
    std::memcpy(&storage, &a, size);
}

ip::endpoint socket_address::to_endpoint() const noexcept {
    if (storage.ss_family == AF_INET) {
        sockaddr_in a;
        std::memcpy(&a, &storage, sizeof a);
        ip::address::v4_bytes bytes;
        std::memcpy(bytes.data(), &a.sin_addr, bytes.size());
        return {ip::address{bytes}, ntohs(a.sin_port)};
    }
    sockaddr_in6 a;
    std::memcpy(&a, &storage, sizeof a);
    ip::address::v6_bytes bytes;
    std::memcpy(bytes.data(), &a.sin6_addr, bytes.size());
    return {ip::address{bytes, a.sin6_scope_id}, ntohs(a.sin6_port)};
}

}  // namespace asio
}  // namespace copoll::backend
