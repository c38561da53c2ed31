// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <sys/socket.h>

#include <copoll/backend/context.hpp>
#include <copoll/ip.hpp>
#include <copoll/result.hpp>

/// What sockets of every kind have in common. They don't block, and children of the process don't
/// inherit them.

namespace copoll::backend {
inline namespace asio {

#if defined(MSG_NOSIGNAL)
inline constexpr int no_signal = MSG_NOSIGNAL;
#else
inline constexpr int no_signal = 0;  // SO_NOSIGPIPE is set instead
#endif

bool would_block(int error) noexcept;
/// Switches an option on.
bool set_option(int fd, int level, int option) noexcept;
/// For addresses of this family; -1 with errno when that fails.
int open_socket(const ip::address& a, int type) noexcept;
int accept_from(int listener) noexcept;

result<ip::endpoint> local_endpoint_of(const watched_fd& fd) noexcept;
result<ip::endpoint> remote_endpoint_of(const watched_fd& fd) noexcept;

}  // namespace asio
}  // namespace copoll::backend
