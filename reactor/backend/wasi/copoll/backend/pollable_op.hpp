// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <utility>

#include <copoll/backend/context.hpp>
#include <copoll/backend/profile.hpp>
#include <copoll/operation.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace wasi {

/// Try, wait for the pollable, try again: the shape of every operation of this backend. `Derived`
/// has `bool attempt()`, which sets `result`, and `host::handle pollable()`. It may have
/// `bool hopeless()`: a first try would most likely find nothing, and is better made after
/// everybody else had a turn; or, on a host where that gains nothing, not before the poll.
///
/// A second try is made when the operation's turn in the ready queue comes, and the coroutine goes
/// on right after it: what was read is written while it is still in the cache.
template <class Derived, class Result>
class pollable_op : public waiter, continuation {
public:
    Result result{};

    bool start(context&) noexcept {
        if constexpr (requires { derived().hopeless(); }) {
            if (derived().hopeless()) {
                queued_ = !on_jco();  // its poll asks the stream again
                return false;
            }
        }
        return derived().attempt();
    }

    void arm(context& io, continuation& k) noexcept {
        io_ = &io;
        k_ = &k;
        redirect = [](continuation& c) noexcept { return static_cast<pollable_op&>(c).turn(); };
        on_ready_ = [](waiter& w) noexcept {
            auto& self = static_cast<pollable_op&>(w);
            if (std::exchange(self.queued_, true)) return;  // by an earlier poll
            self.io_->post(self);
        };
        if (queued_ && !io.crowded()) {
            io.post(*this);
        } else {
            queued_ = false;
            io.arm(*this, derived().pollable());
        }
    }

    void cancel(context& io) noexcept {
        if (complete_ || (!armed() && !queued_)) return;
        if (armed()) io.disarm(*this);
        // What was ready before the stop request is what happened.
        if (!queued_ || !derived().attempt())
            result = copoll::detail::result_traits<Result>::failure(errc::canceled);
        complete_ = true;
        if (!queued_) io.post(*this);
    }

private:
    Derived& derived() noexcept { return static_cast<Derived&>(*this); }

    /// Its turn in the ready queue: who goes on, or null for another wait.
    continuation* turn() noexcept {
        queued_ = false;
        if (!complete_) complete_ = derived().attempt();
        if (complete_) {
            if (armed()) io_->disarm(*this);
            return k_;
        }
        if (armed())
            io_->found_nothing(*this);
        else
            io_->arm(*this, derived().pollable());
        return nullptr;
    }

    context* io_ = nullptr;
    continuation* k_ = nullptr;
    bool queued_ = false;    ///< for a try
    bool complete_ = false;  ///< only k_ is still due
};

}  // namespace wasi
}  // namespace copoll::backend
