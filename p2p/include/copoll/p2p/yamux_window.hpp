// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include <copoll/clock.hpp>

namespace copoll::p2p::yamux {

/// Bytes that may be under way on a new stream, each way.
constexpr std::uint32_t initial_window = 256 * 1024;

/// How much the peer may send on a stream: what it was granted, less what came. It is granted more
/// when half of the window has been read. If that takes less than two round trips, or the peer has
/// sent the other half before it knew of the grant although little is unread, the window is what
/// limits the stream, and grows to twice its size.
///
/// Holds always: `allowed() + unread() <= size()`. So at most `size()` bytes are kept for a stream.
class receive_window {
public:
    explicit receive_window(clock::time_point now) noexcept : granted_at_(now) {}

    std::uint32_t allowed() const noexcept { return allowed_; }
    std::uint32_t unread() const noexcept { return unread_; }
    std::uint32_t size() const noexcept { return size_; }

    /// Bytes came. False, and nothing changed, if the peer was not allowed to send them.
    [[nodiscard]] bool receive(std::uint32_t n) noexcept;
    /// The application has taken bytes. Precondition: `n <= unread()`.
    void read(std::uint32_t n) noexcept;

    /// Whether `grant` would give anything.
    bool is_grant_due() const noexcept { return size_ - allowed_ - unread_ >= size_ / 2; }
    /// What the peer may send in addition, which is to be told; 0 if no grant is due. The window
    /// grows by at most `most_growth`. `rtt` is what a round trip takes, if that is known.
    std::uint32_t grant(clock::time_point now, std::optional<clock::duration> rtt,
                        std::uint64_t most_growth) noexcept;

private:
    std::uint32_t size_ = initial_window;
    std::uint32_t allowed_ = initial_window;
    std::uint32_t unread_ = 0;
    std::uint32_t granted_ = 0;  ///< by the last grant
    bool ran_dry_ = false;       ///< whether the peer used all before that grant reached it
    clock::time_point granted_at_;
};

}  // namespace copoll::p2p::yamux
