// SPDX-License-Identifier: MIT OR Apache-2.0
#include "yamux_budget.hpp"

#include <chrono>

#include <copoll/time.hpp>

namespace copoll::p2p::yamux {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t second = 1'000'000'000;  // ns

}  // namespace

void budget::refill(clock::time_point now) noexcept {
    // what is beyond an hour comes with the next time, and nothing overflows
    const auto since = std::clamp<std::chrono::nanoseconds>(now - filled_at_, 0ns, 1h);
    const auto ns = static_cast<std::uint64_t>(since.count());
    const std::uint64_t more = ns / second * rate_ + ns % second * rate_ / second;
    if (more == 0) return;
    add(static_cast<std::int64_t>(more));
    filled_at_ += time_for(more);
}

std::chrono::nanoseconds budget::time_for(std::uint64_t n) const noexcept {
    const std::uint64_t rest = (n % rate_ * second + rate_ - 1) / rate_;
    return std::chrono::seconds{n / rate_} + std::chrono::nanoseconds{rest};
}

clock::time_point budget::refilled_at() const noexcept {
    if (left_ >= 0) return clock::time_point::min();
    if (rate_ == 0) return clock::time_point::max();
    return copoll::detail::after(filled_at_, time_for(static_cast<std::uint64_t>(-left_)));
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
