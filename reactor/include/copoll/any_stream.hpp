// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include <copoll/chunk.hpp>
#include <copoll/detail/assert.hpp>
#include <copoll/operation.hpp>
#include <copoll/stream.hpp>
#include <copoll/task.hpp>

/// A stream of a type that is known only at run time: TCP or TLS, a real peer or a test's. One
/// allocation when it is made and none later: the operations of the stream inside are made in
/// places kept for them, for reading and for writing, as only one of each may be awaited.

namespace copoll {

namespace detail {

/// An operation of unknown type that gives `R`.
template <class R>
class erased_op {
public:
    virtual void bind(const env& e) noexcept = 0;
    virtual bool start() noexcept = 0;
    virtual std::coroutine_handle<> suspend(continuation& k) noexcept = 0;
    virtual R take() = 0;
    virtual std::error_code error() const noexcept = 0;
    virtual void destroy() noexcept = 0;

protected:
    ~erased_op() = default;
};

/// The place for one operation of type `O`.
template <class R, fallible_operation O>
class op_place final : public erased_op<R> {
public:
    op_place() noexcept = default;
    op_place(op_place&&) = delete;
    ~op_place() { expects(!op_, "any_stream destroyed while an operation is awaited"); }

    bool taken() const noexcept { return op_.has_value(); }
    erased_op<R>& emplace(O op) {
        op_.emplace(std::move(op));
        return *this;
    }

    void bind(const env& e) noexcept override { op_->bind(e); }
    bool start() noexcept override { return op_->start(); }
    std::coroutine_handle<> suspend(continuation& k) noexcept override { return op_->suspend(k); }
    std::error_code error() const noexcept override { return op_->error(); }
    R take() override {
        if constexpr (std::same_as<R, result_of<O>>) {
            return op_->take();
        } else {  // a shutdown that tells more than we do
            const auto ec = result_traits<result_of<O>>::error(op_->take());
            return ec ? result_traits<R>::failure(ec) : R{};
        }
    }
    void destroy() noexcept override { op_.reset(); }

private:
    std::optional<O> op_;
};

/// What a stream without a `read_chunk` of its own does instead: its memory is taken at once.
template <read_stream S>
task<result<chunk>> read_chunk_of(S& s) {
    const env& here = co_await this_env{};
    chunk into = here.owner->chunks().take();
    const io_result r = co_await s.read_some(std::span<std::byte>(into));
    if (r.ec) co_return fail(r.ec);
    into.truncate(r.n);
    co_return std::move(into);
}

template <read_stream S>
auto make_read_chunk(S& s) noexcept {
    if constexpr (requires { s.read_chunk(); })
        return s.read_chunk();
    else
        return read_chunk_of(s);
}

class erased_stream {
public:
    virtual ~erased_stream() = default;
    virtual erased_op<result<chunk>>& read_chunk() noexcept = 0;
    virtual erased_op<io_result>& read_some(std::span<std::byte> buffer) noexcept = 0;
    virtual erased_op<io_result>& write_some(std::span<const std::byte> bytes) noexcept = 0;
    virtual erased_op<result<void>>& shutdown_write() noexcept = 0;
};

template <stream S>
class held_stream final : public erased_stream {
public:
    explicit held_stream(S&& s) noexcept : s_(std::move(s)) {}

    erased_op<io_result>& read_some(std::span<std::byte> buffer) noexcept override {
        expects_no_read();
        return read_.emplace(s_.read_some(buffer));
    }
    erased_op<result<chunk>>& read_chunk() noexcept override {
        expects_no_read();
        return read_chunk_.emplace(make_read_chunk(s_));
    }
    erased_op<io_result>& write_some(std::span<const std::byte> bytes) noexcept override {
        expects_no_write();
        return write_.emplace(s_.write_some(bytes));
    }
    erased_op<result<void>>& shutdown_write() noexcept override {
        expects_no_write();
        return shutdown_.emplace(s_.shutdown_write());
    }

private:
    void expects_no_read() const noexcept {
        expects(!read_.taken() && !read_chunk_.taken(), "any_stream: two reads at a time");
    }
    void expects_no_write() const noexcept {
        expects(!write_.taken() && !shutdown_.taken(), "any_stream: two writes at a time");
    }

