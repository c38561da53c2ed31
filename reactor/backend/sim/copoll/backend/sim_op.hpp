// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/backend/context.hpp>
#include <copoll/operation.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace sim {

/// Try, sleep until something changed, try again. `Derived` has `outcome attempt(context&)`, which
/// sets `result` when done, and `wait_set& waits_on(context&)`.
template <class Derived, class Result>
class sim_op : public waiter {
public:
    Result result{};

    bool start(context& io) noexcept { return derived().attempt(io) == outcome::done; }

    void arm(context& io, continuation& k) noexcept {
        k_ = &k;
        attempt_ = [](waiter& w, context& c) noexcept {
            return static_cast<Derived&>(w).attempt(c);
        };
        io.arm(*this, derived().waits_on(io));
    }

    void cancel(context& io) noexcept {
        if (!armed()) return;
        if (!io.cancel_is_late() || derived().attempt(io) != outcome::done)
            result = copoll::detail::result_traits<Result>::failure(errc::canceled);
        io.complete(*this);
    }

private:
    Derived& derived() noexcept { return static_cast<Derived&>(*this); }
};

}  // namespace sim
}  // namespace copoll::backend
