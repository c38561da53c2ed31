// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/detail/promise.hpp>
#include <copoll/detail/thrown.hpp>

/// `task<T>`: the coroutine everything is written as.
///
/// Lazy: nothing runs before it is awaited. Awaited once, as an rvalue. The awaiting coroutine
/// owns it, so a task never outlives the frame that its reference parameters point into. When it
/// is done its result is moved out and its frame destroyed before the next statement runs.
///
/// Not awaited it is destroyed without having run. A lambda that captures must not be a coroutine
/// (its captures die with the lambda); pass parameters instead.

namespace copoll {

template <class T = void>
class task;
template <fallible_operation O>
class check_op;  // check.hpp

namespace detail {

class task_promise_base : public promise_base {
public:
    struct final_awaiter {
        static bool await_ready() noexcept { return false; }
        template <class P>
        static loop::transfer_result await_suspend(std::coroutine_handle<P> h) noexcept {
            task_promise_base& self = h.promise();
            self.record_.end();
            loop& owner = *self.env_->owner;
            return owner.transfer(resolve(self.continuation_));
        }
        static void await_resume() noexcept {}
    };
    static final_awaiter final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { thrown_.catch_current(); }

    continuation* continuation_ = nullptr;
    [[no_unique_address]] thrown thrown_;
};

template <class T>
class task_promise : public task_promise_base {
public:
    task<T> get_return_object() noexcept;

    template <class U = T>
        requires std::constructible_from<T, U>
    void return_value(U&& value) {
        value_.emplace(std::forward<U>(value));
    }

    using task_promise_base::await_transform;
    /// `co_await check(x)` may end this coroutine instead of resuming it.
    template <class O>
    auto await_transform(
        check_op<O>&& op,
        const std::source_location& where = std::source_location::current()) noexcept;

    /// Ends the coroutine, suspended at its present await, with an error. Gives who comes next.
    continuation* leave(std::error_code ec) noexcept
        requires fallible<T>
    {
        value_.emplace(result_traits<T>::failure(ec));
        record_.end();
        return continuation_;
    }

    std::error_code error() const noexcept
        requires fallible<T>
    {
        return value_ ? result_traits<T>::error(*value_) : std::error_code{};
    }

    T take() {
        thrown_.rethrow();
        return *std::move(value_);
    }

private:
    std::optional<T> value_;
};

template <>
class task_promise<void> : public task_promise_base {
public:
    task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void take() const { thrown_.rethrow(); }
};

}  // namespace detail

template <class T>
class [[nodiscard]] task {
public:
    using promise_type = detail::task_promise<T>;
    using handle = std::coroutine_handle<promise_type>;

    task(task&& other) noexcept : h_(std::exchange(other.h_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        std::swap(h_, other.h_);
        return *this;
    }
    ~task() {
        if (h_) h_.destroy();
    }

    // The operation protocol.
    void bind(const env& e) noexcept {
        // not h_ != nullptr: GCC 12 then looks at the == of T, which need not compile
        detail::expects(static_cast<bool>(h_),
                        "awaited a task that was moved from or awaited before");
        h_.promise().bind_to(e, e.owner->tasks().running());
    }
    bool start() noexcept { return false; }
    std::coroutine_handle<> suspend(continuation& k) noexcept {
        h_.promise().continuation_ = &k;
        return h_;
    }
    T take() {
        const destroyer frame{std::exchange(h_, nullptr)};
        return frame.h.promise().take();
    }
    std::error_code error() const noexcept
        requires detail::fallible<T>
    {
        return h_.promise().error();
    }

private:
    friend promise_type;
    struct destroyer {
        handle h;
        ~destroyer() { h.destroy(); }
    };

    explicit task(handle h) noexcept : h_(h) {}
    handle h_;
};

template <class T>
task<T> detail::task_promise<T>::get_return_object() noexcept {
    return task<T>{task<T>::handle::from_promise(*this)};
}
inline task<void> detail::task_promise<void>::get_return_object() noexcept {
    return task<void>{task<void>::handle::from_promise(*this)};
}


}  // namespace copoll
