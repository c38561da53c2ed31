// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/loop.hpp>

#include <cstdio>
#include <utility>

#include <copoll/detail/frame_pool.hpp>

namespace copoll {
namespace {

/// How long closed sockets may take to deliver what they were given when the program ends.
constexpr auto finish_limit = std::chrono::seconds{5};

}  // namespace

loop::loop(const loop_options& options) : io_(*this, options.polling) {
    detail::frame_pool::retain();
}

loop::~loop() {
    detail::expects(timers_.empty(), "loop ended while timers are set");
    io_.finish(clock::now() + finish_limit);
    detail::frame_pool::release();
}

void loop::resume(std::coroutine_handle<> h) {
    if (!h) return;
    budget_ = inline_budget;
    ++stats_.resumed;
#if COPOLL_SYMMETRIC_TRANSFER
    h.resume();
#else
    transfer(h);
    finish_transfers();
#endif
}

/// The trampoline: resumes what came due while nobody could tail-call it.
void loop::finish_transfers() {
#if !COPOLL_SYMMETRIC_TRANSFER
    for (;;) {
        if (!transferred_) {
            if (overtaken_.empty()) return;
            transferred_ = overtaken_.back();
            overtaken_.pop_back();
        }
        std::exchange(transferred_, nullptr).resume();
    }
#endif
}

void loop::run_generation() {
    ++stats_.turns;
    detail::intrusive_fifo<continuation> generation;
    generation.append(ready_);
    while (continuation* k = generation.pop()) resume(resolve(k));
    io_.end_turn();
}

void loop::look(bool may_block) {
    if (!may_block)
        io_.look();
    else if (timers_.empty())
        io_.wait(std::nullopt);
    else
        io_.wait(timers_.earliest());
    turn_time_known_ = false;
    if (!timers_.empty()) {
        const clock::time_point now = turn_time();
        while (detail::timer_node* timer = timers_.pop_due(now)) timer->fire(*timer);
    }
    finish_transfers();
}

result<void> loop::run(continuation& root, const bool& done, stop_source& stop) {
    bool deadlocked = false;
    std::uint32_t turns_without_look = 0;
    resume(resolve(&root));
    io_.end_turn();
    while (!done) {
        if (!ready_.empty()) {
            run_generation();
            if (ready_.empty() || done || ++turns_without_look < turns_between_looks) continue;
            look(false);
        } else if (timers_.empty() && io_.idle()) {
            detail::expects(!deadlocked, "deadlock: an operation ignores stop requests");
            deadlocked = true;
            std::fputs("copoll: deadlock: nothing is ready and nothing that is waited for can "
                       "happen; stopping\n",
                       stderr);
            stop.request_stop();
            continue;
        } else {
            look(true);
        }
        turns_without_look = 0;
    }
    if (deadlocked) return fail(errc::deadlock);
    return {};
}

loop_stats loop::stats() const noexcept {
    loop_stats s = stats_;
    s.waits = io_.waits();
    s.host_calls = io_.host_calls();
    s.allocations = detail::frame_pool::misses() + chunks_.allocations() + io_.allocations();
    s.frames = detail::frame_pool::live();
    s.timers = timers_.size();
    return s;
}

}  // namespace copoll
