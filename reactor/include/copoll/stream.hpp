// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <copoll/buffer.hpp>
#include <copoll/check.hpp>
#include <copoll/chunk.hpp>
#include <copoll/operation.hpp>
#include <copoll/task.hpp>

/// What a stream is, and what can be done with any: TCP, TLS, a libp2p stream, your own.

namespace copoll {

/// An operation whose result is `io_result`.
template <class O>
concept io_operation = fallible_operation<O> && std::same_as<result_of<O>, io_result>;

/// `read_some(buffer)`: n >= 1, or an error; `eof` at the end. At most one read at a time. An empty
/// buffer completes with n == 0.
template <class S>
concept read_stream = requires(S& s, std::span<std::byte> buffer) {
    { s.read_some(buffer) } -> io_operation;
};

/// `write_some(bytes)`: n >= 1, or an error. At most one write at a time.
template <class S>
concept write_stream = requires(S& s, std::span<const std::byte> bytes) {
    { s.write_some(bytes) } -> io_operation;
};

/// Both ways, and `shutdown_write()` to say that no more comes.
template <class S>
concept stream = read_stream<S> && write_stream<S> && requires(S& s) {
    { s.shutdown_write() } -> fallible_operation;
};

namespace detail {

/// A stream that moves nothing and reports nothing would keep its caller in a loop for ever.
inline void expects_progress(const io_result& r) noexcept {
    expects(r.n > 0 || r.ec, "a stream completed without bytes and without an error");
}

/// Where to read when it is not known how much comes; empty when `to` is full.
inline std::span<std::byte> room_to_read(buffer& to) noexcept {
    constexpr std::size_t least = 512;
    return to.prepare(std::max(least, to.capacity() - to.size()));
}

}  // namespace detail

/// Fills `buffer`. *Errors:* those of the stream, `eof` if it ends before; n is what was read.
/// *Cancellation:* n bytes are in the buffer. *Lifetime:* stream and buffer, until completion.
template <read_stream S>
task<io_result> read_exactly(S& s, std::span<std::byte> buffer) {
    io_result total;
    while (total.n < buffer.size() && !total.ec) {
        const io_result r = co_await s.read_some(buffer.subspan(total.n));
        detail::expects_progress(r);
        total.n += r.n;
        total.ec = r.ec;
    }
    co_return total;
}

/// Writes all of `bytes`. *Errors:* those of the stream; n is what was written.
/// *Cancellation:* n bytes are on their way. *Lifetime:* stream and bytes, until completion.
template <write_stream S>
task<io_result> write_all(S& s, std::span<const std::byte> bytes) {
    io_result total;
    while (total.n < bytes.size() && !total.ec) {
        const io_result r = co_await s.write_some(bytes.subspan(total.n));
        detail::expects_progress(r);
        total.n += r.n;
        total.ec = r.ec;
    }
    co_return total;
}

/// Reads into `to` until it holds `delimiter`; n is the bytes up to and including the first one,
/// none of them consumed. Looks at what `to` holds before it reads, and may read past the
/// delimiter: the next call finds that in `to`.
/// *Errors:* those of the stream, `eof` too if it ends before; `message_too_large` when `to` is
/// full (see `buffer::max_size`). With an error n is 0, and what was read stays in `to`.
/// *Cancellation:* as an error. *Lifetime:* stream, buffer and delimiter, until completion.
/// Precondition: the delimiter is not empty.
template <read_stream S>
task<io_result> read_until(S& s, buffer& to, std::string_view delimiter) {
    detail::expects(!delimiter.empty(), "read_until: the delimiter is empty");
    std::size_t from = 0;  // no delimiter starts before
    for (;;) {
        const std::size_t found = to.text().find(delimiter, from);
        if (found != std::string_view::npos) co_return io_result{{}, found + delimiter.size()};
        from = to.size() - std::min(to.size(), delimiter.size() - 1);
        const std::span<std::byte> room = detail::room_to_read(to);
        if (room.empty()) co_return io_result{errc::message_too_large, 0};
        const io_result r = co_await s.read_some(room);
        detail::expects_progress(r);
        to.commit(r.n);
        if (r.ec) co_return io_result{r.ec, 0};
    }
}

/// The same for a delimiter of one byte.
template <read_stream S>
task<io_result> read_until(S& s, buffer& to, char delimiter) {
    co_return co_await read_until(s, to, std::string_view(&delimiter, 1));
}

/// Reads into `to` until the stream ends, which is success; n is what was read.
/// *Errors:* those of the stream; `message_too_large` when `to` is full and yet more comes, of
/// which one byte is lost. What was read is in `to`, and n counts it.
/// *Cancellation:* as an error. *Lifetime:* stream and buffer, until completion.
template <read_stream S>
task<io_result> read_to_end(S& s, buffer& to) {
    io_result total;
    for (;;) {
        std::byte probe[1];
        std::span<std::byte> room = detail::room_to_read(to);
        const bool full = room.empty();
        if (full) room = probe;
        const io_result r = co_await s.read_some(room);
        detail::expects_progress(r);
        if (full && r.n > 0) {
            total.ec = errc::message_too_large;
            co_return total;
        }
        to.commit(r.n);
        total.n += r.n;
        if (r.ec == errc::eof) co_return total;
        if (r.ec) {
            total.ec = r.ec;
            co_return total;
        }
    }
}

/// Moves bytes from one stream to another until `from` ends, which is success; n is what was
/// written. One read and one write in turn, through `via`. `to` is neither flushed nor shut down:
/// do it if its peer should see the end. Both may be the same object (an echo).
/// *Errors:* those of both streams. *Cancellation:* `canceled`; n was written. With an error of
/// either kind up to `via.size()` bytes may have been read and not written; they are lost.
/// *Lifetime:* streams and `via`, until completion. Precondition: `via` is not empty.
template <read_stream From, write_stream To>
task<copy_result> copy_through(From& from, To& to, std::span<std::byte> via) {
    detail::expects(!via.empty(), "copy_through: the buffer is empty");
    copy_result total;
    for (;;) {
        const io_result in = co_await from.read_some(via);
        detail::expects_progress(in);
        for (std::size_t sent = 0; sent < in.n;) {
            const std::span<const std::byte> rest = via.subspan(sent, in.n - sent);
            const io_result out = co_await to.write_some(rest);
            detail::expects_progress(out);
            sent += out.n;
            total.n += out.n;
            if (out.ec) {
                total.ec = out.ec;
                co_return total;
            }
        }
        if (in.ec == errc::eof) co_return total;
        if (in.ec) {
            total.ec = in.ec;
            co_return total;
        }
    }
}

/// The same in pieces of at most 64 KiB. A stream that has a `read_chunk` (TCP, TLS) takes the
/// memory for one while there is something to move; for others it is allocated once a copy.
template <read_stream From, write_stream To>
task<copy_result> copy(From& from, To& to) {
    if constexpr (requires { from.read_chunk(); }) {
        copy_result total;
        for (;;) {
            const result<chunk> in = co_await from.read_chunk();
            if (!in && in.error() != errc::eof) total.ec = in.error();
            if (!in) co_return total;
            const io_result out = co_await write_all(to, std::span<const std::byte>(*in));
            total.n += out.n;
            total.ec = out.ec;
            if (out.ec) co_return total;
        }
    } else {
        const auto memory = std::make_unique_for_overwrite<std::byte[]>(chunk::capacity);
        const std::span<std::byte> via{memory.get(), chunk::capacity};
        co_return co_await copy_through(from, to, via);
    }
}

/// Reads and forgets until the stream ends, which is success; n is what was read. After
/// `shutdown_write` this waits until the peer is done too, so that closing resets nothing.
/// *Errors:* those of the stream. *Cancellation:* `canceled`; n was read.
template <read_stream S>
task<copy_result> discard_to_end(S& s) {
    constexpr std::size_t size = 16 * 1024;
    const auto memory = std::make_unique_for_overwrite<std::byte[]>(size);
    const std::span<std::byte> room{memory.get(), size};
    copy_result total;
    while (!total.ec) {
        const io_result r = co_await s.read_some(room);
        detail::expects_progress(r);
        total.n += r.n;
        total.ec = r.ec;
    }
    if (total.ec == errc::eof) total.ec.clear();
    co_return total;
}

}  // namespace copoll
