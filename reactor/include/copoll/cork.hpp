// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>

#include <copoll/buffer.hpp>
#include <copoll/check.hpp>
#include <copoll/event.hpp>
#include <copoll/stream.hpp>
#include <copoll/task.hpp>
#include <copoll/when.hpp>

/// Many small writes, one large one. WASI has no TCP_NODELAY, so a message that leaves in pieces
/// waits for an acknowledgement in between, which the peer delays by 40 ms (Nagle's algorithm).
///
///     co_return co_await with_cork(peer, [](auto& out, tcp_stream& in) -> task<result<void>> {
///         co_await check(write_all(out, header));
///         co_await check(write_all(out, body));     // both leave in one write, when this task
///         co_await check(read_exactly(in, answer));  // waits
///         ...
///     }, peer);

namespace copoll {

/// A write_stream that collects what is written while the tasks of a turn run, and writes it to the
/// stream below when they have run. Any number of tasks may write; what one `write_some` took stays
/// in one piece. Made by `with_cork`.
template <write_stream S>
class corked_writer {
public:
    class [[nodiscard]] write_op {
    public:
        write_op(corked_writer& w, std::span<const std::byte> bytes) noexcept
            : writer_(&w), bytes_(bytes) {}
        void bind(const env& e) noexcept { env_ = &e; }
        bool start() noexcept {
            if (env_->stop.stop_requested()) {
                result_.ec = errc::canceled;
                return true;
            }
            if (writer_->take(bytes_, result_)) return true;
            wait_.emplace(writer_->wait_for_room(bytes_));
            wait_->bind(*env_);
            return wait_->start();
        }
        std::coroutine_handle<> suspend(continuation& k) noexcept { return wait_->suspend(k); }
        io_result take() { return wait_ ? wait_->take() : result_; }
        std::error_code error() const noexcept { return wait_ ? wait_->error() : result_.ec; }

    private:
        corked_writer* writer_;
        std::span<const std::byte> bytes_;
        const env* env_ = nullptr;
        io_result result_{};
        std::optional<task<io_result>> wait_;
    };

    corked_writer(S& below, std::size_t capacity) noexcept
        : below_(&below), collected_(capacity), leaving_(capacity) {}
    corked_writer(const corked_writer&) = delete;
    corked_writer& operator=(const corked_writer&) = delete;

    /// Takes at least one byte; gives `io_result`. Waits only while `capacity` bytes are collected.
    /// *Errors:* those of the stream below, at this or an earlier write.
    /// *Cancellation:* n is what was taken. *Lifetime:* `bytes` stay valid until completion.
    write_op write_some(std::span<const std::byte> bytes) noexcept { return {*this, bytes}; }

    /// Waits until all that was taken has been written; gives `result<void>`.
    task<result<void>> flush() {
        while (!error_ && unwritten() > 0) {
            progress_.reset();
            co_await check(progress_.wait());
        }
        if (error_) co_return fail(error_);
        co_return {};
    }

    /// Bytes that were taken and not written yet.
    std::size_t unwritten() const noexcept { return collected_.size() + leaving_.size(); }

    /// For `with_cork`: writes what is collected, until `close` and all is written.
    task<result<void>> run() {
        for (;;) {
            co_await check(work_.wait());  // goes on in the turn after the one that wrote
            work_.reset();
            leaving_.swap(collected_);
            progress_.set();
            while (!leaving_.empty()) {
                const io_result r = co_await below_->write_some(std::as_const(leaving_).data());
                detail::expects_progress(r);
                leaving_.consume(r.n);
                if (r.ec) {
                    error_ = r.ec;
                    progress_.set();
                    co_return fail(r.ec);
                }
            }
            progress_.set();
            if (closed_ && collected_.empty()) co_return {};
        }
    }
    void close() noexcept {
        closed_ = true;
        work_.set();
    }

private:
    /// False if there is no room.
    bool take(std::span<const std::byte> bytes, io_result& result) noexcept {
        result.ec = error_;
        if (error_ || bytes.empty()) return true;
        result.n = collected_.append(bytes);
        if (result.n == 0) return false;
        work_.set();
        return true;
    }

    task<io_result> wait_for_room(std::span<const std::byte> bytes) {
        io_result r;
        while (!take(bytes, r)) {
            progress_.reset();
            const auto waited = co_await progress_.wait();
            if (!waited) co_return io_result{waited.error(), 0};
        }
        co_return r;
    }

    S* below_;
    buffer collected_;
    buffer leaving_;  ///< what is being written
    event work_;
    event progress_;
    bool closed_ = false;
    std::error_code error_{};
};

namespace detail {

template <class S, class F, class... Args>
task<result<void>> run_corked(S& below, std::size_t capacity, F f, Args... args) {
    corked_writer<S> out{below, capacity};
    auto [written, ended] = co_await when_all(
        out.run(), [](corked_writer<S>& to, F& body, Args&... with) -> task<result<void>> {
            auto r = co_await std::invoke(std::move(body), to, static_cast<Args&&>(with)...);
            to.close();
            co_return r;
        }(out, f, args...));
    co_return ended ? written : ended;
}

}  // namespace detail

/// `co_await with_cork(below, f, args...)` runs `f(corked_writer&, args...)`, a task that gives
/// `result<void>`, and then waits until all that it wrote has left; gives what `f` gave, or the
/// error of the last writes. Nothing else may write to `below` meanwhile; reading is free.
/// An lvalue argument is passed by reference, an rvalue is kept.
/// *Cancellation:* reaches `f`; what was not written by then is lost, as in a closed stream.
template <write_stream S, class F, class... Args>
    requires std::invocable<F, corked_writer<S>&, Args...>
auto with_cork(S& below, F f, Args&&... args) {
    constexpr std::size_t capacity = 64 * 1024;  // what a host takes in one call
    return detail::run_corked<S, F, Args...>(below, capacity, std::move(f),
                                             std::forward<Args>(args)...);
}

}  // namespace copoll
