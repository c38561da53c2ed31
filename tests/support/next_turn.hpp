// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <coroutine>
#include <utility>

#include <copoll/loop.hpp>
#include <copoll/operation.hpp>
#include <copoll/task.hpp>

namespace copoll_tests {

using namespace copoll;

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

inline task<void> turns(int n) {
    for (int i = 0; i < n; ++i) co_await next_turn{};
}

/// Calls `f` one turn later. Next to an operation in `when_all`: after that has begun to wait.
template <class F>
task<void> later(F f) {
    co_await next_turn{};
    f();
}

}  // namespace copoll_tests
