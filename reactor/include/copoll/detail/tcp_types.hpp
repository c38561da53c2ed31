// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>

namespace copoll {

/// Which way of a stream to shut down.
enum class direction : std::uint8_t { read, write, both };

struct listen_options {
    std::uint32_t backlog = 0;  ///< connections that may wait to be accepted; 0: the host's default
    /// Several listeners share the endpoint, and its connections (SO_REUSEPORT). `asio` only.
    bool reuse_port = false;
};

}  // namespace copoll
