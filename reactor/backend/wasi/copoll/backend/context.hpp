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

namespace copoll {
class loop;
struct continuation;
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

/// Something that stands in the poll list: an operation in its awaiter, or a socket that lingers.
/// Moving gives one that does not stand there.
class waiter {
public:
    waiter() noexcept = default;
    waiter(waiter&&) noexcept {}
    waiter& operator=(waiter&&) = delete;

    bool armed() const noexcept { return slot_ != unarmed; }

protected:
    ~waiter() { detail::expects(!armed(), "an operation was destroyed while it waits"); }

    /// Its pollable was reported ready; tries again and disarms when done. Ready promises nothing:
    /// a waiter that made no progress just stays.
    void (*on_ready_)(waiter&) noexcept = nullptr;

private:
    friend class context;
    static constexpr std::uint32_t unarmed = UINT32_MAX;
    std::uint32_t slot_ = unarmed;
};

/// The poll list and the one clock pollable: what a loop waits for.
///
/// `pollables_` and `waiters_` are parallel and dense, handed to the host as they are; a waiter
/// knows its slot, so arming, disarming and dispatch are O(1) and nothing is rebuilt per turn.
class context {
public:
    explicit context(loop& owner) noexcept : owner_(owner) {}
    ~context();
    context(const context&) = delete;
    context& operator=(const context&) = delete;

    /// Waits until a waiter is ready or `deadline` passes; no deadline: for ever.
    void wait(std::optional<clock::time_point> deadline);
    /// Asks without waiting. A fresh zero timer each time: the host yields to its own event loop
    /// only at the first poll of one.
    void look();
    /// True if no operation waits: `wait` without a deadline would never return.
    bool idle() const noexcept { return waiters_.size() == lingering_; }
    /// Lets closed sockets deliver what they were given, at most until `deadline`.
    void finish(clock::time_point deadline);

    /// After some hundred calls without a pause, one host's event loop answers "not ready" to
    /// everything until the guest yields. True if so many were made that a "not ready" may mean
    /// just that; has yielded then, and the call is worth another try.
    bool yielded_to_host();

    void arm(waiter& w, host::handle pollable);
    void disarm(waiter& w) noexcept;

    void post(continuation& k) noexcept;
    std::uint64_t waits() const noexcept { return polls_; }
    std::uint64_t host_calls() const noexcept { return host::calls.total(); }
    std::uint64_t allocations() const noexcept { return growths_ + host::landing_misses; }

    /// Waiters that no operation stands behind, see linger.hpp.
    std::size_t lingering_ = 0;

private:
    bool poll(host::handle timer);

    loop& owner_;
    std::vector<host::handle> pollables_;
    std::vector<waiter*> waiters_;
    std::vector<std::uint32_t> ready_;
    std::vector<waiter*> due_;
    pollable timer_;
    clock::time_point timer_deadline_{};
    std::uint64_t polls_ = 0;
    std::uint64_t growths_ = 0;
    std::uint64_t calls_at_poll_ = 0;  ///< of check-write, when the host last had a pause
    std::uint32_t reported_ = 0;       ///< how many the last poll found ready
};

}  // namespace wasi
}  // namespace copoll::backend
