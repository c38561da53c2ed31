// SPDX-License-Identifier: MIT OR Apache-2.0
#include "spare_buffers.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace copoll::p2p::detail::spare_buffers {
namespace {

/// More than this of memory is not kept: at most 2 MiB in all.
constexpr std::size_t largest = 256 * 1024;

struct spares {
    std::array<buffer, 8> free;
    std::size_t count = 0;
};

#if defined(__wasm__)
spares here;
#else
thread_local spares here;
#endif

}  // namespace

buffer take() noexcept {
    if (here.count == 0) return buffer{};
    return std::move(here.free[--here.count]);
}

void give_back(buffer& b) noexcept {
    buffer unused = std::move(b);
    const bool is_kept =
        unused.capacity() > 0 && unused.capacity() <= largest && here.count < here.free.size();
    if (!is_kept) return;
    unused.clear();
    here.free[here.count++] = std::move(unused);
}

}  // namespace copoll::p2p::detail::spare_buffers
