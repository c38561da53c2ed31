// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <new>
#include <system_error>
#include <type_traits>

#include <copoll/backend/context.hpp>
#include <copoll/detail/intrusive_list.hpp>

#include "reactor.hpp"

namespace copoll::backend {
inline namespace asio {

/// The memory of a descriptor that is done with, for the next: a server that accepts and closes
/// does not go to the heap for it.
struct spare {
    spare* next;
};

/// A file descriptor, who waits for it, and the memory of Asio's handlers: at most one wait each
/// way is under way in Asio, shared by all who wait that way.
///
/// Canceling leaves Asio's wait alone. It is there for who waits next, or finds nobody. So a cancel
/// costs nothing, and completes at once. The descriptor lives until its last handler is gone, which
/// is a turn later than it was closed.
class descriptor {
public:
    static descriptor* create(context& io) noexcept;
    std::error_code adopt(int fd) noexcept;
    void close() noexcept;

    void watch(waiter& w, readiness r) noexcept;

    void retain() noexcept { ++references_; }
    void release() noexcept;

private:
    class handler;
    template <class T>
    class memory;

    struct way {
        detail::intrusive_list<waiter> waiting;
        bool watched = false;  // Asio has a handler, in `storage`
        bool stored = false;
        alignas(std::max_align_t) std::byte storage[192];
    };

    explicit descriptor(context& io) noexcept;
    ~descriptor() = default;
    void ask(readiness r) noexcept;
    void answered(readiness r) noexcept;

    way& to(readiness r) noexcept { return ways_[static_cast<std::size_t>(r)]; }

    context& io_;
    unsigned references_ = 1;
    way ways_[2];
    ::asio::posix::basic_stream_descriptor<executor> fd_;
};

/// An allocator for one handler at a time, in its descriptor. Asio gives the memory back before it
/// calls the handler.
template <class T>
class descriptor::memory {
public:
    using value_type = T;
    memory(descriptor& d, readiness r) noexcept : d_(&d), r_(r) {}
    template <class U>
    memory(const memory<U>& other) noexcept : d_(other.d_), r_(other.r_) {}

    T* allocate(std::size_t n);
    void deallocate(T* p, std::size_t) noexcept;

    template <class U>
    bool operator==(const memory<U>& other) const noexcept {
        return d_ == other.d_ && r_ == other.r_;
    }

private:
    template <class>
    friend class memory;
    descriptor* d_;
    readiness r_;
};

/// What Asio calls: keeps the descriptor alive until then.
class descriptor::handler {
public:
    using allocator_type = memory<void>;

    handler(descriptor& d, readiness r) noexcept : d_(&d), r_(r) { d_->retain(); }
    handler(handler&& other) noexcept : d_(std::exchange(other.d_, nullptr)), r_(other.r_) {}
    handler(const handler&) = delete;
    handler& operator=(handler&&) = delete;
    ~handler() {
        if (d_) d_->release();
    }

    void operator()(std::error_code) const noexcept { d_->answered(r_); }
    allocator_type get_allocator() const noexcept { return {*d_, r_}; }

private:
    descriptor* d_;
    readiness r_;
};

template <class T>
T* descriptor::memory<T>::allocate(std::size_t n) {
    way& w = d_->to(r_);
    if (n * sizeof(T) <= sizeof(w.storage) && alignof(T) <= alignof(std::max_align_t) &&
        !w.stored) {
        w.stored = true;
        return reinterpret_cast<T*>(w.storage);
    }
    ++d_->io_.allocations_;
    return static_cast<T*>(::operator new(n * sizeof(T)));
}

template <class T>
void descriptor::memory<T>::deallocate(T* p, std::size_t) noexcept {
    way& w = d_->to(r_);
    if (reinterpret_cast<std::byte*>(p) == w.storage)
        w.stored = false;
    else
        ::operator delete(p);
}

}  // namespace asio
}  // namespace copoll::backend
