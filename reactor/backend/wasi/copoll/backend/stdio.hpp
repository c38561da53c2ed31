// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <span>
#include <utility>

#include <copoll/backend/linger.hpp>
#include <copoll/backend/pollable_op.hpp>
#include <copoll/backend/stream.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace wasi {

class input {
public:
    static input open_stdin(context& io) {
        return input{io, host::counted<host::raw::copoll_get_stdin, host::call::other>()};
    }

private:
    friend class input_read_op;
    input(context& io, host::handle h) noexcept : io_(&io), stream_(h) {}
    bool try_read(std::span<std::byte> buffer, io_result& result) noexcept {
        return stream_.try_read(buffer, result, io_->chunks());
    }
    context* io_;
    input_stream stream_;
};

/// What was written when it is destroyed is still written out, in the background.
class output {
public:
    static output open_stdout(context& io) {
        return {io, host::counted<host::raw::copoll_get_stdout, host::call::other>()};
    }
    static output open_stderr(context& io) {
        return {io, host::counted<host::raw::copoll_get_stderr, host::call::other>()};
    }
    output(output&& other) noexcept = default;
    output& operator=(output&& other) noexcept { return replace(*this, std::move(other)); }
    ~output() {
        if (io_ && !settled()) linger<output>::begin(*io_, std::move(*this));
    }

private:
    friend class output_write_op;
    friend class linger<output>;
    output(context& io, host::handle h) noexcept : io_(&io), stream_(h) {}
    bool settled() noexcept { return stream_.flushed(); }
    host::handle output_pollable() { return stream_.pollable(); }
    void forget_context() noexcept { io_ = nullptr; }

    context* io_;
    output_stream stream_;
};

class input_read_op : public pollable_op<input_read_op, io_result> {
public:
    input_read_op(input& in, std::span<std::byte> buffer) noexcept : in_(&in), buffer_(buffer) {}
    bool attempt() noexcept { return buffer_.empty() || in_->try_read(buffer_, result); }
    host::handle pollable() { return in_->stream_.pollable(); }

private:
    input* in_;
    std::span<std::byte> buffer_;
};

class output_write_op : public pollable_op<output_write_op, io_result> {
public:
    output_write_op(output& out, std::span<const std::byte> bytes) noexcept
        : out_(&out), bytes_(bytes) {}
    bool attempt() noexcept {
        if (bytes_.empty()) return true;
        if (!out_->stream_.try_write(bytes_, result)) return false;
        if (!result.ec) out_->stream_.flushed();  // hosts keep text until its line ends: prompts
        return true;
    }
    host::handle pollable() { return out_->stream_.pollable(); }

private:
    output* out_;
    std::span<const std::byte> bytes_;
};

}  // namespace wasi
}  // namespace copoll::backend
