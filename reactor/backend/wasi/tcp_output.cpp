// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/tcp_output.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include <copoll/chunk.hpp>

namespace copoll::backend {
inline namespace wasi {
namespace {

/// Free blocks of one size. They are kept: the memory of a component never shrinks.
template <std::size_t Size>
class block_pool {
public:
    void* take() {
        if (!free_) {
            ++allocations_;
            return ::operator new(Size);
        }
        return std::exchange(free_, free_->next);
    }
    void give_back(void* block) noexcept { free_ = new (block) free_block{free_}; }
    std::uint64_t allocations() const noexcept { return allocations_; }

private:
    struct free_block {
        free_block* next;
    };
    free_block* free_ = nullptr;
    std::uint64_t allocations_ = 0;
};

constexpr std::size_t small_block = 4 * 1024;

constinit block_pool<sizeof(tcp_output)> outputs;
constinit block_pool<small_block> small_blocks;

}  // namespace

std::uint64_t tcp_output::allocations() noexcept {
    return outputs.allocations() + small_blocks.allocations();
}

void* tcp_output::operator new(std::size_t) { return outputs.take(); }
void tcp_output::operator delete(void* memory) noexcept { outputs.give_back(memory); }

// --- what is held

std::size_t tcp_output::held_bytes::append(std::span<const std::byte> bytes,
                                           context& io) noexcept {
    if (bytes.size() > capacity_ - end_) make_room(bytes.size(), io);
    const std::size_t n = std::min<std::size_t>(bytes.size(), capacity_ - end_);
    if (n > 0) std::memcpy(at_ + end_, bytes.data(), n);
    end_ += static_cast<std::uint32_t>(n);
    return n;
}

void tcp_output::held_bytes::make_room(std::size_t wanted, context& io) noexcept {
    const std::uint32_t size = end_ - begin_;
    if (capacity_ == 0 && wanted <= small_block) {
        at_ = static_cast<std::byte*>(small_blocks.take());
        capacity_ = small_block;
    } else if (capacity_ < chunk::capacity && wanted > capacity_ - size) {
        chunk larger = io.chunks().take();
        if (size > 0) std::memcpy(larger.data(), at_ + begin_, size);
        clear();
        large_ = std::move(larger);
        at_ = large_.data();
        capacity_ = chunk::capacity;
    } else if (begin_ > 0) {
        std::memmove(at_, at_ + begin_, size);
    }
    begin_ = 0;
    end_ = size;
}

void tcp_output::held_bytes::consume(std::size_t n) noexcept {
    begin_ += static_cast<std::uint32_t>(n);
    if (empty()) clear();
}

void tcp_output::held_bytes::clear() noexcept {
    if (large_.data())
        large_ = {};
    else if (at_)
        small_blocks.give_back(at_);
    at_ = nullptr;
    begin_ = end_ = capacity_ = 0;
}

// --- sending

bool tcp_output::try_write(std::span<const std::byte> bytes, io_result& result) noexcept {
    result = {error_, 0};
    if (error_) return true;
    if (held_.empty() && bytes.size() >= chunk::capacity) {  // as much as a host takes at once
        if (stream_.try_write(bytes, result)) return true;
        return io_->yielded_to_host() && stream_.try_write(bytes, result);
    }
    result.n = held_.append(bytes, *io_);
    if (result.n == 0) {
        if (!send() && held_.data().size() == chunk::capacity) return false;
        result = {error_, error_ ? 0 : held_.append(bytes, *io_)};
    }
    if (!held_.empty() && !armed()) io_->report_at_turn_end(*this);
    return true;
}

bool tcp_output::send() noexcept {
    while (!held_.empty()) {
        io_result r;
        if (!stream_.try_write(held_.data(), r) &&
            !(io_->yielded_to_host() && stream_.try_write(held_.data(), r)))
            return false;
        held_.consume(r.n);
        if (r.ec) {
            error_ = r.ec;
            if (error_ == errc::closed) error_ = errc::connection_reset;  // the peer is gone: EPIPE
            held_.clear();
        }
    }
    return true;
}

void tcp_output::send_again() noexcept {
    if (io_->has_given_up()) return discard();
    const std::size_t before = held_.data().size();
    if (send()) return stop_waiting();
    if (polled_ && held_.data().size() == before) return io_->found_nothing(*this);
    stop_waiting();
    polled_ = true;
    ++io_->lingering_;
    io_->arm(*this, pollable());
}

void tcp_output::stop_waiting() noexcept {
    if (!armed()) return;
    if (std::exchange(polled_, false)) --io_->lingering_;
    io_->disarm(*this);
}

bool tcp_output::settled() noexcept { return send() && stream_.settled(); }

}  // namespace wasi
}  // namespace copoll::backend
