// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <exception>

namespace copoll::detail {

#if defined(__cpp_exceptions)
/// Holds what the coroutine's body threw, for user code with exceptions; the library throws none.
class thrown {
public:
    void catch_current() noexcept { e_ = std::current_exception(); }
    /// Calls `f`; keeps what it throws, unless something is kept already.
    template <class F>
    void guard(F f) noexcept {
        try {
            f();
        } catch (...) {
            if (!e_) catch_current();
        }
    }
    void rethrow() const {
        if (e_) std::rethrow_exception(e_);
    }
    explicit operator bool() const noexcept { return e_ != nullptr; }

private:
    std::exception_ptr e_;
};
#else
class thrown {
public:
    [[noreturn]] static void catch_current() noexcept { std::terminate(); }
    template <class F>
    static void guard(F f) noexcept {
        f();
    }
    static void rethrow() noexcept {}
    explicit operator bool() const noexcept { return false; }
};
#endif

}  // namespace copoll::detail
