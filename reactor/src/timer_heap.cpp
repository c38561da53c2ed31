// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/detail/timer_heap.hpp>

#include <algorithm>

namespace copoll::detail {
namespace {
constexpr std::size_t arity = 4;
}

void timer_heap::place(std::size_t slot, const entry& e) noexcept {
    entries_[slot] = e;
    e.node->slot = static_cast<std::uint32_t>(slot);
}

void timer_heap::sift_up(std::size_t slot, entry e) noexcept {
    while (slot > 0) {
        const std::size_t parent = (slot - 1) / arity;
        if (!e.before(entries_[parent])) break;
        place(slot, entries_[parent]);
        slot = parent;
    }
    place(slot, e);
}

void timer_heap::sift_down(std::size_t slot, entry e) noexcept {
    for (;;) {
        const std::size_t first = slot * arity + 1;
        if (first >= entries_.size()) break;
        const std::size_t last = std::min(first + arity, entries_.size());
        std::size_t least = first;
        for (std::size_t child = first + 1; child < last; ++child)
            if (entries_[child].before(entries_[least])) least = child;
        if (!entries_[least].before(e)) break;
        place(slot, entries_[least]);
        slot = least;
    }
    place(slot, e);
}

void timer_heap::insert(timer_node& node) {
    node.order = next_order_++;
    const entry e{node.deadline, node.order, &node};
    entries_.push_back(e);
    sift_up(entries_.size() - 1, e);
}

void timer_heap::erase(timer_node& node) noexcept {
    const std::size_t slot = node.slot;
    node.slot = timer_node::unset;
    const entry moved = entries_.back();
    entries_.pop_back();
    if (slot == entries_.size()) return;
    if (slot > 0 && moved.before(entries_[(slot - 1) / arity]))
        sift_up(slot, moved);
    else
        sift_down(slot, moved);
}

timer_node* timer_heap::pop_due(clock::time_point now) noexcept {
    if (entries_.empty() || earliest() > now) return nullptr;
    timer_node* node = entries_.front().node;
    erase(*node);
    return node;
}

}  // namespace copoll::detail
