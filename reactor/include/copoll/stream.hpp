// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <span>

#include <copoll/check.hpp>
#include <copoll/operation.hpp>
#include <copoll/task.hpp>

/// What a stream is, and what can be done with any: TCP, TLS, a libp2p stream, your own.

namespace copoll {

/// An operation whose result is `io_result`.
template <class O>
concept io_operation = operation<O> && std::same_as<result_of<O>, io_result>;

/// `read_some(buffer)`: n >= 1, or an error; `eof` at the end. At most one read at a time.
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

/// Fills `buffer`. *Errors:* those of the stream, `eof` if it ends before; n is what was read.
/// *Cancellation:* n bytes are in the buffer. *Lifetime:* stream and buffer, until completion.
template <read_stream S>
task<io_result> read_exactly(S& s, std::span<std::byte> buffer) {
    io_result total;
    while (total.n < buffer.size() && !total.ec) {
        const io_result r = co_await s.read_some(buffer.subspan(total.n));
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
        total.n += r.n;
        total.ec = r.ec;
    }
    co_return total;
}

/// The bytes of a text.
inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
    return std::as_bytes(std::span(text));
}

}  // namespace copoll
