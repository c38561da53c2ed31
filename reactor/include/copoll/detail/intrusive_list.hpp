// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/detail/assert.hpp>

namespace copoll::detail {

/// Base of a node in an `intrusive_list`. Moving gives an unlinked node.
class list_node {
public:
    list_node() noexcept = default;
    list_node(list_node&&) noexcept {}
    list_node& operator=(list_node&&) = delete;

    bool linked() const noexcept { return next_ != nullptr; }

    void unlink() noexcept {
        previous_->next_ = next_;
        next_->previous_ = previous_;
        next_ = previous_ = nullptr;
    }

protected:
    ~list_node() { expects(!linked(), "destroyed while somebody waits in it"); }

private:
    template <class>
    friend class intrusive_list;
    list_node* next_ = nullptr;
    list_node* previous_ = nullptr;
};

/// A first-in first-out list from whose middle a node can leave: what the waiters of a primitive
/// stand in. Circular through `root_`; owns nothing.
template <class Node>
class intrusive_list {
public:
    intrusive_list() noexcept { root_.next_ = root_.previous_ = &root_; }
    intrusive_list(const intrusive_list&) = delete;
    intrusive_list& operator=(const intrusive_list&) = delete;
    ~intrusive_list() {
        expects(empty(), "destroyed while somebody waits for it");
        root_.next_ = root_.previous_ = nullptr;
    }

    bool empty() const noexcept { return root_.next_ == &root_; }
    /// Null when empty.
    const Node* first() const noexcept { return at(root_.next_); }
    /// Null behind the last.
    const Node* after(const Node& node) const noexcept { return at(as_link(node).next_); }
    Node& front() noexcept { return static_cast<Node&>(*root_.next_); }

    void push_back(Node& node) noexcept {
        list_node& link = node;
        link.previous_ = root_.previous_;
        link.next_ = &root_;
        root_.previous_->next_ = &link;
        root_.previous_ = &link;
    }

    /// Null when empty.
    Node* pop_front() noexcept {
        if (empty()) return nullptr;
        Node& node = front();
        node.unlink();
        return &node;
    }

private:
    static const list_node& as_link(const Node& node) noexcept { return node; }
    const Node* at(const list_node* link) const noexcept {
        return link == &root_ ? nullptr : static_cast<const Node*>(link);
    }

    struct anchor : list_node {
    } root_;
};

}  // namespace copoll::detail
