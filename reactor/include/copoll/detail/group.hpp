// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <limits>

#include <copoll/loop.hpp>
#include <copoll/operation.hpp>

namespace copoll::detail {

/// When the rest of a group is asked to stop.
enum class group_policy { wait_for_all, first_done, first_ok };

/// The state that operations awaited together share. They all complete before the group does: a
/// loser is asked to stop and joined, never left behind.
class group : public stop_node {
public:
    static constexpr std::size_t nobody = std::numeric_limits<std::size_t>::max();

    explicit group(group_policy policy) noexcept : policy_(policy) {}
    group(group&& other) noexcept : policy_(other.policy_) {}

    const env& bind_children(const env& e) noexcept {
        outer_ = &e;
        inner_.owner = e.owner;
        inner_.stop = source_.get_token();
        return inner_;
    }

    /// Before the first child starts. Not when bound: a neighbour in an outer group may decide that
    /// one in between.
    void starting() noexcept {
        if (outer_->stop.stop_requested()) source_.request_stop();
    }

    void suspended(continuation& k) noexcept {
        k_ = &k;
        link(outer_->stop,
             [](stop_node& n) noexcept { static_cast<group&>(n).source_.request_stop(); });
    }

    /// One more child has ended. True if it was the last.
    bool ended(std::size_t index, bool ok) noexcept {
        const bool decides = policy_ == group_policy::first_done ||
                             (policy_ == group_policy::first_ok && ok);
        if (decides && winner_ == nobody) {
            winner_ = index;
            source_.request_stop();
        }
        return --running_ == 0;
    }

    continuation* outer_continuation() const noexcept { return k_; }
    loop& owner() const noexcept { return *outer_->owner; }
    std::size_t winner() const noexcept { return winner_; }
    void add_child() noexcept { ++running_; }
    bool all_ended() const noexcept { return running_ == 0; }

private:
    group_policy policy_;
    std::size_t running_ = 0;
    std::size_t winner_ = nobody;
    const env* outer_ = nullptr;
    continuation* k_ = nullptr;
    stop_source source_;
    env inner_;
};

/// One operation of a group.
template <operation O>
class group_child : continuation {
public:
    explicit group_child(O op) noexcept : op_(std::move(op)) {}
    group_child(group_child&& other) noexcept : op_(std::move(other.op_)) {}

    void bind(group& g, std::size_t index, const env& e) noexcept {
        redirect = [](continuation& k) noexcept -> continuation* {
            auto& self = static_cast<group_child&>(k);
            return self.end() ? self.group_->outer_continuation() : nullptr;
        };
        group_ = &g;
        index_ = index;
        g.add_child();
        op_.bind(e);
    }
    /// Starts, and suspends at once if it has to: what it waits for may be what the next child
    /// does when that starts.
    void start() noexcept {
        if (op_.start()) {
            end();
            return;
        }
        first_.handle = op_.suspend(*this);
        if (first_.handle) group_->owner().post(first_);
    }
    std::error_code error() const noexcept {
        if constexpr (fallible_operation<O>)
            return op_.error();
        else
            return {};
    }
    O& op() noexcept { return op_; }

private:
    bool end() noexcept { return group_->ended(index_, !error()); }

    group* group_ = nullptr;
    std::size_t index_ = 0;
    continuation first_;  // the child coroutine's first step
    O op_;
};

}  // namespace copoll::detail
