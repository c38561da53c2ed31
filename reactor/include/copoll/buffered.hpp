// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include <copoll/buffer.hpp>
#include <copoll/check.hpp>
#include <copoll/stream.hpp>
#include <copoll/task.hpp>

/// Streams with memory: a reader that reads ahead, so that lines and small records cost no call
/// each, and a writer that collects small writes. Both hold the stream below or, with `S&`, refer
/// to it; and both pass the other direction through, so a buffered stream is a stream.
///
///     buffered_reader in{peer};                        // refers to peer
///     buffered_stream<tcp_stream> io{std::move(peer)}; // holds it, both ways
///     auto line = co_await check(io.read_line());
///
/// The rules of streams apply: one read and one write at a time, and no move meanwhile. What is
/// said of reads holds for `read_until`, `read_line`, `peek` and `fill` too.

namespace copoll {

template <class S>
    requires read_stream<std::remove_reference_t<S>>
class buffered_reader {
    using lower = std::remove_reference_t<S>;
    using lower_read =
        decltype(std::declval<lower&>().read_some(std::declval<std::span<std::byte>>()));

public:
    /// Bytes asked of the stream below at once; a read of as much or more goes past the buffer.
    static constexpr std::size_t read_ahead = 8 * 1024;
    static constexpr std::size_t default_max_size = 64 * 1024;

    /// `max_size` limits what is buffered, and so a line and what `read_until` and `peek` give.
    buffered_reader(S s, std::size_t max_size = default_max_size) noexcept
        : s_(std::forward<S>(s)), buffer_(max_size) {}

    class [[nodiscard]] read_op {
    public:
        read_op(buffered_reader& r, std::span<std::byte> to, bool fill) noexcept
            : reader_(&r), to_(to), fill_(fill) {}

        void bind(const env& e) noexcept { env_ = &e; }
        bool start() noexcept;
        std::coroutine_handle<> suspend(continuation& k) noexcept { return below_->suspend(k); }
        io_result take();
        std::error_code error() const noexcept { return below_ ? below_->error() : ec_; }

    private:
        buffered_reader* reader_;
        std::span<std::byte> to_;
        const env* env_ = nullptr;
        std::error_code ec_{};
        bool fill_;
        bool past_buffer_ = false;
        std::optional<lower_read> below_;
    };

    /// As `tcp_stream::read_some`; gives what is buffered before it reads.
    read_op read_some(std::span<std::byte> to) noexcept { return {*this, to, false}; }

    /// Reads more into the buffer; gives `io_result`, n is what came. *Errors:* those of the
    /// stream; `message_too_large` when the buffer is full. *Cancellation:* no byte is lost.
    read_op fill() noexcept { return {*this, {}, true}; }

    /// What was read ahead. Valid until the next read.
    std::span<const std::byte> buffered() const noexcept { return buffer_.data(); }
    /// Takes the first `n` bytes of `buffered()` as read. Precondition: there are as many.
    void consume(std::size_t n) noexcept { buffer_.consume(n); }

    /// Waits until `n` bytes or more are buffered and gives all there are, none consumed; valid
    /// until the next read. *Errors:* those of the stream, `eof` too if it ends before;
    /// `message_too_large` if `n` is more than the buffer may hold. *Cancellation:* loses no byte.
    task<result<std::span<const std::byte>>> peek(std::size_t n) {
        if (n > buffer_.max_size()) co_return fail(errc::message_too_large);
        while (buffer_.size() < n) co_await check(fill());
        co_return buffered();
    }

    /// Reads until `buffered()` holds `delimiter`, a text or one byte; n is the bytes up to and
    /// including it, to be taken with `consume(n)`. The rest as the free `read_until`.
    task<io_result> read_until(std::string_view delimiter) {
        reserve();
        return copoll::read_until(s_, buffer_, delimiter);
    }
    task<io_result> read_until(char delimiter) {
        reserve();
        return copoll::read_until(s_, buffer_, delimiter);
    }

