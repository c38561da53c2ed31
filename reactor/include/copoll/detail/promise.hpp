// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <copoll/detail/frame_pool.hpp>
#include <copoll/detail/task_record.hpp>
#include <copoll/loop.hpp>
#include <copoll/operation.hpp>

namespace copoll {

/// `co_await this_env{}` gives the `const env&` of the running task: its loop and its stop token.
/// Completes at once.
struct this_env {};

namespace detail {

/// Awaits an operation that lives in the same full expression. Not a member of the operation, so
/// that operations stay plain objects that combinators can hold.
template <class O>
class op_awaiter {
public:
    op_awaiter(O& op, const env& e, task_ref awaiting) noexcept
        : op_(&op), env_(&e), awaiting_(awaiting) {
        op.bind(e);
    }

    bool await_ready() noexcept { return op_->start(); }
    loop::transfer_result await_suspend(std::coroutine_handle<> h) noexcept {
        k_.handle = h;
        loop& owner = *env_->owner;
        awaiting_.suspend();
        return owner.transfer(op_->suspend(k_));
    }
    decltype(auto) await_resume() {
        awaiting_.resume();
        return op_->take();
    }

private:
    O* op_;
    const env* env_;
    [[no_unique_address]] task_ref awaiting_;
    continuation k_;
};

template <class A>
decltype(auto) awaiter_of(A&& awaitable) {
    if constexpr (requires { std::forward<A>(awaitable).operator co_await(); })
        return std::forward<A>(awaitable).operator co_await();
    else if constexpr (requires { operator co_await(std::forward<A>(awaitable)); })
        return operator co_await(std::forward<A>(awaitable));
    else
        return std::forward<A>(awaitable);
}

/// Forwards to the awaiter of another library, where that is: GCC 12 copies one that
/// `await_transform` returns by reference.
template <class A>
class foreign_awaiter {
public:
    foreign_awaiter(A&& awaitable, task_ref awaiting)
        : awaiter_(awaiter_of(std::forward<A>(awaitable))), awaiting_(awaiting) {}

    bool await_ready() { return awaiter_.await_ready(); }
    template <class P>
    decltype(auto) await_suspend(std::coroutine_handle<P> h) {
        awaiting_.suspend();
        return awaiter_.await_suspend(h);
    }
    decltype(auto) await_resume() {
        awaiting_.resume();
        return awaiter_.await_resume();
    }

private:
    decltype(awaiter_of(std::declval<A>())) awaiter_;  // a reference, if it was not made
    [[no_unique_address]] task_ref awaiting_;
};

struct env_awaiter {
    const env& value;
    static bool await_ready() noexcept { return true; }
    static void await_suspend(std::coroutine_handle<>) noexcept {}
    const env& await_resume() const noexcept { return value; }
};

/// What all coroutine promises of the library share: where the frame lives, who runs it, and how a
/// `co_await` inside it binds the operation to that.
class promise_base {
public:
    static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
    static void operator delete(void* frame, std::size_t size) noexcept {
        frame_pool::deallocate(frame, size);
    }

    task_record::first_suspend initial_suspend(
        const std::source_location& where = std::source_location::current()) noexcept {
        return record_.made_at(where);
    }

    template <operation O>
    op_awaiter<O> await_transform(
        O&& op, const std::source_location& where = std::source_location::current()) noexcept {
        static_assert(!std::is_lvalue_reference_v<O>,
                      "an operation is awaited once, as an rvalue: co_await std::move(x)");
        record_.await_at(where);
        return {op, *env_, &record_};
    }
    env_awaiter await_transform(this_env) noexcept { return {*env_}; }

    /// What other libraries have to await works too; it sees a plain coroutine handle.
    template <class A>
        requires(!operation<std::remove_cvref_t<A>>)
    foreign_awaiter<A> await_transform(
        A&& other, const std::source_location& where = std::source_location::current()) {
        record_.await_at(where);
        return {std::forward<A>(other), &record_};
    }

    void bind_to(const env& e, task_ref parent) noexcept {
        env_ = &e;
        record_.bind_to(e.owner->tasks(), parent);
    }

    const env* env_ = nullptr;
    [[no_unique_address]] task_record record_;
};

}  // namespace detail
}  // namespace copoll
