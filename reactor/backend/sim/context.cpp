// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/context.hpp>

#include <copoll/backend/sim.hpp>
#include <copoll/loop.hpp>

#include "network.hpp"

namespace copoll::backend {
inline namespace sim {

context::~context() {
    detail::expects(armed_ == 0, "loop ended while operations wait");
    --net_.contexts;
}

void context::post(continuation& k) noexcept { owner_.post(k); }
detail::chunk_pool& context::chunks() noexcept { return owner_.chunks(); }

/// Whether the operation can go on is looked at once more: something may have changed since it was
/// tried, by an operation that was started in between.
void context::arm(waiter& w, wait_set& set) {
    w.io_ = this;
    w.set_ = &set;
    ++set.armed;
    ++armed_;
    net_.make_due(w);
}

void context::complete(waiter& w) noexcept {
    net_.remove(w);
    --w.set_->armed;
    --armed_;
    w.io_ = nullptr;
    ++completed_;
    post(*w.k_);
}

bool context::cancel_is_late() noexcept {
    return net_.chance().percent(net_.opts.late_cancel_percent);
}

bool context::idle() const noexcept {
    return armed_ == 0 || (!net_.anyone_due() && !net_.next_event());
}

void context::look() {
    ++waits_;
    const std::uint64_t before = completed_;
    net_.advance(net_.now);
    net_.run_due();
    expect_progress(completed_ != before);
}

void context::wait(std::optional<clock::time_point> deadline) {
    ++waits_;
    expect_progress(deadline && *deadline > net_.now);
    const std::uint64_t before = completed_;
    net_.advance(net_.now);
    for (;;) {
        net_.run_due();
        if (completed_ != before) return;
        if (net_.anyone_due()) continue;
        const auto event = net_.next_event();
        if (!event && !deadline) return;
        if (!event || (deadline && *event > *deadline)) return net_.advance(*deadline);
        net_.advance(*event);
    }
}

/// A program that spins until the clock has moved would do so for ever.
void context::expect_progress(bool progress) noexcept {
    constexpr std::uint32_t patience = 1'000'000;
    in_vain_ = progress ? 0 : in_vain_ + 1;
    detail::expects(in_vain_ < patience,
                    "the program waits for the clock, which stands still while anything is ready");
}

std::uint64_t context::host_calls() const noexcept { return net_.calls(); }

}  // namespace sim
}  // namespace copoll::backend
