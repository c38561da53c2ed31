// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <copoll/detail/assert.hpp>
#include <copoll/result.hpp>

namespace copoll {

namespace detail {
class chunk_pool;
}

/// Bytes that were read, in memory of the loop's pool, which gets it back when the chunk is
/// destroyed. A span of bytes in use; may be written to. Must not outlive the loop.
class chunk {
public:
    /// Most bytes in one.
    static constexpr std::size_t capacity = 64 * 1024;

    chunk() noexcept = default;
    chunk(chunk&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)) {}
    chunk& operator=(chunk&& other) noexcept {
        chunk old{std::move(other)};
        std::swap(pool_, old.pool_);
        std::swap(data_, old.data_);
        std::swap(size_, old.size_);
        return *this;
    }
    ~chunk();

    std::byte* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    std::byte* begin() const noexcept { return data_; }
    std::byte* end() const noexcept { return data_ + size_; }

    /// Keeps the first `n` bytes. Precondition: n <= size().
    void truncate(std::size_t n) noexcept {
        detail::expects(n <= size_, "chunk: truncated to more than it holds");
        size_ = n;
    }

private:
    friend class detail::chunk_pool;
    chunk(detail::chunk_pool& pool, std::byte* data) noexcept
        : pool_(&pool), data_(data), size_(capacity) {}

    detail::chunk_pool* pool_ = nullptr;
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

namespace detail {

/// The free chunks of a loop. The one that was used last is used next: it is still in the cache.
class chunk_pool {
public:
    chunk_pool() noexcept = default;
    chunk_pool(const chunk_pool&) = delete;
    chunk_pool& operator=(const chunk_pool&) = delete;
    ~chunk_pool();

    /// A full-sized one, with whatever bytes are in it.
    chunk take();
    std::uint64_t allocations() const noexcept { return allocations_; }

private:
    friend class copoll::chunk;
    /// More stay free than this only while they are in use.
    static constexpr std::uint32_t most_free = 16;
    struct free_chunk {
        free_chunk* next;
    };
    void give_back(std::byte* data) noexcept;

    free_chunk* free_ = nullptr;
    std::uint32_t free_count_ = 0;
    std::uint32_t in_use_ = 0;
    std::uint64_t allocations_ = 0;
};

/// For the backends: reads with `try_read(span, io_result&)` into a chunk that is taken for the
/// try. False, and no chunk, when that says false.
template <class Try>
bool fill_chunk(chunk_pool& pool, result<chunk>& into, Try try_read) {
    chunk c = pool.take();
    io_result r;
    if (!try_read(std::span<std::byte>(c), r)) return false;
    if (r.ec) {
        into = fail(r.ec);
        return true;
    }
    c.truncate(r.n);
    into = std::move(c);
    return true;
}

}  // namespace detail

inline chunk::~chunk() {
    if (data_) pool_->give_back(data_);
}

}  // namespace copoll
