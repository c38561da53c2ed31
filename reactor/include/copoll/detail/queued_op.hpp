// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/detail/intrusive_list.hpp>
#include <copoll/loop.hpp>
#include <copoll/operation.hpp>

namespace copoll::detail {

/// A waiter of a primitive: stands in the primitive's list until it is granted what it waits for
/// or canceled, whichever comes first, and is then posted. The primitive changes its state first
/// and grants second, so a waiter that was granted owns what it asked for even if a stop request
/// follows in the same turn.
class queued_op : public list_node, public stop_node {
public:
    void bind(const env& e) noexcept { env_ = &e; }

    /// Called by the primitive.
    void grant() noexcept {
        unlink_from_list();
        env_->owner->post(*k_);
    }
    /// Called by the primitive when it can't give what was asked for any more.
    void refuse(errc why) noexcept {
        error_ = why;
        grant();
    }

    std::error_code error() const noexcept { return error_; }

protected:
    ~queued_op() {
        if (list_node::linked()) list_node::unlink();
    }
    queued_op() noexcept = default;
    queued_op(queued_op&&) noexcept = default;

    /// True, with the error set, if stop was requested before anything was tried.
    bool stopped_early() noexcept {
        if (!env_->stop.stop_requested()) return false;
        error_ = errc::canceled;
        return true;
    }

    /// What start() says when it is `done` or not: a task that always finds what it asks for lets
    /// the others run when its budget is spent.
    bool ends_at_once(bool done) noexcept {
        done_ = done;
        return done && env_->owner->spend_budget();
    }

    template <class Node>
    void wait_in(intrusive_list<Node>& waiters, Node& self, continuation& k) noexcept {
        if (done_) {
            env_->owner->post(k);
            return;
        }
        k_ = &k;
        waiters.push_back(self);
        stop_node::link(env_->stop, [](stop_node& n) noexcept {
            auto& op = static_cast<queued_op&>(n);
            if (op.list_node::linked()) op.refuse(errc::canceled);
        });
    }

    std::error_code error_;
    const env* env_ = nullptr;

private:
    void unlink_from_list() noexcept {
        if (list_node::linked()) list_node::unlink();
    }
    continuation* k_ = nullptr;
    bool done_ = false;
};

}  // namespace copoll::detail
