// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <copoll/check.hpp>
#include <copoll/detail/thrown.hpp>
#include <copoll/task.hpp>

/// Structured concurrency: a task that runs beside another one belongs to a scope, and a scope ends
/// only when all its tasks have. So a child may refer to whatever outlives the scope. Locals of the
/// scope's body do not: the body may end before its children, by an error for one.

namespace copoll {

/// What the failure of one child means to the others.
enum class child_failure : std::uint8_t {
    keep_going,  ///< nothing: a server outlives a bad connection. See `scope::first_error`.
    stop_all,    ///< stop is requested of the others and the body; `with_scope` gives the error.
};

namespace detail {
class spawned;
template <class T>
class body_op;
}  // namespace detail

/// A group of child tasks, made by `with_scope`. Children see a stop token that follows the one of
/// the task that made the scope.
class scope : detail::stop_node {
public:
    scope(const env& parent, child_failure policy) noexcept
        : policy_(policy), task_(parent.owner->tasks().running()) {
        env_.owner = parent.owner;
        env_.stop = source_.get_token();
        link(parent.stop, [](stop_node& n) noexcept { static_cast<scope&>(n).request_stop(); });
    }
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope() { detail::expects(live_ == 0, "scope destroyed before its children ended"); }

    /// Runs `f(args...)`, a task, beside the caller; it starts in the loop's next turn. `f` and the
    /// arguments are moved or copied into the child's own frame, so a capturing lambda is safe.
    /// Pass `std::ref(x)` for a reference to something that outlives the scope.
    template <class F, class... Args>
        requires std::invocable<F, Args...>
    void spawn(F f, Args... args);
    template <class T>
    void spawn(task<T> child);

    /// Asks all children, and the body, to stop.
    void request_stop() noexcept { source_.request_stop(); }
    stop_token get_token() noexcept { return source_.get_token(); }

    std::size_t live() const noexcept { return live_; }      ///< children that have not ended
    std::size_t failed() const noexcept { return failed_; }  ///< children that ended with an error
    /// Of the first child that failed; `canceled` does not count once stop was requested.
    std::error_code first_error() const noexcept { return first_error_; }

private:
    friend class detail::spawned;
    template <class>
    friend class detail::body_op;

    void child_failed(std::error_code ec) noexcept {
        if (ec == errc::canceled && source_.stop_requested()) return;
        ++failed_;
        if (!first_error_) first_error_ = ec;
        if (policy_ == child_failure::stop_all) request_stop();
    }
    void child_ended() noexcept {
        if (--live_ == 0 && joiner_) env_.owner->post(*std::exchange(joiner_, nullptr));
    }

    env env_;
    stop_source source_;
    std::size_t live_ = 0;
    std::size_t failed_ = 0;
    std::error_code first_error_;
    continuation* joiner_ = nullptr;
    child_failure policy_;
    [[no_unique_address]] detail::task_ref task_;  // that it was made in
    [[no_unique_address]] detail::thrown thrown_;

public:
    class join_op {
    public:
        explicit join_op(scope& s) noexcept : s_(&s) {}
        void bind(const env&) noexcept {}
        bool start() noexcept { return s_->live_ == 0; }
        std::coroutine_handle<> suspend(continuation& k) noexcept {
            s_->joiner_ = &k;
            return nullptr;
        }
        void take() { s_->thrown_.rethrow(); }

    private:
        scope* s_;
    };
    /// Waits for the children. Not cancellable: what is asked to stop is the children.
    [[nodiscard]] join_op join() noexcept { return join_op{*this}; }
};

namespace detail {

/// The frame of a child: holds the function and its arguments, tells the scope, destroys itself.
class spawned {
public:
    class promise_type : public promise_base, public continuation {
    public:
        template <class... Args>
        explicit promise_type(scope& s, Args&&...) noexcept : scope_(s) {
            bind_to(s.env_, s.task_);
            record_.hide();
            handle = std::coroutine_handle<promise_type>::from_promise(*this);
            ++s.live_;
            s.env_.owner->post(*this);
        }
        ~promise_type() { scope_.child_ended(); }

