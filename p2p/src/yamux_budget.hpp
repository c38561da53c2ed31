// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <copoll/clock.hpp>

namespace copoll::p2p::yamux {

/// What fills with time: by `rate` a second, up to `burst`.
class budget {
public:
    budget(std::uint64_t burst, std::uint64_t rate, clock::time_point now) noexcept
        : burst_(static_cast<std::int64_t>(burst)), rate_(std::min(rate, most_rate)),
          left_(burst_), filled_at_(now) {}

    std::int64_t left() const noexcept { return left_; }
    void refill(clock::time_point now) noexcept;
    /// Changes what is left, which may become less than nothing.
    void add(std::int64_t n) noexcept { left_ = std::min(left_ + n, burst_); }
    /// When it is not overdrawn, if nothing but time adds to it; `time_point::min()` if it is not.
    clock::time_point refilled_at() const noexcept;

private:
    /// More than can be, and so little that nanoseconds of it do not overflow.
    static constexpr std::uint64_t most_rate = 16'000'000'000;

    /// In which so much is added, rounded up.
    std::chrono::nanoseconds time_for(std::uint64_t n) const noexcept;

    std::int64_t burst_;
    std::uint64_t rate_;
    std::int64_t left_;
    clock::time_point filled_at_;
};

/// Streams that are opened and frames that bring nothing are paid from it.
class idle_budget {
public:
    idle_budget(std::uint32_t burst, std::uint32_t rate, clock::time_point now) noexcept
        : frames_(burst, rate, now) {}

    /// False if it is empty.
    [[nodiscard]] bool spend(clock::time_point now) noexcept;
    /// Pays for a stream, and for a frame more: js-libp2p answers each frame of data by a window,
    /// also when the stream has ended since.
    void earn() noexcept { frames_.add(2); }

private:
    budget frames_;
};

/// All frames are paid from it, by the bytes that they bring and by those that are sent. Whoever
/// has overdrawn it is heard later.
class frame_budget {
public:
    frame_budget(std::uint32_t burst, std::uint32_t rate, clock::time_point now) noexcept
        : is_limited_(rate > 0), bytes_(cost * burst, cost * rate, now) {}

    void refill(clock::time_point now) noexcept { bytes_.refill(now); }
    /// A frame came that brings so many bytes.
    void spend(std::uint32_t n) noexcept { bytes_.add(std::int64_t{n} - std::int64_t{cost}); }
    /// So many bytes were sent.
    void earn(std::uint32_t n) noexcept { bytes_.add(n); }
    /// When the next frame may come: `time_point::min()` while nothing is owed.
    clock::time_point next_due() const noexcept;

private:
    /// Bytes that take as much work as a frame does.
    static constexpr std::uint64_t cost = 256;

    bool is_limited_;
    budget bytes_;
};

}  // namespace copoll::p2p::yamux
