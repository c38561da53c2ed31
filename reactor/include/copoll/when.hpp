// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <copoll/detail/group.hpp>
#include <copoll/operation.hpp>

/// Several operations awaited together. All of them have ended when the group ends, whatever
/// happens: a loser is asked to stop, and waited for. Nothing that arrived is thrown away.
///
///     when_all(a, b)     every result, in a tuple
///     first_done(a, b)   which ended first, and every result
///     first_ok(a, b)     the first success; an error only if all fail

namespace copoll {

namespace detail {

template <class R>
using nonvoid = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

template <operation O>
nonvoid<result_of<O>> take_nonvoid(O& op) {
    if constexpr (std::is_void_v<result_of<O>>) {
        op.take();
        return {};
    } else {
        return op.take();
    }
}

template <group_policy Policy, operation... Os>
class tuple_group : group {
public:
    explicit tuple_group(Os... ops) noexcept
        : group(Policy), children_(group_child<Os>{std::move(ops)}...) {}

    void bind(const env& e) noexcept {
        const env& inner = bind_children(e);
        std::size_t index = 0;
        each([&](auto& child) { child.bind(*this, index++, inner); });
    }
    bool start() noexcept {
        starting();
        each([](auto& child) { child.start(); });
        return all_ended();
    }
    std::coroutine_handle<> suspend(continuation& k) noexcept {
        suspended(k);
        return nullptr;
    }

protected:
    auto take_all() {
        stop_node::unlink();
        return std::apply(
            [](auto&... child) {
                return std::tuple<nonvoid<result_of<Os>>...>{take_nonvoid(child.op())...};
            },
            children_);
    }
    std::error_code first_error() const noexcept { return std::get<0>(children_).error(); }
    using group::winner;
    std::tuple<group_child<Os>...> children_;

private:
    template <class F>
    void each(F f) noexcept {
        std::apply([&](auto&... child) { (f(child), ...); }, children_);
    }
};

template <group_policy Policy, operation O>
class range_group : group {
public:
    explicit range_group(std::vector<O> ops) : group(Policy) {
        children_.reserve(ops.size());
        for (O& op : ops) children_.emplace_back(std::move(op));
    }

    void bind(const env& e) noexcept {
        const env& inner = bind_children(e);
        for (std::size_t i = 0; i < children_.size(); ++i) children_[i].bind(*this, i, inner);
    }
    bool start() noexcept {
        starting();
        for (auto& child : children_) child.start();
        return all_ended();
    }
    std::coroutine_handle<> suspend(continuation& k) noexcept {
        suspended(k);
        return nullptr;
    }

protected:
    std::vector<nonvoid<result_of<O>>> take_all() {
        stop_node::unlink();
        std::vector<nonvoid<result_of<O>>> results;
        results.reserve(children_.size());
        for (auto& child : children_) results.push_back(take_nonvoid(child.op()));
        return results;
    }
    std::error_code first_error() const noexcept { return children_.front().error(); }
    using group::winner;
    std::vector<group_child<O>> children_;
};

template <class Group>
class when_all_op : public Group {
public:
    using Group::Group;
    auto take() { return this->take_all(); }
};

}  // namespace detail

/// What `first_done` gives: every operation has ended and has a result here; those after the first
/// are `canceled` unless they had something to report. `void` stands as `std::monostate`.
template <class Results>
struct first_done_result {
    std::size_t index;
    Results results;
};

namespace detail {

template <class Group>
class first_done_op : public Group {
public:
    using Group::Group;
    auto take() {
        const std::size_t index = this->winner();
        auto results = this->take_all();
        return first_done_result<decltype(results)>{index, std::move(results)};
    }
};

template <class R, class Group>
class first_ok_op : public Group {
public:
    using Group::Group;

    /// The winner's result; without one, the error of the operation named first.
    R take() {
        const std::size_t index = this->winner() == group::nobody ? 0 : this->winner();
        auto results = this->take_all();
        if constexpr (requires { results[0]; }) {
            return std::move(results[index]);
        } else {
            return pick<0>(results, index);
        }
    }
    std::error_code error() const noexcept {
        return this->winner() == group::nobody ? this->first_error() : std::error_code{};
    }

private:
    template <std::size_t I, class Results>
    static R pick(Results& results, std::size_t index) {
        if constexpr (I + 1 < std::tuple_size_v<Results>)
            if (index != I) return pick<I + 1>(results, index);
        return std::move(std::get<I>(results));
    }
};

}  // namespace detail

/// Awaits all; gives a tuple of their results in order (`std::monostate` for void). A failure stops
/// nobody. *Cancellation:* reaches every operation.
template <operation... Os>
    requires(sizeof...(Os) > 0)
[[nodiscard]] auto when_all(Os... ops) noexcept {
    using group = detail::tuple_group<detail::group_policy::wait_for_all, Os...>;
    return detail::when_all_op<group>{std::move(ops)...};
}

/// The same for any number of one kind; gives a vector. None: completes at once.
template <operation O>
[[nodiscard]] auto when_all(std::vector<O> ops) {
    using group = detail::range_group<detail::group_policy::wait_for_all, O>;
    return detail::when_all_op<group>{std::move(ops)};
}

/// Awaits until one ends, in whatever way, then asks the others to stop and joins them; gives
/// `first_done_result`.
template <operation... Os>
    requires(sizeof...(Os) > 0)
[[nodiscard]] auto first_done(Os... ops) noexcept {
    using group = detail::tuple_group<detail::group_policy::first_done, Os...>;
    return detail::first_done_op<group>{std::move(ops)...};
}

/// Precondition: not empty.
template <operation O>
[[nodiscard]] auto first_done(std::vector<O> ops) {
    detail::expects(!ops.empty(), "first_done of nothing");
    using group = detail::range_group<detail::group_policy::first_done, O>;
    return detail::first_done_op<group>{std::move(ops)};
}

/// Awaits until one succeeds, then asks the others to stop and joins them; gives its result. If all
/// fail: the result of the one named first. A later success is dropped (a connection is closed).
template <fallible_operation O, fallible_operation... Os>
    requires(std::same_as<result_of<O>, result_of<Os>> && ...)
[[nodiscard]] auto first_ok(O op, Os... ops) noexcept {
    using group = detail::tuple_group<detail::group_policy::first_ok, O, Os...>;
    return detail::first_ok_op<result_of<O>, group>{std::move(op), std::move(ops)...};
}

/// Precondition: not empty.
template <fallible_operation O>
[[nodiscard]] auto first_ok(std::vector<O> ops) {
    detail::expects(!ops.empty(), "first_ok of nothing");
    using group = detail::range_group<detail::group_policy::first_ok, O>;
    return detail::first_ok_op<result_of<O>, group>{std::move(ops)};
}

}  // namespace copoll
