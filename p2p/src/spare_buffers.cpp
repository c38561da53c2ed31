// SPDX-License-Identifier: MIT OR Apache-2.0
#include "spare_buffers.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace copoll::p2p::detail::spare_buffers {
namespace {

/// So much is held for whatever is there.
constexpr std::size_t small = 16 * 1024;
/// More than this of memory is not kept.
constexpr std::size_t largest = 256 * 1024;

/// Spares of one size, so that one size does not keep out the other: at most 128 KiB of small ones
/// and 2 MiB of others.
struct shelf {
    std::array<buffer, 8> free;
    std::size_t count = 0;

    std::span<buffer> all() noexcept { return std::span(free).first(count); }
    void put(buffer b) noexcept {
        if (count < free.size()) free[count++] = std::move(b);
    }
    buffer take(buffer& chosen) noexcept {
        std::swap(chosen, free[--count]);
        return std::move(free[count]);
    }
};

struct spares {
    shelf small_ones, others;
};

#if defined(__wasm__)
spares here;
#else
thread_local spares here;
#endif

shelf& shelf_of(std::size_t capacity) noexcept {
    return capacity <= small ? here.small_ones : here.others;
}

/// An empty one with memory for `least` to `most` bytes: the smallest spare that is, or a new one.
buffer take(std::size_t least, std::size_t most) noexcept {
    for (shelf* const s : {&here.small_ones, &here.others}) {
        buffer* best = nullptr;
        for (buffer& b : s->all()) {
            const bool fits = b.capacity() >= least && b.capacity() <= most;
            if (fits && (!best || b.capacity() < best->capacity())) best = &b;
        }
        if (best) return s->take(*best);
    }
    buffer made;
    made.prepare(least);
    return made;
}

void move_to(buffer& b, buffer other) noexcept {
    other.append(std::as_const(b).data());
    give_back(b);
    b = std::move(other);
}

}  // namespace

buffer take() noexcept {
    for (shelf* const s : {&here.others, &here.small_ones})
        if (s->count > 0) return s->take(s->free[s->count - 1]);
    return buffer{};
}

void give_back(buffer& b) noexcept {
    buffer unused = std::move(b);
    if (unused.capacity() == 0 || unused.capacity() > largest) return;
    unused.clear();
    shelf_of(unused.capacity()).put(std::move(unused));
}

void make_room(buffer& b, std::size_t n, std::size_t most) noexcept {
    const std::size_t needed = b.size() + n;
    if (needed <= b.capacity()) return;
    const std::size_t least = std::max(needed, std::min(2 * b.capacity(), most));
    move_to(b, take(least, std::min(most, std::max(4 * needed, small))));
}

void fit(buffer& b) noexcept {
    if (b.capacity() <= small || b.size() >= b.capacity() / 4) return;
    move_to(b, take(2 * b.size(), std::max(4 * b.size(), small)));
}

}  // namespace copoll::p2p::detail::spare_buffers
