// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

/// Memory of coroutine frames: freelists by size class, so that a steady state allocates nothing.
/// Classes are multiples of 16 bytes up to 1 KiB, then powers of two up to 16 KiB; larger frames go
/// to the heap. One pool a thread, shared by the loops of that thread; the last one empties it.
namespace copoll::detail::frame_pool {

[[nodiscard]] void* allocate(std::size_t size);
void deallocate(void* frame, std::size_t size) noexcept;

/// Frames that had to come from the heap since the thread started.
std::uint64_t misses() noexcept;
/// Frames alive now.
std::uint64_t live() noexcept;

void retain() noexcept;   ///< a loop begins
void release() noexcept;  ///< a loop ends; the last one gives cached frames back

}  // namespace copoll::detail::frame_pool
