// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/loop.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <utility>

#include <copoll/detail/frame_pool.hpp>
#include <copoll/detail/function_name.hpp>
#include <copoll/trace.hpp>

namespace copoll {
namespace {

/// How long closed sockets may take to deliver what they were given when the program ends.
constexpr auto finish_limit = std::chrono::seconds{5};

}  // namespace

loop::loop(const loop_options& options)
    : tasks_(options.trace), stall_limit_(options.stall_limit), io_(*this, options.polling) {
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
    tasks_.enter();
    if (stall_limit_ == clock::duration::zero()) [[likely]]
        go_on(h);
    else
        go_on_timed(h);
    tasks_.leave();
}

/// The end of one is the beginning of the next, unless the loop has waited in between.
void loop::go_on_timed(std::coroutine_handle<> h) {
    const clock::time_point began = resumed_at_ ? *resumed_at_ : clock::now();
    go_on(h);
    resumed_at_ = clock::now();
    const clock::duration kept = *resumed_at_ - began;
    if (kept >= stall_limit_) report_stall(kept);
}

void loop::go_on(std::coroutine_handle<> h) {
#if COPOLL_SYMMETRIC_TRANSFER
    h.resume();
#else
    transfer(h);
    finish_transfers();
#endif
}

void loop::report_stall(clock::duration kept) {
    ++stats_.stalls;
    const std::source_location at = tasks_.entered_at();
    const auto same_place = [&at](const std::source_location& other) {
        return other.line() == at.line() && std::string_view{other.file_name()} == at.file_name();
    };
    if (std::ranges::any_of(stalls_, same_place)) return;
    stalls_.push_back(at);
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(kept).count();
    if (at.line() == 0) {
        std::fprintf(stderr, "copoll: stall: a task kept the loop for %lld ms\n",
                     static_cast<long long>(ms));
        return;
    }
    const std::string_view file = detail::base_name(at.file_name());
    const detail::function_name function{at.function_name()};
    std::fprintf(stderr,
                 "copoll: stall: the loop was kept for %lld ms by %s, going on from %.*s:%u\n",
                 static_cast<long long>(ms), function.text(), static_cast<int>(file.size()),
                 file.data(), static_cast<unsigned>(at.line()));
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
    tasks_.tell(trace_kind::turn_begin);
    detail::intrusive_fifo<continuation> generation;
    generation.append(ready_);
    // Writes leave at the end of a turn. Where its tasks take long, those of one would wait for all
    // the others, so they leave after each.
    continuation* k = generation.pop();
    const bool weighs = stats_.turns % turns_between_weighings == 0 && !generation.empty();
    const clock::time_point begin = weighs ? clock::now() : clock::time_point{};
    unsigned resumed = 0;
    for (; k; k = generation.pop(), ++resumed) {
        resume(resolve(k));
        if (heavy_) io_.end_turn();
    }
    io_.end_turn();
    if (weighs) heavy_ = clock::now() - begin > resumed * heavy_resume;
    tasks_.tell(trace_kind::turn_end);
}

void loop::look(bool may_block) {
    tasks_.tell(trace_kind::wait_begin);
    resumed_at_.reset();
    if (!may_block)
        io_.look();
    else if (timers_.empty())
        io_.wait(std::nullopt);
    else
        io_.wait(timers_.earliest());
    tasks_.tell(trace_kind::wait_end);
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
            dump_tasks(*this, stderr);
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
    s.waiters = io_.waiters();
    return s;
}

}  // namespace copoll
