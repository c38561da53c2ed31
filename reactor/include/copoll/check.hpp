// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/task.hpp>

namespace copoll {

/// `auto v = co_await check(x);` awaits x and yields its value, or ends the enclosing task with
/// x's error: the `?` of Rust. No throw, no macro. x is a task or operation that gives `result<T>`
/// (yields T) or a byte transfer (yields the count), or a `result<T>` already at hand.
///
/// The enclosing task must return `result<U>` or a byte transfer. Its locals are destroyed before
/// the statement after its own await runs, as if it had returned there.
template <fallible_operation O>
class [[nodiscard]] check_op {
public:
    explicit check_op(O checked) noexcept : op(std::move(checked)) {}
    O op;
};

namespace detail {

template <class O, class Promise>
class check_awaiter : continuation {
public:
    check_awaiter(O& op, Promise& enclosing) noexcept
        : continuation(&completed), op_(&op), enclosing_(&enclosing) {
        op.bind(*enclosing.env_);
    }

    bool await_ready() noexcept { return op_->start() && !(failed_at_once_ = failed()); }

    loop::transfer_result await_suspend(std::coroutine_handle<> h) noexcept {
        loop& owner = *enclosing_->env_->owner;
        resumed_.handle = h;
        if (failed_at_once_) return owner.transfer(resolve(enclosing_->leave(op_->error())));
        enclosing_->record_.suspend();
        return owner.transfer(op_->suspend(*this));
    }

    auto await_resume() {
        enclosing_->record_.resume();
        using result_type = result_of<O>;
        return result_traits<result_type>::success(op_->take());
    }

private:
    bool failed() const noexcept { return static_cast<bool>(op_->error()); }

    static continuation* completed(continuation& k) noexcept {
        auto& self = static_cast<check_awaiter&>(k);
        if (self.failed()) return self.enclosing_->leave(self.op_->error());
        return &self.resumed_;
    }

    O* op_;
    Promise* enclosing_;
    bool failed_at_once_ = false;
    continuation resumed_;
};

/// A result at hand, as an operation that is complete from the start.
template <fallible R>
class ready_op {
public:
    explicit ready_op(R&& r) noexcept : r_(std::move(r)) {}
    void bind(const env&) noexcept {}
    bool start() noexcept { return true; }
    std::coroutine_handle<> suspend(continuation&) noexcept { return nullptr; }
    R take() { return std::move(r_); }
    std::error_code error() const noexcept { return result_traits<R>::error(r_); }

private:
    R r_;
};

template <class T>
template <class O>
auto task_promise<T>::await_transform(check_op<O>&& op,
                                      const std::source_location& where) noexcept {
    static_assert(fallible<T>,
                  "co_await check(...) needs an enclosing task that returns result<> or io_result");
    record_.await_at(where);
    return check_awaiter<O, task_promise<T>>{op.op, *this};
}

}  // namespace detail

template <fallible_operation O>
check_op<O> check(O&& op) noexcept {
    static_assert(!std::is_lvalue_reference_v<O>, "check(std::move(x))");
    return check_op<O>{std::move(op)};
}

template <detail::fallible R>
    requires(!std::is_lvalue_reference_v<R>)
check_op<detail::ready_op<R>> check(R&& r) noexcept {
    return check_op<detail::ready_op<R>>{detail::ready_op<R>{std::move(r)}};
}
template <detail::fallible R>
check_op<detail::ready_op<R>> check(const R& r) noexcept {
    return check(R{r});
}

}  // namespace copoll