    /// Reads a line, which ends in LF or CR LF, and gives it without that; valid until the next
    /// read. What stands behind the last line end is a line too; then comes `eof`.
    /// *Errors:* those of the stream; `message_too_large` for a line longer than the buffer may
    /// hold, which stays in `buffered()`. *Cancellation:* no byte is lost.
    task<result<std::string_view>> read_line() {
        const io_result r = co_await read_until(std::string_view("\n"));
        const bool ended_inside = r.ec == errc::eof && !buffer_.empty();
        if (r.ec && !ended_inside) co_return fail(r.ec);
        std::string_view line = buffer_.text();
        if (!ended_inside) line = line.substr(0, r.n);
        buffer_.consume(line.size());
        if (line.ends_with('\n')) {
            line.remove_suffix(1);
            if (line.ends_with('\r')) line.remove_suffix(1);
        }
        co_return line;
    }

    /// The stream below. Reading from it goes past the buffer.
    lower& inner() noexcept { return s_; }

    auto write_some(std::span<const std::byte> bytes) noexcept
        requires write_stream<lower>
    {
        return s_.write_some(bytes);
    }
    auto shutdown_write() noexcept
        requires stream<lower>
    {
        return s_.shutdown_write();
    }
    auto flush() noexcept
        requires requires(lower& s) { s.flush(); }
    {
        return s_.flush();
    }

private:
    void reserve() noexcept {
        if (buffer_.capacity() == 0) static_cast<void>(buffer_.prepare(read_ahead));
    }

    S s_;
    buffer buffer_;
};

template <class S>
buffered_reader(S&&, std::size_t = 0) -> buffered_reader<S>;

template <class S>
    requires read_stream<std::remove_reference_t<S>>
bool buffered_reader<S>::read_op::start() noexcept {
    if (env_->stop.stop_requested()) {
        ec_ = errc::canceled;
        return true;
    }
    buffer& ahead = reader_->buffer_;
    if (!fill_ && (to_.empty() || !ahead.empty())) return true;
    past_buffer_ = to_.size() >= read_ahead;
    const std::span<std::byte> room = past_buffer_ ? to_ : ahead.prepare(read_ahead);
    if (room.empty()) {
        ec_ = errc::message_too_large;
        return true;
    }
    below_.emplace(reader_->s_.read_some(room));
    below_->bind(*env_);
    return below_->start();
}

template <class S>
    requires read_stream<std::remove_reference_t<S>>
io_result buffered_reader<S>::read_op::take() {
    if (ec_) return {ec_, 0};
    buffer& ahead = reader_->buffer_;
    if (below_) {
        const io_result r = below_->take();
        if (past_buffer_) return r;
        ahead.commit(r.n);
        if (fill_ || r.n == 0) return r;
    }
    const std::span<const std::byte> given =
        ahead.data().first(std::min(ahead.size(), to_.size()));
    if (!given.empty()) std::memcpy(to_.data(), given.data(), given.size());
    ahead.consume(given.size());
    return {{}, given.size()};
}

/// Collects writes up to `capacity` bytes and passes them on when there are more, or when `flush`
/// is awaited: do that before waiting for an answer, and at the end. **Bytes that were not flushed
/// are lost when the writer is destroyed.**
///
/// An error of the stream below stays: every later write and flush reports it. `canceled` and
/// `timed_out` do not, since nothing happened then.
template <class S>
    requires write_stream<std::remove_reference_t<S>>
class buffered_writer {
    using lower = std::remove_reference_t<S>;

public:
    static constexpr std::size_t default_capacity = 8 * 1024;

    /// A write of `capacity` bytes or more goes past the buffer when that is empty.
    /// Precondition: `capacity` is not 0.
    buffered_writer(S s, std::size_t capacity = default_capacity) noexcept
        : s_(std::forward<S>(s)), buffer_(capacity) {
        detail::expects(capacity > 0, "buffered_writer: no capacity");
    }

    class [[nodiscard]] write_op {
    public:
        write_op(buffered_writer& w, std::span<const std::byte> bytes) noexcept
            : writer_(&w), bytes_(bytes) {}

