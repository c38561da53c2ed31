// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <coroutine>

namespace copoll_tests {

/// Something to await as other libraries have it: it knows nothing of loops, stop tokens and
/// continuations, and resumes the handle that it got, wherever it happens to be.
class foreign_event {
public:
    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept { waiting_ = h; }
    int await_resume() const noexcept { return value_; }

    void fire(int value) {
        value_ = value;
        waiting_.resume();
    }

private:
    std::coroutine_handle<> waiting_{};
    int value_ = 0;
};

}  // namespace copoll_tests
