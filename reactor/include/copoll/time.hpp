// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include <copoll/loop.hpp>
#include <copoll/operation.hpp>
#include <copoll/stop.hpp>

/// Timers and deadlines. Hosts wake with a granularity of about a millisecond; a timer never fires
/// early, and all timers of a loop share one host timer.

namespace copoll {

namespace detail {

/// `d` after `t`, or the end of time if that is earlier: the longest duration means for ever.
constexpr clock::time_point after(clock::time_point t, clock::duration d) noexcept {
    return d > clock::time_point::max() - t ? clock::time_point::max() : t + d;
}

class sleep_op : stop_node, timer_node {
public:
    explicit sleep_op(clock::time_point until) noexcept : until_(until) {}

    void bind(const env& e) noexcept { env_ = &e; }

    bool start() noexcept {
        if (!env_->stop.stop_requested()) return false;  // even one that is due lets others run
        result_ = fail(errc::canceled);
        return env_->owner->spend_budget();
    }

    std::coroutine_handle<> suspend(continuation& k) noexcept {
        if (!result_) {
            env_->owner->post(k);
            return nullptr;
        }
        k_ = &k;
        fire = [](timer_node& t) noexcept {
            auto& self = static_cast<sleep_op&>(t);
            self.env_->owner->post(*self.k_);
        };
        env_->owner->set_timer(*this, until_);
        link(env_->stop, [](stop_node& n) noexcept { static_cast<sleep_op&>(n).cancel(); });
        return nullptr;
    }

    result<void> take() {
        unlink();
        return result_;
    }
    std::error_code error() const noexcept {
        return result_ ? std::error_code{} : result_.error();
    }

private:
    void cancel() noexcept {
        if (!set()) return;  // it has fired
        env_->owner->cancel_timer(*this);
        result_ = fail(errc::canceled);
        env_->owner->post(*k_);
    }

    clock::time_point until_;
    const env* env_ = nullptr;
    continuation* k_ = nullptr;
    result<void> result_{};
};

/// Asks the operation inside to stop when time is up. The result is always that operation's own.
template <fallible_operation O>
class [[nodiscard]] deadline_op : stop_node, timer_node, continuation {
    using result_type = result_of<O>;
    using traits = result_traits<result_type>;

public:
    deadline_op(O op, clock::time_point at) noexcept : at_(at), op_(std::move(op)) {}
    deadline_op(O op, clock::duration after) noexcept : after_(after), op_(std::move(op)) {}
    deadline_op(deadline_op&& other) noexcept(std::is_nothrow_move_constructible_v<O>)
        : at_(other.at_), after_(other.after_), op_(std::move(other.op_)) {}
    ~deadline_op() { disarm(); }

    void bind(const env& e) noexcept {
        outer_ = &e;
        inner_.owner = e.owner;
        inner_.stop = source_.get_token();
        op_.bind(inner_);
    }

    bool start() noexcept {
        if (outer_->stop.stop_requested()) source_.request_stop();
        return op_.start();
    }

    std::coroutine_handle<> suspend(continuation& k) noexcept {
        k_ = &k;
        redirect = [](continuation& ended) noexcept -> continuation* {
            auto& self = static_cast<deadline_op&>(ended);
            self.disarm();  // a deadline that passes before take() is not the cause
            return self.k_;
        };
        link(outer_->stop, [](stop_node& n) noexcept {
            static_cast<deadline_op&>(n).source_.request_stop();
        });
        fire = [](timer_node& t) noexcept {
            auto& self = static_cast<deadline_op&>(t);
            self.fired_ = !self.source_.stop_requested();
            self.source_.request_stop();
        };
        loop& owner = *inner_.owner;
        owner.set_timer(*this, after_ ? after(owner.turn_time(), *after_) : at_);
        return op_.suspend(*this);
    }

    result_type take() {
        if (!fired_) return op_.take();
        result_type r = op_.take();
        if (traits::error(r) != make_error_code(errc::canceled)) return r;
        if constexpr (requires { r.n; }) {
            r.ec = errc::timed_out;
            return r;
        } else {
            return traits::failure(errc::timed_out);
        }
    }
    std::error_code error() const noexcept {
        const std::error_code ec = op_.error();
        return fired_ && ec == errc::canceled ? make_error_code(errc::timed_out) : ec;
    }

private:
    void disarm() noexcept {
        unlink();
        if (set()) inner_.owner->cancel_timer(*this);
    }

    clock::time_point at_{};
    std::optional<clock::duration> after_;
    const env* outer_ = nullptr;
    continuation* k_ = nullptr;
    stop_source source_;
    env inner_;
    bool fired_ = false;
    O op_;  // last: it stands in source_'s list
};

}  // namespace detail

/// Completes at `until`, a time point of `copoll::clock`; gives `result<void>`.
/// *Cancellation:* `canceled`.
[[nodiscard]] inline detail::sleep_op sleep_until(clock::time_point until) noexcept {
    return detail::sleep_op{until};
}

/// Completes `d` after the call, not earlier.
[[nodiscard]] inline detail::sleep_op sleep_for(clock::duration d) noexcept {
    return sleep_until(detail::after(clock::now(), d));
}

/// `co_await with_deadline(op, tp)`: asks `op` to stop at `tp` and gives what it gives. Its
/// `canceled` becomes `timed_out` if the deadline was the cause, so bytes that arrived together
/// with the deadline are reported, not lost. `op` is a task or operation that can report an error.
template <fallible_operation O>
[[nodiscard]] detail::deadline_op<O> with_deadline(O op, clock::time_point at) noexcept {
    return {std::move(op), at};
}

/// The same, `d` after it is awaited. The time is that of the loop's turn: one clock call a turn
/// serves all timeouts, and one may end early by as long as the turn has run.
template <fallible_operation O>
[[nodiscard]] detail::deadline_op<O> with_timeout(O op, clock::duration d) noexcept {
    return {std::move(op), d};
}

}  // namespace copoll
