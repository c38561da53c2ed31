// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <coroutine>

#include <copoll/loop.hpp>
#include <copoll/operation.hpp>

namespace copoll::detail {

/// `co_await next_turn{}` lets everything run that is ready now.
class next_turn {
public:
    void bind(const env& e) noexcept { owner_ = e.owner; }
    static bool start() noexcept { return false; }
    std::coroutine_handle<> suspend(continuation& k) noexcept {
        owner_->post(k);
        return nullptr;
    }
    static void take() noexcept {}

private:
    loop* owner_ = nullptr;
};

}  // namespace copoll::detail
