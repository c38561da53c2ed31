// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <concepts>
#include <utility>

#include <copoll/detail/assert.hpp>

/// Cancellation in the shape of <stop_token>, for one thread: no atomics, no shared state, no
/// allocation. The source lives in a coroutine frame and outlives its tokens and callbacks.
///
/// A callback runs inside `request_stop()`. It marks and posts; it never resumes a coroutine, so a
/// stop request cannot re-enter the code that made it.

namespace copoll {

class stop_source;
class stop_token;

namespace detail {

/// A node in the source's list, by inheritance: an operation derives from it and casts back in the
/// function it registers. Unlinked means not registered, or already called. Moving gives an
/// unlinked node, since an operation may move until it is started.
class stop_node {
public:
    using callback = void (*)(stop_node&) noexcept;

    stop_node() noexcept = default;
    stop_node(stop_node&&) noexcept {}
    stop_node& operator=(stop_node&&) = delete;

    /// Registers `call` with `token`; runs it at once if stop was requested before.
    void link(stop_token token, callback call) noexcept;

    void unlink() noexcept {
        if (!linked()) return;
        *previous_ = next_;
        if (next_) next_->previous_ = previous_;
        previous_ = nullptr;
    }
    bool linked() const noexcept { return previous_ != nullptr; }

protected:
    ~stop_node() { unlink(); }

private:
    friend class copoll::stop_source;
    callback call_ = nullptr;
    stop_node* next_ = nullptr;
    stop_node** previous_ = nullptr;  // the pointer that points here
};

}  // namespace detail

class stop_token {
public:
    stop_token() noexcept = default;

    bool stop_requested() const noexcept;
    /// False for a default token, which nobody can stop.
    bool stop_possible() const noexcept { return source_ != nullptr; }

    friend bool operator==(stop_token, stop_token) noexcept = default;

private:
    friend class stop_source;
    friend class detail::stop_node;
    explicit stop_token(stop_source* source) noexcept : source_(source) {}
    stop_source* source_ = nullptr;
};

class stop_source {
public:
    stop_source() noexcept = default;
    stop_source(const stop_source&) = delete;
    stop_source& operator=(const stop_source&) = delete;
    ~stop_source() { detail::expects(!head_, "stop_source destroyed before its callbacks"); }

    stop_token get_token() noexcept { return stop_token{this}; }
    bool stop_requested() const noexcept { return requested_; }

    /// Calls every registered callback, the newest first. True for the first
    /// request, false for the later ones, which do nothing.
    bool request_stop() noexcept {
        if (std::exchange(requested_, true)) return false;
        while (detail::stop_node* node = head_) {  // a callback may unregister any other
            node->unlink();
            node->call_(*node);
        }
        return true;
    }

private:
    friend class detail::stop_node;
    detail::stop_node* head_ = nullptr;
    bool requested_ = false;
};

inline bool stop_token::stop_requested() const noexcept {
    return source_ && source_->stop_requested();
}

inline void detail::stop_node::link(stop_token token, callback call) noexcept {
    expects(!linked(), "stop callback registered twice");
    if (!token.stop_possible()) return;
    if (token.stop_requested()) return call(*this);
    call_ = call;
    stop_node*& head = token.source_->head_;
    next_ = head;
    previous_ = &head;
    if (head) head->previous_ = &next_;
    head = this;
}

/// Calls `f` once when stop is requested; at once if it was requested before. Destroying the
/// callback (also from inside another callback) unregisters it.
template <class F>
class [[nodiscard]] stop_callback : detail::stop_node {
public:
    template <class G>
        requires std::constructible_from<F, G>
    stop_callback(stop_token token, G&& f) : f_(std::forward<G>(f)) {
        link(token, [](stop_node& self) noexcept { static_cast<stop_callback&>(self).f_(); });
    }
    stop_callback(stop_callback&&) = delete;
    stop_callback& operator=(stop_callback&&) = delete;

private:
    F f_;
};

template <class F>
stop_callback(stop_token, F) -> stop_callback<F>;

}  // namespace copoll
