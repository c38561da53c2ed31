// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <copoll/backend/host.hpp>
#include <copoll/clock.hpp>
#include <copoll/detail/assert.hpp>
#include <copoll/detail/intrusive_list.hpp>
#include <copoll/loop_options.hpp>

namespace copoll {
class loop;
struct continuation;
namespace detail {
class chunk_pool;
}
}  // namespace copoll

namespace copoll::backend {
inline namespace wasi {

inline constexpr const char* name = "wasi";

/// Owns one host resource. Members of a class are dropped in reverse order, so children (pollable,
/// then stream) stand below their parent (socket): dropping a parent first traps.
template <void (*Drop)(host::handle) noexcept>
class resource {
public:
    resource() noexcept = default;
    explicit resource(host::handle h) noexcept : h_(h) {}
    resource(resource&& other) noexcept : h_(std::exchange(other.h_, host::none)) {}
    resource& operator=(resource&& other) noexcept {
        if (this != &other) {
            reset();
            h_ = std::exchange(other.h_, host::none);
        }
        return *this;
    }
    ~resource() { reset(); }

    host::handle get() const noexcept { return h_; }
    explicit operator bool() const noexcept { return h_ != host::none; }
    [[nodiscard]] host::handle release() noexcept { return std::exchange(h_, host::none); }
    void reset() noexcept {
        if (h_ != host::none) Drop(std::exchange(h_, host::none));
    }

private:
    host::handle h_ = host::none;
};

using pollable = resource<host::drop_pollable>;

/// Move assignment for a class whose members must be dropped in reverse order: member by member it
/// would drop the parent first.
template <class T>
T& replace(T& self, T&& other) noexcept {
    if (&self == &other) return self;
    std::destroy_at(&self);
    return *std::construct_at(&self, std::move(other));
}

/// Something that waits for a pollable: an operation in its awaiter, or a socket that lingers.
/// Moving gives one that does not wait.
class waiter : public detail::list_node {
public:
    waiter() noexcept = default;
    waiter(waiter&&) noexcept {}
    waiter& operator=(waiter&&) = delete;

    bool armed() const noexcept { return tier_ != tier::none; }

protected:
    ~waiter() { detail::expects(!armed(), "an operation was destroyed while it waits"); }

    /// Its pollable was reported ready; tries again and disarms when done. Called again while it
    /// stays armed: ready promises nothing.
    void (*on_ready_)(waiter&) noexcept = nullptr;

private:
    friend class context;
    enum class tier : std::uint8_t { none, turn_end, hot, cold, resting };

    host::handle pollable_ = host::none;
    std::uint32_t slot_ = 0;    ///< in the cold list
    std::uint32_t since_ = 0;   ///< the look at the cold ones after which it was last active
    tier tier_ = tier::none;
    std::uint8_t quiet_ = 0;    ///< polls since then that did not report it
    std::uint8_t in_vain_ = 0;  ///< reports in a row that led to nothing
};

/// What a loop waits for, in two tiers: a poll costs the host some 250 ns for each pollable in it,
/// ready or not.
///
/// Hot are those that were active lately, in the order in which they get their turn; each turn of
/// the loop polls these, at most a chunk at a time. The others are cold: a dense list that is
/// handed to the host as it is, and polled once a period while anything is hot. Nothing hot: one
/// blocking poll over all. Arming, disarming and changing tiers are O(1).
class context {
public:
    context(loop& owner, const polling_options& options);
    ~context();
    context(const context&) = delete;
    context& operator=(const context&) = delete;

    /// Waits until a waiter is ready or `deadline` passes; no deadline: for ever. May return
    /// early, for nothing.
    void wait(std::optional<clock::time_point> deadline) { turn(deadline, true); }
    /// Asks without waiting.
    void look() { turn(std::nullopt, false); }
    /// True if no operation waits: `wait` without a deadline would never return.
    bool idle() const noexcept { return waiters() == 0; }
    std::size_t waiters() const noexcept { return armed() - lingering_; }
    /// Lets closed sockets deliver what they were given, at most until `deadline`.
    void finish(clock::time_point deadline);
    /// The deadline has passed. Those that are left are told once, not to go on but to let go.
    bool has_given_up() const noexcept { return has_given_up_; }

    /// After some hundred calls without a pause, one host's event loop answers "not ready" to
    /// everything until the guest yields. True if so many were made that a "not ready" may mean
    /// just that; has yielded then, and the call is worth another try.
    bool yielded_to_host();
    /// More are active than one poll takes. Who was served waits behind the others then, instead
    /// of trying again before they had their turn.
    bool crowded() const noexcept { return hot_count_ > options_.chunk; }

    void arm(waiter& w, host::handle pollable);
    void disarm(waiter& w) noexcept { leave_tier(w); }
    /// Reports `w` when the tasks of this turn have run, once, and disarms it before.
    void report_at_turn_end(waiter& w) noexcept;
    void end_turn() noexcept {
        if (!turn_end_.empty()) report_turn_end();
    }
    /// For one that was reported ready, tried, and found nothing. After a few times in a row it
    /// rests for some milliseconds: some hosts report for ever what is not so.
    void found_nothing(waiter& w);

    void post(continuation& k) noexcept;
    detail::chunk_pool& chunks() noexcept;
    std::uint64_t waits() const noexcept { return polls_; }
    std::uint64_t host_calls() const noexcept { return host::calls.total(); }
    std::uint64_t allocations() const noexcept;

    /// Waiters that no operation stands behind, see linger.hpp.
    std::size_t lingering_ = 0;

private:
    bool has_given_up_ = false;
    struct rest {
        waiter* who;
        clock::time_point until;
    };
    /// How long a poll may take: until somebody is ready, or not at all. Not at all takes a fresh
    /// zero timer each time: the host yields to its own event loop at the first poll of one.
    enum class when : std::uint8_t { ready, now };
    static constexpr std::size_t timers_in_list = 2;

    std::size_t armed() const noexcept { return hot_count_ + cold_.size() + resting_.size(); }
    void make_hot(waiter& w);
    void make_cold(waiter& w);
    void leave_tier(waiter& w) noexcept;
    void end_rests(clock::time_point now);

    void report_turn_end() noexcept;
    void turn(std::optional<clock::time_point> deadline, bool may_block);
    void set_timer(std::optional<clock::time_point> deadline);
    void poll_hot(bool may_block);
    std::size_t poll_chunk(std::size_t size, when w);
    std::size_t poll_cold(when w);
    void look_at_cold(clock::time_point now);

    void make_room(std::size_t size);
    void poll(const std::vector<waiter*>& owners, std::vector<host::handle>& pollables, when w);
    void tell_due() noexcept;

    loop& owner_;
    const polling_options options_;

    detail::intrusive_list<waiter> turn_end_;
    detail::intrusive_list<waiter> hot_;
    std::size_t hot_count_ = 0;
    std::vector<waiter*> cold_;
    std::vector<host::handle> cold_pollables_;  ///< of `cold_`
    std::vector<rest> resting_;

    clock::duration period_;  ///< between two looks at the cold ones
    std::optional<clock::time_point> next_look_{};
    std::uint32_t looks_ = 0;

    // Of one poll, kept for the next.
    std::vector<waiter*> chunk_;
    std::vector<host::handle> chunk_pollables_;  ///< of `chunk_`
    std::vector<waiter*> due_;
    std::vector<std::uint32_t> answer_;

    pollable timer_;
    clock::time_point timer_deadline_{};
    bool timer_fired_ = false;

    std::uint64_t polls_ = 0;
    std::uint64_t growths_ = 0;
    std::uint64_t calls_at_poll_ = 0;  ///< of check-write, when the host last had a pause
    std::uint32_t reported_ = 0;       ///< how many the last poll found ready
};

}  // namespace wasi
}  // namespace copoll::backend
