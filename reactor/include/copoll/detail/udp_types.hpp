// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include <copoll/ip.hpp>
#include <copoll/result.hpp>

namespace copoll {

/// A datagram that was received, in memory of the caller.
struct incoming_datagram {
    std::span<std::byte> buffer{};  ///< where to receive it
    std::size_t size = 0;           ///< bytes of `buffer` that it fills
    ip::endpoint from{};
    bool truncated = false;         ///< it was longer than `buffer`; the rest is lost

    std::span<std::byte> bytes() const noexcept { return buffer.first(size); }
};

/// A datagram to send.
struct outgoing_datagram {
    std::span<const std::byte> bytes{};
    std::optional<ip::endpoint> to{};  ///< none: the peer of a connected socket
};

/// What moving several datagrams returns: `n` of them were moved, or `ec` happened to the first.
using batch_result = io_result;

}  // namespace copoll
