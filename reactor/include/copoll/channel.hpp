// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <copoll/detail/queued_op.hpp>

namespace copoll {

/// A bounded queue of values between tasks of one loop; any number of senders and receivers, each
/// side served in the order it came. The only allocation is the ring, when it is made.
///
/// A value is either in the ring, in a sender that waits, or handed to one receiver: a receive that
/// is canceled consumed nothing.
template <std::move_constructible T>
class channel {
public:
    class send_op : public detail::queued_op {
    public:
        send_op(channel& c, T value) noexcept : channel_(&c), value_(std::move(value)) {}

        bool start() noexcept { return ends_at_once(stopped_early() || attempt()); }
        std::coroutine_handle<> suspend(continuation& k) noexcept {
            wait_in(channel_->senders_, *this, k);
            return nullptr;
        }
        result<void> take() noexcept {
            stop_node::unlink();
            if (error_) return fail(error_);
            return {};
        }

    private:
        friend class channel;

        bool attempt() noexcept {
            if (!channel_->closed_) return channel_->offer(value_);
            error_ = errc::closed;
            return true;
        }

        channel* channel_;
        T value_;
    };

    class receive_op : public detail::queued_op {
    public:
        explicit receive_op(channel& c) noexcept : channel_(&c) {}

        bool start() noexcept { return ends_at_once(stopped_early() || attempt()); }
        std::coroutine_handle<> suspend(continuation& k) noexcept {
            wait_in(channel_->receivers_, *this, k);
            return nullptr;
        }
        result<T> take() noexcept {
            stop_node::unlink();
            if (error_) return fail(error_);
            return *std::move(value_);
        }

    private:
        friend class channel;

        bool attempt() noexcept {
            value_ = channel_->try_receive();
            if (value_) return true;
            if (!channel_->closed_) return false;
            error_ = errc::closed;
            return true;
        }

        channel* channel_;
        std::optional<T> value_;
    };

    /// `capacity` values fit in before a sender waits; at least 1.
    explicit channel(std::size_t capacity) : ring_(capacity) {
        detail::expects(capacity > 0, "a channel holds at least one value");
    }

    /// Sends, waiting for room; gives `result<void>`. *Errors:* `closed`; the value is dropped.
    /// *Cancellation:* not sent. *Lifetime:* the channel outlives its waiters.
    [[nodiscard]] send_op send(T value) noexcept { return {*this, std::move(value)}; }

    /// Receives the oldest value, waiting for one; gives `result<T>`. *Errors:* `closed` when the
    /// channel is closed and empty. *Cancellation:* nothing is taken.
    [[nodiscard]] receive_op receive() noexcept { return receive_op{*this}; }

    /// False, and `value` untouched, if there is no room or the channel is closed.
    [[nodiscard]] bool try_send(T&& value) noexcept { return !closed_ && offer(value); }

    [[nodiscard]] std::optional<T> try_receive() noexcept {
        if (size_ == 0) return std::nullopt;
        std::optional<T> oldest = std::exchange(ring_[head_], std::nullopt);
        head_ = (head_ + 1) % ring_.size();
        --size_;
        if (!senders_.empty()) {
            send_op& next = senders_.front();
            push(std::move(next.value_));
            next.grant();
        }
        return oldest;
    }

    /// Refuses further values; waiting senders fail with `closed`. What is in the ring can still be
    /// received.
    void close() noexcept {
        closed_ = true;
        while (!senders_.empty()) senders_.front().refuse(errc::closed);
        while (!receivers_.empty()) receivers_.front().refuse(errc::closed);
    }

    bool is_closed() const noexcept { return closed_; }
    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return ring_.size(); }

private:
    /// Hands `value` to a receiver or into the ring; false if there is no room.
    bool offer(T& value) noexcept {
        if (!receivers_.empty()) {
            receive_op& next = receivers_.front();
            next.value_.emplace(std::move(value));
            next.grant();
            return true;
        }
        if (size_ == ring_.size()) return false;
        push(std::move(value));
        return true;
    }

    void push(T value) noexcept {
        ring_[(head_ + size_) % ring_.size()].emplace(std::move(value));
        ++size_;
    }

    std::vector<std::optional<T>> ring_;
    std::size_t head_ = 0;
    std::size_t size_ = 0;
    bool closed_ = false;
    detail::intrusive_list<send_op> senders_;
    detail::intrusive_list<receive_op> receivers_;
};

}  // namespace copoll
