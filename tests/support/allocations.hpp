// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

/// `heap_allocations()` counts the calls of `operator new` in a program that includes this.

namespace copoll_tests {

inline std::uint64_t heap_allocation_count = 0;
inline std::uint64_t heap_allocations() noexcept { return heap_allocation_count; }

}  // namespace copoll_tests

// Replacements must not be inline; weak ones may be defined in each file that includes this.
[[gnu::weak]] void* operator new(std::size_t size) {
    ++copoll_tests::heap_allocation_count;
    if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
    std::abort();
}
[[gnu::weak]] void* operator new[](std::size_t size) { return ::operator new(size); }
[[gnu::weak]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::weak]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::weak]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::weak]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
