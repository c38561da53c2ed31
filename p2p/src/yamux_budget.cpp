// SPDX-License-Identifier: MIT OR Apache-2.0
#include "yamux_budget.hpp"

#include <chrono>

#include <copoll/time.hpp>

namespace copoll::p2p::yamux {

void budget::refill(clock::time_point now) noexcept {
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now - filled_at_);
    const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(since.count(), 0));
    // what is beyond an hour comes with the next time, and nothing overflows
    const std::uint64_t more = std::min<std::uint64_t>(ms, 3'600'000) * rate_ / 1000;
    if (more == 0) return;
    add(static_cast<std::int64_t>(more));
    filled_at_ += std::chrono::milliseconds{(more * 1000 + rate_ - 1) / rate_};
}

clock::time_point budget::refilled_at() const noexcept {
    if (left_ > 0) return clock::time_point::min();
    if (rate_ == 0) return clock::time_point::max();
    const std::uint64_t missing = static_cast<std::uint64_t>(-left_) + 1;
    const std::chrono::milliseconds wait{missing * 1000 / rate_ + 1};
    return copoll::detail::after(filled_at_, wait);
}

bool idle_budget::spend(clock::time_point now) noexcept {
    frames_.refill(now);
    if (frames_.left() == 0) return false;
    frames_.add(-1);
    return true;
}

clock::time_point frame_budget::next_due() const noexcept {
    return is_limited_ ? bytes_.refilled_at() : clock::time_point::min();
}

}  // namespace copoll::p2p::yamux
