// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <coroutine>
#include <system_error>
#include <utility>

#include <copoll/operation.hpp>
#include <copoll/stop.hpp>

namespace copoll_tests {

using namespace copoll;

/// `co_await stoppable(stop, op)` awaits `op` with the token of `stop` in place of the task's own.
template <operation O>
class stoppable_op {
public:
    stoppable_op(stop_source& stop, O op) noexcept : stop_(&stop), op_(std::move(op)) {}

    void bind(const env& outer) noexcept {
        inner_ = {outer.owner, stop_->get_token()};
        op_.bind(inner_);
    }
    bool start() noexcept { return op_.start(); }
    std::coroutine_handle<> suspend(continuation& k) noexcept { return op_.suspend(k); }
    auto take() { return op_.take(); }
    std::error_code error() const noexcept
        requires fallible_operation<O>
    {
        return op_.error();
    }

private:
    stop_source* stop_;
    env inner_;
    O op_;
};

template <operation O>
[[nodiscard]] stoppable_op<O> stoppable(stop_source& stop, O op) noexcept {
    return {stop, std::move(op)};
}

}  // namespace copoll_tests
