// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/chunk.hpp>

#include <new>

namespace copoll::detail {

chunk_pool::~chunk_pool() {
    expects(in_use_ == 0, "a chunk outlives its loop");
    while (free_) ::operator delete(std::exchange(free_, free_->next));
}

chunk chunk_pool::take() {
    ++in_use_;
    if (free_) {
        --free_count_;
        return {*this, reinterpret_cast<std::byte*>(std::exchange(free_, free_->next))};
    }
    ++allocations_;
    return {*this, static_cast<std::byte*>(::operator new(chunk::capacity))};
}

void chunk_pool::give_back(std::byte* data) noexcept {
    --in_use_;
    if (free_count_ == most_free) return ::operator delete(data);
    ++free_count_;
    free_ = new (data) free_chunk{free_};
}

}  // namespace copoll::detail
