// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <utility>

#include <copoll/detail/next_turn.hpp>
#include <copoll/task.hpp>

namespace copoll_tests {

using namespace copoll;

using copoll::detail::next_turn;

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
