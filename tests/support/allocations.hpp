// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstdint>

namespace copoll_tests {

/// Counts the calls of `operator new` in a program that is built with support/allocations.cpp.
std::uint64_t heap_allocations() noexcept;

}  // namespace copoll_tests
