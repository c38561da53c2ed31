// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <concepts>
#include <coroutine>
#include <system_error>
#include <type_traits>

#include <copoll/detail/config.hpp>
#include <copoll/result.hpp>
#include <copoll/stop.hpp>

/// The protocol that everything awaitable in copoll follows, from a socket read to `when_all`.
///
///     bind(env)     who awaits: the loop and the stop token. Before bind the object may move.
///     start()       tries now. True: the result is there, nobody suspends.
///     suspend(k)    only after start() said false, and right after: what start() saw still holds.
///                   Completes later through `k`. Returns a coroutine to run next, or null. May
///                   have completed `k` by posting it already.
///     take()        the result, once.
///     error()       a look at the result before take(), where the result can be an error.
///
/// An operation that was suspended always completes; a stop request only makes it hurry. So
/// nothing is ever abandoned in flight, and a result that arrived is never thrown away:
/// completion beats cancellation.

namespace copoll {

class loop;

/// What travels down at each `co_await`, by pointer, before the operation starts.
struct env {
    loop* owner = nullptr;
    stop_token stop{};
};

/// Where an operation goes on when it is done. Lives in the awaiter; nobody allocates it.
struct continuation {
    continuation() noexcept = default;
    explicit continuation(continuation* (*f)(continuation&) noexcept) noexcept : redirect(f) {}

    std::coroutine_handle<> handle{};
    /// Asked, when set, for the continuation to take instead; null when there is none (yet).
    continuation* (*redirect)(continuation&) noexcept = nullptr;
    continuation* next = nullptr;  ///< link of the ready queue
};

/// The coroutine to resume now that `k` is due; null if none is.
inline std::coroutine_handle<> resolve(continuation* k) noexcept {
    while (k && k->redirect) k = k->redirect(*k);
    return k ? k->handle : nullptr;
}

template <class O>
concept operation = std::move_constructible<O> &&
                    requires(O& o, const env& e, continuation& k) {
                        { o.bind(e) } noexcept;
                        { o.start() } noexcept -> std::same_as<bool>;
                        { o.suspend(k) } noexcept -> std::same_as<std::coroutine_handle<>>;
                        o.take();
                    };

/// The type of what a completed operation gives.
template <operation O>
using result_of = decltype(std::declval<O&>().take());

/// An operation whose result can be an error that may be looked at before it is taken.
template <class O>
concept fallible_operation =
    operation<O> && detail::fallible<result_of<O>> && requires(const O& o) {
        { o.error() } noexcept -> std::same_as<std::error_code>;
    };

}  // namespace copoll
