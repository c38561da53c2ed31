// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <copoll/backend/context.hpp>
#include <copoll/clock.hpp>
#include <copoll/loop_options.hpp>

namespace copoll {
class loop;

namespace detail {

/// The seam, first half: what the loop asks of a backend. The second half is the operations, see
/// `backend_operation` in io_op.hpp; tcp.hpp and stdio.hpp name the ones there must be.
///
/// Chosen by the include path when building: each backend has the same headers in
/// `<copoll/backend/...>`, in an inline namespace of its own so that mixing two does not link.
template <class C>
concept backend_context =
    std::constructible_from<C, loop&, const polling_options&> &&
    requires(C& c, const C& k, clock::time_point t, std::optional<clock::time_point> deadline) {
        /// Blocks until an operation completed or `deadline` passed, and posts what completed.
        c.wait(deadline);
        /// The same without blocking.
        c.look();
        /// The tasks of a turn have run: what was collected meanwhile goes out.
        c.end_turn();
        /// No operation is armed: `wait` without a deadline would never return.
        { k.idle() } -> std::same_as<bool>;
        /// Operations that are armed.
        { k.waiters() } -> std::same_as<std::size_t>;
        /// The program ends: gives closed sockets until `t` to deliver.
        c.finish(t);
        { k.waits() } -> std::same_as<std::uint64_t>;
        { k.host_calls() } -> std::same_as<std::uint64_t>;
        { k.allocations() } -> std::same_as<std::uint64_t>;
    };

static_assert(backend_context<backend::context>);

}  // namespace detail
}  // namespace copoll
