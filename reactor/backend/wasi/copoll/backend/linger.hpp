// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <utility>

#include <copoll/backend/context.hpp>

namespace copoll::backend {
inline namespace wasi {

/// Keeps something whose output was closed too early until the host has sent what it took, or
/// failed to: dropping an output-stream with a write in flight loses the bytes on some hosts and
/// blocks the whole guest on others.
///
/// `Owner` has `bool settled()`, `host::handle output_pollable()` and `void forget_context()`,
/// after which its destructor drops at once. `drop_unsent`, if there is one, gives back what it
/// holds of the loop's memory when the loop ends first.
template <class Owner>
class linger final : public waiter {
public:
    static void begin(context& io, Owner&& owner) {
        auto* self = new linger(io, std::move(owner));
        self->on_ready_ = [](waiter& w) noexcept {
            auto& l = static_cast<linger&>(w);
            if (l.io_.has_given_up())
                l.leave_to_host();
            else if (l.owner_.settled())
                l.end();
            else
                l.io_.found_nothing(l);
        };
        ++io.lingering_;
        io.arm(*self, self->owner_.output_pollable());
    }

private:
    linger(context& io, Owner&& owner) noexcept : io_(io), owner_(std::move(owner)) {
        owner_.forget_context();
    }
    void end() noexcept {
        io_.disarm(*this);
        --io_.lingering_;
        delete this;
    }
    void leave_to_host() noexcept {
        if constexpr (requires { owner_.drop_unsent(); }) owner_.drop_unsent();
    }
    context& io_;
    Owner owner_;
};

}  // namespace wasi
}  // namespace copoll::backend
