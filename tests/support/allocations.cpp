// SPDX-License-Identifier: MIT OR Apache-2.0
#include "support/allocations.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {
std::uint64_t count = 0;
std::uint64_t bytes = 0;
}

std::uint64_t copoll_tests::heap_allocations() noexcept { return count; }
std::uint64_t copoll_tests::heap_bytes() noexcept { return bytes; }

void* operator new(std::size_t size) {
    ++count;
    bytes += size;
    if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
    std::abort();
}
void* operator new[](std::size_t size) { return ::operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
