// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/backend/context.hpp>
#include <copoll/detail/assert.hpp>
#include <copoll/operation.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace asio {

/// Try, wait for the descriptor, try again. `Derived` has `bool attempt()`, which sets `result`,
/// and `watched_fd& fd()`.
///
/// The second try is made when the operation's turn in the ready queue comes, and the coroutine
/// goes on right after it: what was read is written while it is still in the cache.
template <class Derived, class Result, readiness Awaited>
class fd_op : public waiter, continuation {
public:
    Result result{};

    bool start(context&) noexcept { return derived().attempt(); }

    void arm(context& io, continuation& k) noexcept {
        io_ = &io;
        k_ = &k;
        on_ready_ = [](waiter& w) noexcept {
            auto& self = static_cast<fd_op&>(w);
            self.due_ = true;
            self.io_->post(self);
        };
        redirect = [](continuation& c) noexcept -> continuation* {
            auto& self = static_cast<fd_op&>(c);
            self.due_ = false;
            if (!self.armed()) return self.k_;  // canceled while it was due
            if (self.derived().attempt()) {
                self.io_->disarm(self);
                return self.k_;
            }
            self.io_->wait_again(self, self.derived().fd(), Awaited);
            return nullptr;
        };
        io.arm(*this, derived().fd(), Awaited);
    }

    void cancel(context& io) noexcept {
        if (!armed()) return;
        io.disarm(*this);
        // What became ready before the stop request is what happened.
        if (!due_ || !derived().attempt())
            result = copoll::detail::result_traits<Result>::failure(errc::canceled);
        if (!due_) io.post(*this);
    }

private:
    Derived& derived() noexcept { return static_cast<Derived&>(*this); }
    context* io_ = nullptr;
    continuation* k_ = nullptr;
    bool due_ = false;  ///< told ready, and queued for its second try
};

/// An operation that never waits.
template <class Result>
class immediate_op {
public:
    Result result{};
    static void arm(context&, continuation&) noexcept {
        detail::expects(false, "armed an operation that was complete");
    }
    static void cancel(context&) noexcept {}
};

}  // namespace asio
}  // namespace copoll::backend
