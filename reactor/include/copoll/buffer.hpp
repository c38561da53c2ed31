// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <copoll/detail/assert.hpp>

/// Bytes on their way: what came in and was not read yet, what is to go out.

namespace copoll {

/// The bytes of a text.
inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
    return std::as_bytes(std::span(text));
}

/// The text that bytes are; no check of any encoding.
inline std::string_view text_of(std::span<const std::byte> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A queue of bytes in one piece of memory: written at the back (`prepare` room, fill it, `commit`
/// what was filled), read at the front (`data`, `consume`).
///
/// Grows by doubling, up to `max_size`, and never shrinks: once it is as large as its traffic needs
/// it allocates no more. Room is made by moving the readable bytes to the front where that
/// suffices. The first `prepare` allocates; an empty buffer costs nothing.
class buffer {
public:
    static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max() / 2;

    buffer() noexcept = default;
    /// A buffer that never holds more than `max_size` bytes.
    explicit buffer(std::size_t max_size) noexcept : max_size_(std::min(max_size, unlimited)) {}
    /// Leaves `other` empty, with the limit it had.
    buffer(buffer&& other) noexcept : max_size_(other.max_size_) { swap(other); }
    buffer& operator=(buffer&& other) noexcept {
        buffer taken{std::move(other)};
        swap(taken);
        return *this;
    }

    std::size_t size() const noexcept { return end_ - begin_; }
    bool empty() const noexcept { return begin_ == end_; }
    /// Readable bytes that fit without another allocation.
    std::size_t capacity() const noexcept { return capacity_; }
    std::size_t max_size() const noexcept { return max_size_; }

    /// The readable bytes. Valid until the next `prepare` or `append`.
    std::span<const std::byte> data() const noexcept { return {memory_.get() + begin_, size()}; }
    std::span<std::byte> data() noexcept { return {memory_.get() + begin_, size()}; }
    /// The same as text.
    std::string_view text() const noexcept { return text_of(data()); }

    /// Room behind the readable bytes: `n` bytes, or as many as `max_size` leaves, which may be
    /// none. Valid until the next `prepare` or `append`. Nothing is readable before `commit`.
    std::span<std::byte> prepare(std::size_t n) noexcept {
        n = std::min(n, max_size_ - size());
        if (n > capacity_ - end_) make_room(n);
        return {memory_.get() + end_, n};
    }
    /// Makes the first `n` bytes of the room readable. Precondition: `prepare` gave that many.
    void commit(std::size_t n) noexcept {
        detail::expects(n <= capacity_ - end_, "buffer: commit of more than was prepared");
        end_ += n;
    }
    /// Drops the first `n` readable bytes; what `data` gave before stays where it is.
    /// Precondition: `n <= size()`.
    void consume(std::size_t n) noexcept {
        detail::expects(n <= size(), "buffer: consume of more than is there");
        begin_ += n;
        if (begin_ == end_) begin_ = end_ = 0;
    }
    void clear() noexcept { begin_ = end_ = 0; }

    /// Copies as much of `bytes` behind the readable ones as `max_size` allows; gives how much.
    /// `bytes` must not be part of this buffer.
    std::size_t append(std::span<const std::byte> bytes) noexcept {
        const std::span<std::byte> room = prepare(bytes.size());
        if (!room.empty()) std::memcpy(room.data(), bytes.data(), room.size());
        commit(room.size());
        return room.size();
    }

    void swap(buffer& other) noexcept {
        std::swap(memory_, other.memory_);
        std::swap(capacity_, other.capacity_);
        std::swap(begin_, other.begin_);
        std::swap(end_, other.end_);
        std::swap(max_size_, other.max_size_);
    }

private:
    static constexpr std::size_t smallest = 512;

    void make_room(std::size_t n) noexcept {
        const std::size_t kept = size();
        if (n <= capacity_ - kept) {
            std::memmove(memory_.get(), memory_.get() + begin_, kept);
        } else {
            const std::size_t wanted = std::max({kept + n, 2 * capacity_, smallest});
            capacity_ = std::min(wanted, max_size_);
            auto memory = std::make_unique_for_overwrite<std::byte[]>(capacity_);
            if (kept > 0) std::memcpy(memory.get(), memory_.get() + begin_, kept);
            memory_ = std::move(memory);
        }
        begin_ = 0;
        end_ = kept;
    }

    std::unique_ptr<std::byte[]> memory_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t max_size_ = unlimited;
};

}  // namespace copoll