        spawned get_return_object() const noexcept { return {}; }
        std::suspend_never final_suspend() noexcept {
            record_.end();
            return {};
        }
        void return_void() const noexcept {}
        void unhandled_exception() noexcept {
            if (!scope_.thrown_) scope_.thrown_.catch_current();
            scope_.request_stop();
        }

    private:
        scope& scope_;
    };

    template <class F, class... Args>
    static spawned call(scope& s, F f, Args... args) {
        using child = std::invoke_result_t<F, Args...>;
        if constexpr (fallible<result_of<child>>) {
            const auto r = co_await std::invoke(std::move(f), std::move(args)...);
            if (auto ec = result_traits<result_of<child>>::error(r)) s.child_failed(ec);
        } else {
            co_await std::invoke(std::move(f), std::move(args)...);
        }
    }
};

/// The body of a scope, awaited with the scope's env. What it throws waits in the scope until the
/// children have been joined; then it has no result.
template <class T>
class body_op {
    using result_type = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

public:
    body_op(task<T> t, scope& s) noexcept : t_(std::move(t)), s_(&s) {}
    void bind(const env&) noexcept { t_.bind(s_->env_); }
    bool start() noexcept { return t_.start(); }
    std::coroutine_handle<> suspend(continuation& k) noexcept { return t_.suspend(k); }
    std::optional<result_type> take() noexcept {
        std::optional<result_type> r;
        s_->thrown_.guard([&] {
            if constexpr (std::is_void_v<T>) {
                t_.take();
                r.emplace();
            } else {
                r.emplace(t_.take());
            }
        });
        return r;
    }

private:
    task<T> t_;
    scope* s_;
};

template <class T, class F, class... Args>
task<T> run_scope(child_failure policy, F f, Args... args) {
    const env& outer = co_await this_env{};
    outer.owner->tasks().running().hide();
    scope s{outer, policy};
    auto r = co_await body_op<T>{std::invoke(std::move(f), s, static_cast<Args&&>(args)...), s};
    if (!r) s.request_stop();
    if constexpr (fallible<T>) {
        if (r && result_traits<T>::error(*r)) s.request_stop();
    }
    co_await s.join();  // does not return if anything was thrown
    if constexpr (fallible<T>) {
        const bool propagate = policy == child_failure::stop_all && s.first_error();
        const std::error_code own = result_traits<T>::error(*r);
        if (propagate && (!own || own == errc::canceled))
            co_return result_traits<T>::failure(s.first_error());
    }
    if constexpr (!std::is_void_v<T>) co_return *std::move(r);
}

}  // namespace detail

template <class F, class... Args>
    requires std::invocable<F, Args...>
void scope::spawn(F f, Args... args) {
    detail::spawned::call(*this, std::move(f), std::move(args)...);
}

template <class T>
void scope::spawn(task<T> child) {
    detail::spawned::call(*this, [](task<T> t) { return t; }, std::move(child));
}

/// `co_await with_scope(f, args...)` runs `f(scope&, args...)`, a task, and then waits for every
/// child that was spawned in the scope; gives what `f` gave. If `f` ends with an error the children
/// are asked to stop first. An lvalue argument is passed by reference, an rvalue is kept.
/// *Cancellation:* reaches `f` and the children; the scope ends when they have.
template <class F, class... Args>
auto with_scope(child_failure policy, F f, Args&&... args) {
    using body = std::invoke_result_t<F, scope&, Args...>;
    return detail::run_scope<result_of<body>, F, Args...>(policy, std::move(f),
                                                          std::forward<Args>(args)...);
}

template <class F, class... Args>
    requires std::invocable<F, scope&, Args...>
auto with_scope(F f, Args&&... args) {
    return with_scope(child_failure::keep_going, std::move(f), std::forward<Args>(args)...);
}

}  // namespace copoll
