// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/backend/context.hpp>
#include <copoll/operation.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace wasi {

/// Try, wait for the pollable, try again: the shape of every operation of this backend. `Derived`
/// has `bool attempt()`, which sets `result`, and `host::handle pollable()`.
///
/// The second try is made when the operation's turn in the ready queue comes, and the coroutine
/// goes on right after it: what was read is written while it is still in the cache.
template <class Derived, class Result>
class pollable_op : public waiter, continuation {
public:
    Result result{};

    bool start(context&) noexcept { return derived().attempt(); }

    void arm(context& io, continuation& k) noexcept {
        io_ = &io;
        k_ = &k;
        on_ready_ = [](waiter& w) noexcept {
            auto& self = static_cast<pollable_op&>(w);
            self.due_ = true;
            self.io_->post(self);
        };
        redirect = [](continuation& c) noexcept -> continuation* {
            auto& self = static_cast<pollable_op&>(c);
            self.due_ = false;
            if (self.armed() && !self.derived().attempt()) return nullptr;  // ready for nothing
            if (self.armed()) self.io_->disarm(self);
            return self.k_;
        };
        io.arm(*this, derived().pollable());
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
    bool due_ = false;  ///< reported ready, and queued for its second try
};

}  // namespace wasi
}  // namespace copoll::backend
