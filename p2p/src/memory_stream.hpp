// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include <copoll/buffer.hpp>
#include <copoll/event.hpp>
#include <copoll/stream.hpp>
#include <copoll/task.hpp>

namespace copoll::p2p::detail {

/// One direction of a connection in memory.
struct memory_pipe {
    static constexpr std::size_t capacity = 64 * 1024;

    buffer bytes;
    bool finished = false;   ///< by who writes
    bool abandoned = false;  ///< by who reads
    event changed;           ///< for the one that waits
};

/// An end of a connection in memory; a stream as TCP's is. Destroying it finishes it.
class memory_stream {
public:
    memory_stream(std::shared_ptr<memory_pipe> in, std::shared_ptr<memory_pipe> out) noexcept
        : in_(std::move(in)), out_(std::move(out)) {}
    memory_stream(memory_stream&&) noexcept = default;
    memory_stream& operator=(memory_stream&&) = delete;
    ~memory_stream();

    task<io_result> read_some(std::span<std::byte> into);
    task<io_result> write_some(std::span<const std::byte> bytes);
    task<result<void>> shutdown_write();

private:
    std::shared_ptr<memory_pipe> in_, out_;
};

static_assert(copoll::stream<memory_stream>);

struct memory_ends {
    memory_stream dialer, listener;
};
memory_ends make_memory_streams();

}  // namespace copoll::p2p::detail
