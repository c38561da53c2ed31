// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <copoll/backend/context.hpp>
#include <copoll/backend/fd_op.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace asio {

/// A standard stream. O_NONBLOCK is never set on it: the flag belongs to the open file, which other
/// processes share (the shell would find its terminal changed). Each call is preceded by a poll(2)
/// that does not wait instead, or made with MSG_DONTWAIT on a socket.
class standard_fd {
public:
    /// Of the descriptor 0, 1 or 2.
    standard_fd(context& io, int number) noexcept;

    /// False: would block.
    bool read(std::span<std::byte> buffer, io_result& result) noexcept;
    bool write(std::span<const std::byte> bytes, io_result& result) noexcept;
    watched_fd& watched() noexcept { return fd_; }

private:
    /// What says how much may be written at once without blocking.
    enum class kind : std::uint8_t { file, socket, other };
    bool ready(short events) const noexcept;
    watched_fd fd_;  ///< a duplicate, for Asio to close
    std::error_code error_{};
    kind kind_ = kind::other;
};

class input {
public:
    static input open_stdin(context& io) noexcept { return input{io}; }

private:
    friend class input_read_op;
    explicit input(context& io) noexcept : fd_(io, 0) {}
    standard_fd fd_;
};

/// Ignores SIGPIPE, whose default is to kill the process when the reader of a pipe is gone; a
/// handler that the program has installed stays.
class output {
public:
    static output open_stdout(context& io) noexcept { return output{io, 1}; }
    static output open_stderr(context& io) noexcept { return output{io, 2}; }

private:
    friend class output_write_op;
    output(context& io, int number) noexcept;
    standard_fd fd_;
};

class input_read_op : public fd_op<input_read_op, io_result, readiness::read> {
public:
    input_read_op(input& in, std::span<std::byte> buffer) noexcept : in_(&in), buffer_(buffer) {}
    bool attempt() noexcept { return buffer_.empty() || in_->fd_.read(buffer_, result); }
    watched_fd& fd() noexcept { return in_->fd_.watched(); }

private:
    input* in_;
    std::span<std::byte> buffer_;
};

class output_write_op : public fd_op<output_write_op, io_result, readiness::write> {
public:
    output_write_op(output& out, std::span<const std::byte> bytes) noexcept
        : out_(&out), bytes_(bytes) {}
    bool attempt() noexcept { return bytes_.empty() || out_->fd_.write(bytes_, result); }
    watched_fd& fd() noexcept { return out_->fd_.watched(); }

private:
    output* out_;
    std::span<const std::byte> bytes_;
};

}  // namespace asio
}  // namespace copoll::backend
