// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>

#include <copoll/buffer.hpp>

/// Memory for bytes on their way: what one stream or connection gives back the next one takes. So
/// those in use allocate nothing, and those that wait hold nothing.

namespace copoll::p2p::detail::spare_buffers {

/// An empty one, with whatever memory is to be had: for output, which is soon on its way.
buffer take() noexcept;
/// Takes the memory of one that is not needed any more, with what is in it.
void give_back(buffer& b) noexcept;

/// The same for one that is to be filled: if it has no memory, it gets some.
inline void provide(buffer& b) noexcept {
    if (b.capacity() == 0) b = take();
}

// What a peer sends may stay for long, so its memory is in proportion to it: after these calls at
// most four times of what is there, or 16 KiB.

/// Makes room for `n` bytes behind those in `b`, whose memory becomes no more than `most`.
/// Precondition: they fit into `most`, which is at least 512.
void make_room(buffer& b, std::size_t n, std::size_t most) noexcept;
/// Moves what is left after reading to less memory, if that is worth it.
void fit(buffer& b) noexcept;

}  // namespace copoll::p2p::detail::spare_buffers
