// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/detail/queued_op.hpp>

namespace copoll {

/// A flag that tasks wait for. Stays set until `reset` (manual reset). Waiters resume in the loop's
/// next turn, in the order they came, never inside `set()`.
class event {
public:
    class wait_op : public detail::queued_op {
    public:
        explicit wait_op(event& e) noexcept : event_(&e) {}
        bool start() noexcept { return ends_at_once(stopped_early() || event_->set_); }
        std::coroutine_handle<> suspend(continuation& k) noexcept {
            wait_in(event_->waiters_, *this, k);
            return nullptr;
        }
        result<void> take() noexcept {
            stop_node::unlink();
            if (error_) return fail(error_);
            return {};
        }

    private:
        event* event_;
    };

    /// Sets the flag and wakes every waiter.
    void set() noexcept {
        set_ = true;
        while (!waiters_.empty()) waiters_.front().grant();
    }
    /// Later waits wait again; those that were woken stay woken.
    void reset() noexcept { set_ = false; }
    bool is_set() const noexcept { return set_; }

    /// Waits until the flag is set; gives `result<void>`. Completes at once if it is.
    /// *Cancellation:* `canceled`. *Lifetime:* the event outlives its waiters.
    [[nodiscard]] wait_op wait() noexcept { return wait_op{*this}; }

private:
    detail::intrusive_list<wait_op> waiters_;
    bool set_ = false;
};

}  // namespace copoll
