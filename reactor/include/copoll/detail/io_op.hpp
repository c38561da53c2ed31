// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/loop.hpp>
#include <copoll/operation.hpp>

namespace copoll::detail {

/// What a backend offers for one kind of I/O. Completion-shaped: once armed it completes by posting
/// `k`, with `result` set; a cancel makes it complete soon, with `canceled` if nothing happened and
/// with what happened otherwise. Buffers stay the caller's and valid until then.
template <class B>
concept backend_operation =
    std::move_constructible<B> && requires(B& b, backend::context& io, continuation& k) {
        { b.start(io) } noexcept -> std::same_as<bool>;  ///< true: `result` is set
        { b.arm(io, k) } noexcept;                       ///< only after start() said false
        { b.cancel(io) } noexcept;                       ///< no effect on a completed one
        requires fallible<decltype(b.result)>;
    };

/// A backend operation as an operation: stop requests, and the budget of inline completions.
/// `Public`, if given, is what a successful result is wrapped in.
template <backend_operation B, class Public = void>
class [[nodiscard]] io_op : stop_node {
    using backend_result = decltype(B::result);
    using result_type = std::conditional_t<std::is_void_v<Public>, backend_result, result<Public>>;

public:
    template <class... Args>
    explicit io_op(std::in_place_t, Args&&... args) : op_(std::forward<Args>(args)...) {}

    void bind(const env& e) noexcept { env_ = &e; }

    bool start() noexcept {
        if (env_->stop.stop_requested()) {
            op_.result = result_traits<backend_result>::failure(errc::canceled);
            complete_ = true;
        } else {
            complete_ = op_.start(env_->owner->io());
        }
        return complete_ && env_->owner->spend_budget();
    }

    std::coroutine_handle<> suspend(continuation& k) noexcept {
        if (complete_) {
            env_->owner->post(k);
        } else {
            op_.arm(env_->owner->io(), k);
            link(env_->stop, [](stop_node& node) noexcept {
                auto& self = static_cast<io_op&>(node);
                self.op_.cancel(self.env_->owner->io());
            });
        }
        return nullptr;
    }

    result_type take() {
        unlink();
        if constexpr (std::is_void_v<Public>) {
            return std::move(op_.result);
        } else {
            if (!op_.result) return fail(op_.result.error());
            return Public{*std::move(op_.result)};
        }
    }
    std::error_code error() const noexcept {
        return result_traits<backend_result>::error(op_.result);
    }

private:
    B op_;
    const env* env_ = nullptr;
    bool complete_ = false;
};

}  // namespace copoll::detail
