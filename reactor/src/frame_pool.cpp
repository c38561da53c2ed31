// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/detail/frame_pool.hpp>

#include <array>
#include <bit>
#include <new>

#include <copoll/detail/assert.hpp>

#if defined(__SANITIZE_ADDRESS__)
#define COPOLL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COPOLL_ASAN 1
#endif
#endif
#if defined(COPOLL_ASAN)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) (void)0
#define ASAN_UNPOISON_MEMORY_REGION(p, n) (void)0
#endif

namespace copoll::detail::frame_pool {
namespace {

struct free_frame {
    free_frame* next;
};

constexpr std::size_t granule = 16;
constexpr std::size_t small_classes = 1024 / granule;
constexpr std::size_t largest = 16 * 1024;
constexpr std::size_t classes = small_classes + 4;  // 2, 4, 8, 16 KiB

struct pool {
    std::array<free_frame*, classes> lists{};
    std::uint64_t misses = 0;
    std::uint64_t live = 0;
    std::uint32_t loops = 0;
};

#if defined(__wasm__)
constinit pool here;
#else
constinit thread_local pool here;
#endif

std::size_t class_of(std::size_t size) noexcept {
    if (size <= 1024) return (size + granule - 1) / granule - 1;
    return small_classes + static_cast<std::size_t>(std::bit_width((size - 1) / 1024)) - 1;
}

std::size_t size_of(std::size_t size_class) noexcept {
    if (size_class < small_classes) return (size_class + 1) * granule;
    return std::size_t{2048} << (size_class - small_classes);
}

}  // namespace

void* allocate(std::size_t size) {
    ++here.live;
    if (size <= largest) {
        const std::size_t c = class_of(size);
        if (free_frame* frame = here.lists[c]) {
            ASAN_UNPOISON_MEMORY_REGION(frame, size_of(c));
            here.lists[c] = frame->next;
            return frame;
        }
        size = size_of(c);
    }
    ++here.misses;
    return ::operator new(size);
}

void deallocate(void* frame, std::size_t size) noexcept {
    --here.live;
    if (size > largest) return ::operator delete(frame);
    const std::size_t c = class_of(size);
    here.lists[c] = ::new (frame) free_frame{here.lists[c]};
    ASAN_POISON_MEMORY_REGION(frame, size_of(c));
}

std::uint64_t misses() noexcept { return here.misses; }
std::uint64_t live() noexcept { return here.live; }

void retain() noexcept { ++here.loops; }

void release() noexcept {
    expects(here.loops > 0, "a loop ended that never began");
    if (--here.loops > 0) return;
    for (std::size_t c = 0; c < classes; ++c) {
        while (free_frame* frame = here.lists[c]) {
            ASAN_UNPOISON_MEMORY_REGION(frame, size_of(c));
            here.lists[c] = frame->next;
            ::operator delete(frame);
        }
    }
}

}  // namespace copoll::detail::frame_pool