        void bind(const env& e) noexcept { env_ = &e; }
        bool start() noexcept;
        std::coroutine_handle<> suspend(continuation& k) noexcept { return below_->suspend(k); }
        io_result take() {
            if (below_) return below_->take();
            if (ec_) return {ec_, 0};
            return {{}, writer_->buffer_.append(bytes_)};
        }
        std::error_code error() const noexcept { return below_ ? below_->error() : ec_; }

    private:
        buffered_writer* writer_;
        std::span<const std::byte> bytes_;
        const env* env_ = nullptr;
        std::error_code ec_{};
        std::optional<task<io_result>> below_;
    };

    /// Takes at least one byte, into the buffer or, when that is full, after a write below; gives
    /// `io_result`. *Errors:* those of the stream, now or since the last flush.
    /// *Cancellation:* n is what was taken. *Lifetime:* `bytes` stay valid until completion.
    write_op write_some(std::span<const std::byte> bytes) noexcept { return {*this, bytes}; }

    /// Writes what was collected. *Errors:* those of the stream. *Cancellation:* what was not
    /// written stays in the buffer, for the next flush. Counts as a write.
    task<result<void>> flush() {
        if (error_) co_return fail(error_);
        while (!buffer_.empty()) {
            const io_result r = co_await s_.write_some(rest());
            if (const auto ec = written(r)) co_return fail(ec);
        }
        co_return {};
    }

    /// Flushes, then tells the peer that no more comes. *Errors:* those of both; after a failed
    /// flush the stream is not shut down.
    task<result<void>> shutdown_write()
        requires stream<lower>
    {
        co_await check(flush());
        const auto r = co_await s_.shutdown_write();
        const auto ec = detail::result_traits<std::remove_const_t<decltype(r)>>::error(r);
        if (ec) co_return fail(ec);
        co_return {};
    }

    /// Bytes that were taken and not passed on.
    std::size_t unflushed() const noexcept { return buffer_.size(); }

    /// The stream below. Writing to it overtakes what is buffered.
    lower& inner() noexcept { return s_; }

    auto read_some(std::span<std::byte> to) noexcept
        requires read_stream<lower>
    {
        return s_.read_some(to);
    }

private:
    /// Makes room for `bytes`, or writes them when they are too many to collect.
    task<io_result> write_below(std::span<const std::byte> bytes) {
        const bool past_buffer = bytes.size() >= buffer_.max_size();
        const std::size_t most = past_buffer ? 0 : buffer_.max_size() - 1;
        while (buffer_.size() > most) {
            const io_result r = co_await s_.write_some(rest());
            if (const auto ec = written(r)) co_return io_result{ec, 0};
        }
        if (!past_buffer) co_return io_result{{}, buffer_.append(bytes)};
        const io_result r = co_await s_.write_some(bytes);
        failed(r.ec);
        co_return r;
    }

    std::span<const std::byte> rest() const noexcept { return buffer_.data(); }
    std::error_code written(const io_result& r) noexcept {
        detail::expects_progress(r);
        buffer_.consume(r.n);
        failed(r.ec);
        return r.ec;
    }
    void failed(std::error_code ec) noexcept {
        if (ec && ec != errc::canceled && ec != errc::timed_out) error_ = ec;
    }

    S s_;
    buffer buffer_;  // max_size() is the capacity
    std::error_code error_{};
};

template <class S>
buffered_writer(S&&, std::size_t = 0) -> buffered_writer<S>;

template <class S>
    requires write_stream<std::remove_reference_t<S>>
bool buffered_writer<S>::write_op::start() noexcept {
    ec_ = env_->stop.stop_requested() ? make_error_code(errc::canceled) : writer_->error_;
    const buffer& behind = writer_->buffer_;
    if (ec_ || bytes_.empty()) return true;
    const bool past_buffer = behind.empty() && bytes_.size() >= behind.max_size();
    if (!past_buffer && behind.size() < behind.max_size()) return true;
    below_.emplace(writer_->write_below(bytes_));
    below_->bind(*env_);
    return below_->start();
}

/// Both: reads ahead and collects writes. `flush()` and `unflushed()` are the writer's,
/// `inner()` is the writer.
template <stream S>
using buffered_stream = buffered_reader<buffered_writer<S>>;

}  // namespace copoll
