// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/buffer.hpp>

/// Memory for bytes on their way: what one stream or connection gives back the next one takes. So
/// those in use allocate nothing, and those that wait hold nothing.

namespace copoll::p2p::detail::spare_buffers {

/// An empty one, with whatever memory is to be had.
buffer take() noexcept;
/// Takes the memory of one that is not needed any more, with what is in it.
void give_back(buffer& b) noexcept;

/// The same for one that is to be filled: if it has no memory, it gets some.
inline void provide(buffer& b) noexcept {
    if (b.capacity() == 0) b = take();
}

}  // namespace copoll::p2p::detail::spare_buffers
