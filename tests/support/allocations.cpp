// SPDX-License-Identifier: MIT OR Apache-2.0
#include "support/allocations.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

#include <malloc.h>

namespace {

std::uint64_t count = 0;
std::uint64_t bytes = 0;
std::uint64_t bytes_in_use = 0;

void give_back(void* memory) noexcept {
    bytes_in_use -= malloc_usable_size(memory);
    std::free(memory);
}

}  // namespace

std::uint64_t copoll_tests::heap_allocations() noexcept { return count; }
std::uint64_t copoll_tests::heap_bytes() noexcept { return bytes; }
std::uint64_t copoll_tests::heap_bytes_in_use() noexcept { return bytes_in_use; }

void* operator new(std::size_t size) {
    ++count;
    bytes += size;
    void* const memory = std::malloc(size > 0 ? size : 1);
    if (!memory) std::abort();
    bytes_in_use += malloc_usable_size(memory);
    return memory;
}
void* operator new[](std::size_t size) { return ::operator new(size); }
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete[](void* memory) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { give_back(memory); }
