// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/backend/context.hpp>
#include <copoll/operation.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace wasi {

/// Try, wait for the pollable, try again: the shape of every operation of this backend. `Derived`
/// has `bool attempt()`, which sets `result`, and `host::handle pollable()`.
template <class Derived, class Result>
class pollable_op : public waiter {
public:
    Result result{};

    bool start(context&) noexcept { return derived().attempt(); }

    void arm(context& io, continuation& k) noexcept {
        io_ = &io;
        k_ = &k;
        on_ready_ = [](waiter& w) noexcept {
            auto& self = static_cast<Derived&>(w);
            if (self.attempt()) self.complete();
        };
        io.arm(*this, derived().pollable());
    }

    void cancel(context&) noexcept {
        if (!armed()) return;
        result = copoll::detail::result_traits<Result>::failure(errc::canceled);
        complete();
    }

protected:
    void complete() noexcept {
        io_->disarm(*this);
        io_->post(*k_);
    }

private:
    Derived& derived() noexcept { return static_cast<Derived&>(*this); }
    context* io_ = nullptr;
    continuation* k_ = nullptr;
};

}  // namespace wasi
}  // namespace copoll::backend
