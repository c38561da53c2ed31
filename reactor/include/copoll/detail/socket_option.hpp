// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>

namespace copoll::detail {

/// What a backend's sockets have `set(option, value)` and `get(option)` for. The public interface
/// has checked the value.
enum class socket_option : std::uint8_t {
    keep_alive,           ///< 0 or 1
    keep_alive_idle,      ///< seconds
    keep_alive_interval,  ///< seconds
    keep_alive_count,
    hop_limit,
    receive_buffer_size,  ///< bytes
    send_buffer_size,     ///< bytes
    no_delay,             ///< 0 or 1
    reset_on_close,       ///< 0 or 1
};

}  // namespace copoll::detail
