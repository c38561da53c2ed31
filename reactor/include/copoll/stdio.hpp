// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include <copoll/backend/stdio.hpp>
#include <copoll/detail/io_op.hpp>
#include <copoll/loop.hpp>

/// The standard streams, without blocking the loop. Open each at most once at a time, and don't mix
/// with <cstdio> on the same stream.

namespace copoll {

/// A read_stream over standard input.
class stdin_stream {
public:
    explicit stdin_stream(loop& owner) : in_(backend::input::open_stdin(owner.io())) {}

    /// As `tcp_stream::read_some`.
    auto read_some(std::span<std::byte> buffer) noexcept {
        return detail::io_op<backend::input_read_op>{std::in_place, in_, buffer};
    }

private:
    backend::input in_;
};

/// A write_stream over standard output or standard error.
class stdout_stream {
public:
    explicit stdout_stream(loop& owner) : out_(backend::output::open_stdout(owner.io())) {}

    /// As `tcp_stream::write_some`; `closed` when the reader of a pipe is gone.
    auto write_some(std::span<const std::byte> bytes) noexcept {
        return detail::io_op<backend::output_write_op>{std::in_place, out_, bytes};
    }

protected:
    explicit stdout_stream(backend::output out) : out_(std::move(out)) {}

private:
    backend::output out_;
};

class stderr_stream : public stdout_stream {
public:
    explicit stderr_stream(loop& owner)
        : stdout_stream(backend::output::open_stderr(owner.io())) {}
};

}  // namespace copoll
