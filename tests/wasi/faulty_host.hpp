// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <copoll/backend/host.hpp>

/// Stands between the library and the host: the linker's `--wrap` leads every import of the library
/// through faulty_host.cpp first. Counts the handles that are alive, and fails calls on demand the
/// way hosts are known to.

namespace copoll_tests {

namespace host = copoll::backend::host;

enum class resource_kind : std::uint8_t {
    pollable, input, output, socket, lookup, error, count_,
};

struct faulty_host {
    /// Handles that were made and not dropped yet.
    std::array<std::int64_t, static_cast<std::size_t>(resource_kind::count_)> alive{};

    // The fuse: calls that could fail are counted, and the one with this number does.
    std::uint64_t fallible_calls = 0;
    std::uint64_t fail_at = 0;  ///< 0: none
    host::socket_error socket_error = host::socket_error::unknown;
    host::stream_error stream_error = host::stream_error::closed;
    std::string_view debug_string = "";       ///< of the error of `last_operation_failed`
    std::string_view failed{};                ///< the call that failed

    // What is no failure and happens all the same.
    std::uint32_t empty_reads = 0;            ///< so many next reads or receives give an empty list
    std::uint32_t failed_accepts = 0;         ///< so many next accepts fail with `socket_error`
    std::uint32_t no_permits = 0;             ///< so many next check-writes or check-sends give 0
    std::uint64_t short_permit = 0;           ///< or check-writes this: jco has bytes in its queue
    std::uint32_t small_permits = 0;          ///< so many next check-sends give 1
    bool all_ready = false;                   ///< poll says that everything is ready
    bool resolver_answers = true;             ///< false: never, and its pollables are never ready

    std::uint32_t reads = 0;
    std::uint32_t check_writes = 0;
    std::uint32_t polls = 0;
    std::uint32_t lookups = 0;
    std::uint64_t polled = 0;                 ///< pollables in them, in all

    std::int64_t alive_of(resource_kind k) const { return alive[static_cast<std::size_t>(k)]; }
    std::int64_t all_alive() const {
        std::int64_t sum = 0;
        for (auto n : alive) sum += n;
        return sum;
    }
};

/// There is one host.
extern faulty_host the_host;

}  // namespace copoll_tests
