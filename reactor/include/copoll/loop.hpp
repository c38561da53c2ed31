// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <coroutine>
#include <cstdint>
#include <optional>
#include <source_location>
#include <type_traits>
#include <vector>

#include <copoll/backend/context.hpp>
#include <copoll/chunk.hpp>
#include <copoll/clock.hpp>
#include <copoll/detail/backend_concept.hpp>
#include <copoll/detail/config.hpp>
#include <copoll/detail/intrusive_fifo.hpp>
#include <copoll/detail/task_record.hpp>
#include <copoll/detail/timer_heap.hpp>
#include <copoll/loop_options.hpp>
#include <copoll/operation.hpp>

namespace copoll {

/// Counters since the loop began. They cost an increment each and are always on.
struct loop_stats {
    std::uint64_t turns = 0;         ///< generations of ready continuations that ran
    std::uint64_t resumed = 0;       ///< continuations that ran
    std::uint64_t waits = 0;         ///< times the backend was asked what happened
    std::uint64_t host_calls = 0;    ///< calls of the host; `wasi` backend only
    std::uint64_t allocations = 0;   ///< frames and buffers that came from the heap
    std::uint64_t frames = 0;        ///< coroutine frames of this thread alive now
    std::uint64_t timers = 0;        ///< timers set now
    std::uint64_t waiters = 0;       ///< operations that wait for the host now
    std::uint64_t stalls = 0;        ///< times a task kept the loop for `stall_limit` or longer
};

/// The single-threaded reactor. One turn runs the generation of continuations that was ready when
/// the turn began, then asks the backend which operations completed, then fires the timers that
/// are due. What a continuation makes ready runs in the next generation, so nobody is starved by a
/// neighbour that always has work.
///
/// Order within a turn: completed operations are posted before timers fire, so data that arrived
/// together with its deadline wins.
class loop {
public:
    explicit loop(const loop_options& options = {});
    /// Gives closed sockets a few seconds to deliver what they were given.
    ~loop();
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;

    /// Appends `k` to the ready queue. Never resumes inside the call.
    void post(continuation& k) noexcept { ready_.push(k); }

    /// The time at which this turn first asked for it; no host call when asked again in one turn.
    clock::time_point turn_time() noexcept {
        if (!turn_time_known_) {
            turn_time_ = clock::now();
            turn_time_known_ = true;
        }
        return turn_time_;
    }

    void set_timer(detail::timer_node& timer, clock::time_point deadline) {
        timer.deadline = deadline;
        timers_.insert(timer);
    }
    void cancel_timer(detail::timer_node& timer) noexcept {
        if (timer.set()) timers_.erase(timer);
    }

    /// True while the running coroutine may go on with what completes at once; after
    /// `inline_budget` completions in one resume an operation queues itself so that others get
    /// their turn.
    bool spend_budget() noexcept {
        if (budget_ == 0) return false;
        --budget_;
        return true;
    }

    /// Starts with `first` and runs until `done`. If nothing is ready and nothing that is waited
    /// for can happen, says so on stderr, requests stop of everything through `stop`, goes on until
    /// `done` and returns `deadlock`.
    result<void> run(continuation& first, const bool& done, stop_source& stop);

    backend::context& io() noexcept { return io_; }
    detail::chunk_pool& chunks() noexcept { return chunks_; }
    detail::task_registry& tasks() noexcept { return tasks_; }
    const detail::task_registry& tasks() const noexcept { return tasks_; }
    loop_stats stats() const noexcept;

    static constexpr std::uint32_t inline_budget = 16;
    /// While continuations are ready all the time, completions are looked for every so many turns.
    static constexpr std::uint32_t turns_between_looks = 8;
    /// So often it is looked how long the tasks of a turn take, on average.
    static constexpr std::uint64_t turns_between_weighings = 16;
    static constexpr clock::duration heavy_resume = std::chrono::microseconds{50};

#if COPOLL_SYMMETRIC_TRANSFER
    using transfer_result = std::coroutine_handle<>;
    /// What `await_suspend` returns to go on with `h`; null means: back to the loop.
    transfer_result transfer(std::coroutine_handle<> h) noexcept {
        return h ? h : std::noop_coroutine();
    }
#else
    using transfer_result = void;
    void transfer(std::coroutine_handle<> h) noexcept {
        if (!h) return;
        if (transferred_) overtaken_.push_back(transferred_);
        transferred_ = h;
    }
#endif

private:
    void resume(std::coroutine_handle<> h);
    void go_on(std::coroutine_handle<> h);
    void go_on_timed(std::coroutine_handle<> h);
    void report_stall(clock::duration kept);
    void run_generation();
    void look(bool may_block);
    void finish_transfers();

    detail::intrusive_fifo<continuation> ready_;
    std::uint32_t budget_ = 0;
    bool turn_time_known_ = false;
    clock::time_point turn_time_{};
#if !COPOLL_SYMMETRIC_TRANSFER
    std::coroutine_handle<> transferred_{};
    // Only another library, which resumes a handle itself, makes a second one due.
    std::vector<std::coroutine_handle<>> overtaken_;
#endif
    detail::timer_heap timers_;
    detail::chunk_pool chunks_;
    loop_stats stats_;
    bool heavy_ = false;  ///< tasks of a turn took longer than `heavy_resume`
    detail::task_registry tasks_;
    const clock::duration stall_limit_;
    std::optional<clock::time_point> resumed_at_{};
    std::vector<std::source_location> stalls_;  // reported already
    backend::context io_;
};

}  // namespace copoll
