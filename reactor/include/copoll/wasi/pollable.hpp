// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>

#include <copoll/backend/pollable_op.hpp>
#include <copoll/detail/io_op.hpp>

/// The generic bridge from `wasi:io/poll` to `co_await`, for pollables of any interface: wasi:http,
/// wasi:tls, your own. `wasi` backend only.

namespace copoll::wasi {

namespace detail {

class ready_op : public backend::waiter {
public:
    result<void> result{};

    explicit ready_op(backend::host::handle pollable) noexcept : pollable_(pollable) {}
    bool start(backend::context&) noexcept { return false; }  // only poll is believed
    void arm(backend::context& io, continuation& k) noexcept {
        io_ = &io;
        k_ = &k;
        on_ready_ = [](waiter& w) noexcept { static_cast<ready_op&>(w).complete(); };
        io.arm(*this, pollable_);
    }
    void cancel(backend::context&) noexcept {
        if (!armed()) return;
        result = fail(errc::canceled);
        complete();
    }

private:
    void complete() noexcept {
        io_->disarm(*this);
        io_->post(*k_);
    }

    backend::host::handle pollable_;
    backend::context* io_ = nullptr;
    continuation* k_ = nullptr;
};

}  // namespace detail

/// Waits until the host reports the pollable ready; gives `result<void>`. Ready promises nothing:
/// try the call it belongs to, and wait again if it would still block.
/// *Cancellation:* `canceled`. *Lifetime:* `pollable` is borrowed, and must live until completion.
[[nodiscard]] inline auto ready(std::int32_t pollable) noexcept {
    return copoll::detail::io_op<detail::ready_op>{std::in_place, pollable};
}

/// The same for a handle of generated bindings, e.g. `wasi_io_poll_borrow_pollable_t`.
template <class Handle>
    requires requires(const Handle& h) {
        { h.__handle } -> std::convertible_to<std::int32_t>;
    }
[[nodiscard]] auto ready(const Handle& pollable) noexcept {
    return ready(pollable.__handle);
}

}  // namespace copoll::wasi
