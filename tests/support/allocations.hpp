// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>

#include <copoll/loop.hpp>

namespace copoll_tests {

/// Counts the calls of `operator new` in a program that is built with support/allocations.cpp.
std::uint64_t heap_allocations() noexcept;
/// The bytes that they asked for, whatever was given back since.
std::uint64_t heap_bytes() noexcept;
/// The bytes that they were given and that were not given back.
std::uint64_t heap_bytes_in_use() noexcept;

/// All that a loop has to do with: what it counts itself, and `operator new` but for that of the
/// simulated network.
inline std::uint64_t allocations_by(const copoll::loop& owner) noexcept {
#if __has_include(<copoll/backend/sim.hpp>)
    return owner.stats().allocations;
#else
    return owner.stats().allocations + heap_allocations();
#endif
}

}  // namespace copoll_tests
