// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/context.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include <copoll/loop.hpp>

namespace copoll {

clock::time_point clock::now() noexcept { return time_point{duration{backend::host::now()}}; }

namespace backend {
inline namespace wasi {
namespace {

/// One host overflows its timers past 2^31 ms; a longer wait wakes once in between.
constexpr auto longest_wait = std::chrono::hours{24 * 24};

pollable timer_at(clock::time_point deadline) {
    const auto at = std::max<std::int64_t>(deadline.time_since_epoch().count(), 0);
    return pollable{
        host::counted<host::raw::copoll_clock_subscribe_instant, host::call::timer>(at)};
}

pollable timer_now() {
    return pollable{host::counted<host::raw::copoll_clock_subscribe_duration, host::call::timer>(
        std::int64_t{0})};
}

}  // namespace

context::~context() { detail::expects(waiters_.empty(), "loop ended while operations wait"); }

void context::post(continuation& k) noexcept { owner_.post(k); }

void context::arm(waiter& w, host::handle pollable) {
    if (waiters_.size() == waiters_.capacity()) {
        ++growths_;
        waiters_.reserve(std::max<std::size_t>(64, 2 * waiters_.size()));
        const std::size_t room = waiters_.capacity();
        due_.reserve(room);
        pollables_.reserve(room + 1);  // and the timer
        ready_.resize(room + 1);
    }
    w.slot_ = static_cast<std::uint32_t>(waiters_.size());
    pollables_.push_back(pollable);
    waiters_.push_back(&w);
}

void context::disarm(waiter& w) noexcept {
    const std::uint32_t slot = std::exchange(w.slot_, waiter::unarmed);
    pollables_[slot] = pollables_.back();
    waiters_[slot] = waiters_.back();
    pollables_.pop_back();
    waiters_.pop_back();
    if (slot != waiters_.size()) waiters_[slot]->slot_ = slot;
}

void context::wait(std::optional<clock::time_point> deadline) {
    if (!deadline) {
        poll(host::none);
        return;
    }
    // An older timer that fires too early costs one turn, a new one costs two host calls now.
    if (!timer_ || timer_deadline_ > *deadline) {
        timer_deadline_ = std::min(*deadline, clock::now() + longest_wait);
        timer_ = timer_at(timer_deadline_);
    }
    if (poll(timer_.get())) timer_.reset();
}

void context::look() {
    if (waiters_.empty()) return;
    const pollable zero = timer_now();
    poll(zero.get());
}

bool context::yielded_to_host() {
    // tokio gives a task 128 operations, and a write spends two.
    constexpr std::uint64_t suspicious = 48;
    const std::uint64_t writes = host::calls[host::call::check_write] - calls_at_poll_;
    if (writes + reported_ < suspicious) return false;
    const pollable zero = timer_now();
    const host::handle h = zero.get();
    std::uint32_t ready;
    host::poll(&h, 1, &ready);
    ++polls_;
    calls_at_poll_ = host::calls[host::call::check_write];
    reported_ = 0;
    return true;
}

/// True if the timer fired.
bool context::poll(host::handle timer) {
    const auto n = static_cast<std::uint32_t>(pollables_.size());
    std::uint32_t total = n;
    if (timer != host::none) {
        if (ready_.empty()) ready_.resize(1);
        pollables_.push_back(timer);
        ++total;
    }
    detail::expects(total > 0, "the host traps on an empty poll list");
    ++polls_;
    const auto list = host::poll(pollables_.data(), total, ready_.data());
    if (timer != host::none) pollables_.pop_back();
    calls_at_poll_ = host::calls[host::call::check_write];
    reported_ = list.size;

    // First who, then the work: an attempt disarms, and that moves others to new slots.
    const auto* indices = static_cast<const std::uint32_t*>(list.data);
    bool fired = false;
    due_.clear();
    for (std::uint32_t i = 0; i < list.size; ++i) {
        if (indices[i] == n)
            fired = true;
        else
            due_.push_back(waiters_[indices[i]]);
    }
    if (list.size > 0 && list.data != ready_.data()) std::free(list.data);
    for (waiter* w : due_) w->on_ready_(*w);
    return fired;
}

void context::finish(clock::time_point deadline) {
    while (lingering_ > 0 && clock::now() < deadline) wait(deadline);
    // What a peer would not take in time stays with the host, which ends it with the component:
    // dropping it here could block for ever.
    while (lingering_ > 0) {
        disarm(*waiters_.back());
        --lingering_;
    }
}

}  // namespace wasi
}  // namespace backend
}  // namespace copoll
