// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

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
inline namespace sim {

inline constexpr const char* name = "sim";

class context;
class network;
class waiter;

/// What a try came to. `spurious`: it could have gone on but was told to block.
enum class outcome : std::uint8_t { done, blocked, spurious };

/// Who waits for the same change. A waiter that was woken stands in the network's list of those
/// that are due instead, and still counts as armed.
struct wait_set {
    detail::intrusive_list<waiter> sleeping;
    std::size_t armed = 0;
};

/// An armed operation. Moving gives one that is not armed.
class waiter : public detail::list_node {
public:
    waiter() noexcept = default;
    waiter(waiter&&) noexcept {}
    waiter& operator=(waiter&&) = delete;

    bool armed() const noexcept { return io_ != nullptr; }

protected:
    ~waiter() { detail::expects(!armed(), "an operation was destroyed while it waits"); }

    outcome (*attempt_)(waiter&, context&) noexcept = nullptr;
    continuation* k_ = nullptr;

private:
    friend class context;
    friend class network;
    static constexpr std::size_t not_due = SIZE_MAX;
    context* io_ = nullptr;
    wait_set* set_ = nullptr;
    std::size_t due_slot_ = not_due;
};

/// A loop's view of the network it lives in.
class context {
public:
    context(loop& owner, const polling_options&);
    ~context();
    context(const context&) = delete;
    context& operator=(const context&) = delete;

    /// Moves time to the next event that completes an operation, or to `deadline`. Returns as well
    /// when neither is to come.
    void wait(std::optional<clock::time_point> deadline);
    /// Completes what can complete at this instant.
    void look();
    void end_turn() noexcept {}
    /// Nothing that is scheduled can complete an operation: simulated programs that hang are
    /// reported as a deadlock even where a real peer might still have said something.
    bool idle() const noexcept;
    std::size_t waiters() const noexcept { return armed_; }
    /// What is on the way arrives when a later loop of this world waits.
    void finish(clock::time_point) noexcept {}

    void arm(waiter& w, wait_set& set);
    void complete(waiter& w) noexcept;
    /// A canceled operation gets a last try, so that its result wins (`late_cancel_percent`).
    bool cancel_is_late() noexcept;

    void post(continuation& k) noexcept;
    detail::chunk_pool& chunks() noexcept;
    network& net() noexcept { return net_; }
    std::uint64_t waits() const noexcept { return waits_; }
    std::uint64_t host_calls() const noexcept;
    std::uint64_t allocations() const noexcept { return 0; }

private:
    void expect_progress(bool progress) noexcept;

    loop& owner_;
    network& net_;
    std::uint32_t in_vain_ = 0;
    std::size_t armed_ = 0;
    std::uint64_t completed_ = 0;
    std::uint64_t waits_ = 0;
};

}  // namespace sim
}  // namespace copoll::backend
