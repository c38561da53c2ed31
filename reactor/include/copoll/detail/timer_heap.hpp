// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <copoll/clock.hpp>
#include <copoll/detail/assert.hpp>

namespace copoll::detail {

/// A timer that lives in its awaiter. Moving gives an unset timer.
struct timer_node {
    using callback = void (*)(timer_node&) noexcept;

    timer_node() noexcept = default;
    timer_node(timer_node&&) noexcept {}
    timer_node& operator=(timer_node&&) = delete;
    ~timer_node() { expects(!set(), "destroyed while its timer is set"); }

    bool set() const noexcept { return slot != unset; }

    static constexpr std::uint32_t unset = UINT32_MAX;
    clock::time_point deadline{};
    std::uint64_t order = 0;      ///< equal deadlines fire in the order they were set
    callback fire = nullptr;      ///< runs in the loop; marks and posts
    std::uint32_t slot = unset;   ///< place in the heap
};

/// A 4-ary heap of timers: set and cancel in O(log n), no allocation but the array's growth.
class timer_heap {
public:
    bool empty() const noexcept { return entries_.empty(); }
    std::size_t size() const noexcept { return entries_.size(); }
    clock::time_point earliest() const noexcept { return entries_.front().deadline; }

    void insert(timer_node& node);
    void erase(timer_node& node) noexcept;
    /// The earliest timer if it is due at `now`, taken out; else null.
    timer_node* pop_due(clock::time_point now) noexcept;

private:
    struct entry {  // the key beside the pointer: comparing does not touch the nodes
        clock::time_point deadline;
        std::uint64_t order;
        timer_node* node;
        bool before(const entry& other) const noexcept {
            return deadline != other.deadline ? deadline < other.deadline : order < other.order;
        }
    };

    void place(std::size_t slot, const entry& e) noexcept;
    void sift_up(std::size_t slot, entry e) noexcept;
    void sift_down(std::size_t slot, entry e) noexcept;

    std::vector<entry> entries_;
    std::uint64_t next_order_ = 0;
};

}  // namespace copoll::detail
