// SPDX-License-Identifier: MIT OR Apache-2.0
#include "memory_stream.hpp"

#include <algorithm>

#include <copoll/check.hpp>

namespace copoll::p2p::detail {

memory_stream::~memory_stream() {
    if (!in_) return;  // moved from
    in_->abandoned = true;
    in_->changed.set();
    out_->finished = true;
    out_->changed.set();
}

task<io_result> memory_stream::read_some(std::span<std::byte> into) {
    const auto pipe = in_;
    if (into.empty()) co_return io_result{};
    while (pipe->bytes.empty()) {
        if (pipe->finished) co_return io_result{copoll::errc::eof, 0};
        pipe->changed.reset();
        const auto waited = co_await pipe->changed.wait();
        if (!waited) co_return io_result{waited.error(), 0};
    }
    const auto data = std::as_const(pipe->bytes).data();
    const std::size_t n = std::min(data.size(), into.size());
    std::ranges::copy(data.first(n), into.begin());
    pipe->bytes.consume(n);
    pipe->changed.set();
    co_return io_result{{}, n};
}

task<io_result> memory_stream::write_some(std::span<const std::byte> bytes) {
    const auto pipe = out_;
    for (;;) {
        if (pipe->finished) co_return io_result{copoll::errc::closed, 0};
        if (pipe->abandoned) co_return io_result{copoll::errc::connection_reset, 0};
        const std::size_t room = memory_pipe::capacity - pipe->bytes.size();
        const std::size_t n = std::min(room, bytes.size());
        pipe->bytes.append(bytes.first(n));
        if (n > 0) pipe->changed.set();
        if (n > 0 || bytes.empty()) co_return io_result{{}, n};
        pipe->changed.reset();
        const auto waited = co_await pipe->changed.wait();
        if (!waited) co_return io_result{waited.error(), 0};
    }
}

task<result<void>> memory_stream::shutdown_write() {
    out_->finished = true;
    out_->changed.set();
    co_return result<void>{};
}

memory_ends make_memory_streams() {
    auto there = std::make_shared<memory_pipe>();
    auto back = std::make_shared<memory_pipe>();
    return {memory_stream{back, there}, memory_stream{there, back}};
}

}  // namespace copoll::p2p::detail
