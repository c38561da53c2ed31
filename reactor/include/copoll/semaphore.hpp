// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include <copoll/detail/queued_op.hpp>

namespace copoll {

/// A counting semaphore. First come, first served: a permit that is released goes to the longest
/// waiter, which resumes in the loop's next turn.
class semaphore {
public:
    /// One permit; gives it back when destroyed.
    class [[nodiscard]] permit {
    public:
        permit(permit&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
        permit& operator=(permit&& other) noexcept {
            std::swap(owner_, other.owner_);
            return *this;
        }
        ~permit() { release(); }

        void release() noexcept {
            if (auto* owner = std::exchange(owner_, nullptr)) owner->release();
        }
        /// Keeps the permit out of circulation; `semaphore::release` may put it back.
        void detach() noexcept { owner_ = nullptr; }

    private:
        friend class semaphore;
        explicit permit(semaphore& owner) noexcept : owner_(&owner) {}
        semaphore* owner_;
    };

    class acquire_op : public detail::queued_op {
    public:
        explicit acquire_op(semaphore& s) noexcept : semaphore_(&s) {}
        acquire_op(acquire_op&&) noexcept = default;
        ~acquire_op() {
            if (held_) semaphore_->release();  // granted, but nobody took it
        }

        bool start() noexcept { return ends_at_once(stopped_early() || attempt()); }
        std::coroutine_handle<> suspend(continuation& k) noexcept {
            wait_in(semaphore_->waiters_, *this, k);
            return nullptr;
        }
        result<permit> take() noexcept {
            stop_node::unlink();
            if (error_) return fail(error_);
            held_ = false;
            return permit{*semaphore_};
        }

    private:
        friend class semaphore;

        bool attempt() noexcept {
            if (semaphore_->available_ == 0) return false;
            --semaphore_->available_;
            held_ = true;
            return true;
        }

        semaphore* semaphore_;
        bool held_ = false;
    };

    explicit semaphore(std::size_t permits) noexcept : available_(permits) {}

    /// Takes a permit, waiting for one; gives `result<permit>`. *Cancellation:* `canceled`, and no
    /// permit is taken. *Lifetime:* the semaphore outlives waiters and permits.
    [[nodiscard]] acquire_op acquire() noexcept { return acquire_op{*this}; }

    [[nodiscard]] std::optional<permit> try_acquire() noexcept {
        if (available_ == 0) return std::nullopt;
        --available_;
        return permit{*this};
    }

    /// Adds permits.
    void release(std::size_t permits = 1) noexcept {
        available_ += permits;
        while (available_ > 0 && !waiters_.empty()) {
            acquire_op& next = waiters_.front();
            --available_;
            next.held_ = true;
            next.grant();
        }
    }

    std::size_t available() const noexcept { return available_; }

private:
    std::size_t available_;
    detail::intrusive_list<acquire_op> waiters_;
};

}  // namespace copoll