    S s_;
    op_place<io_result, decltype(std::declval<S&>().read_some({}))> read_;
    op_place<result<chunk>, decltype(make_read_chunk(std::declval<S&>()))> read_chunk_;
    op_place<io_result, decltype(std::declval<S&>().write_some({}))> write_;
    op_place<result<void>, decltype(std::declval<S&>().shutdown_write())> shutdown_;
};

/// What the user awaits: makes the operation inside when it is started, so that it may move until
/// then, and destroys it when the result is taken. `Make` gives the operation for a stream.
template <class R, class Make>
class [[nodiscard]] erased_io_op {
public:
    erased_io_op(erased_stream& s, Make make) noexcept : stream_(&s), make_(make) {}
    erased_io_op(erased_io_op&& other) noexcept : stream_(other.stream_), make_(other.make_) {}
    ~erased_io_op() {
        if (op_) op_->destroy();
    }

    void bind(const env& e) noexcept { env_ = &e; }
    bool start() noexcept {
        op_ = &make_(*stream_);
        op_->bind(*env_);
        return op_->start();
    }
    std::coroutine_handle<> suspend(continuation& k) noexcept { return op_->suspend(k); }
    R take() {
        R r = op_->take();
        std::exchange(op_, nullptr)->destroy();
        return r;
    }
    std::error_code error() const noexcept { return op_->error(); }

private:
    erased_stream* stream_;
    Make make_;
    const env* env_ = nullptr;
    erased_op<R>* op_ = nullptr;
};

}  // namespace detail

/// Owns any stream. Moves like a `unique_ptr`, also while operations are awaited; nothing may be
/// awaited on an empty one. Each operation completes, is cancelled and fails as the one of the
/// stream inside. A second read, or write or shutdown, while one is awaited traps.
class any_stream {
public:
    /// Empty.
    any_stream() noexcept = default;
    template <class S>
        requires(!std::same_as<S, any_stream> && stream<S>)
    any_stream(S s) : stream_(std::make_unique<detail::held_stream<S>>(std::move(s))) {}

    explicit operator bool() const noexcept { return stream_ != nullptr; }
    /// Destroys the stream inside, which closes it. Nothing may be awaited on it.
    void reset() noexcept { stream_.reset(); }

    /// Gives `io_result`, as any `read_stream`. *Lifetime:* `buffer`, until completion.
    auto read_some(std::span<std::byte> buffer) noexcept {
        return make_op<io_result>([buffer](detail::erased_stream& s) noexcept -> auto& {
            return s.read_some(buffer);
        });
    }

    /// Gives `result<chunk>` with at least one byte, in memory of the loop's pool. A stream that
    /// has a `read_chunk` of its own (TCP) takes the memory when there is something to read; for
    /// others it is taken at once.
    auto read_chunk() noexcept {
        return make_op<result<chunk>>(
            [](detail::erased_stream& s) noexcept -> auto& { return s.read_chunk(); });
    }

    /// Gives `io_result`, as any `write_stream`. *Lifetime:* `bytes`, until completion.
    auto write_some(std::span<const std::byte> bytes) noexcept {
        return make_op<io_result>([bytes](detail::erased_stream& s) noexcept -> auto& {
            return s.write_some(bytes);
        });
    }

    /// Gives `result<void>`.
    auto shutdown_write() noexcept {
        return make_op<result<void>>(
            [](detail::erased_stream& s) noexcept -> auto& { return s.shutdown_write(); });
    }

private:
    template <class R, class Make>
    detail::erased_io_op<R, Make> make_op(Make make) const noexcept {
        detail::expects(stream_ != nullptr, "any_stream: empty");
        return {*stream_, make};
    }

    std::unique_ptr<detail::erased_stream> stream_;
};

static_assert(stream<any_stream>);

}  // namespace copoll
