// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

namespace copoll::detail {

/// A queue of nodes that hold their own `next` pointer. Never allocates, owns nothing.
template <class Node>
class intrusive_fifo {
public:
    bool empty() const noexcept { return head_ == nullptr; }

    void push(Node& node) noexcept {
        node.next = nullptr;
        *tail_ = &node;
        tail_ = &node.next;
    }

    /// Null when empty.
    Node* pop() noexcept {
        Node* node = head_;
        if (!node) return nullptr;
        head_ = node->next;
        if (!head_) tail_ = &head_;
        return node;
    }

    /// Moves all of `other` behind this queue's nodes.
    void append(intrusive_fifo& other) noexcept {
        if (other.empty()) return;
        *tail_ = other.head_;
        tail_ = other.tail_;
        other.head_ = nullptr;
        other.tail_ = &other.head_;
    }

    intrusive_fifo() noexcept = default;
    intrusive_fifo(const intrusive_fifo&) = delete;
    intrusive_fifo& operator=(const intrusive_fifo&) = delete;

private:
    Node* head_ = nullptr;
    Node** tail_ = &head_;
};

}  // namespace copoll::detail
