// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <copoll/backend/context.hpp>
#include <copoll/backend/stream.hpp>
#include <copoll/chunk.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace wasi {

/// The sending side of a connection: collects what is written during a turn of the loop and hands
/// it to the host at the turn's end, in one call.
///
/// WASI has no TCP_NODELAY. A message that leaves in pieces would wait in between for an
/// acknowledgement that the peer delays (Nagle's algorithm), 40 ms each time. See
/// docs/design/009-corked-writes.md.
class tcp_output final : waiter {
public:
    tcp_output(context& io, host::handle output) noexcept : io_(&io), stream_(output) {
        on_ready_ = [](waiter& w) noexcept { static_cast<tcp_output&>(w).send_again(); };
    }
    ~tcp_output() { stop_waiting(); }
    /// Blocks that came from the heap so far.
    static std::uint64_t allocations() noexcept;
    static void* operator new(std::size_t size);
    static void operator delete(void* memory) noexcept;

    /// Takes at least one byte, and all that fit. False: there is no room now.
    bool try_write(std::span<const std::byte> bytes, io_result& result) noexcept;
    /// Sends what is held as far as the host takes it. True when nothing is left to send, with the
    /// host neither, or nothing ever will: only then may the stream be dropped or shut down.
    bool settled() noexcept;
    /// Drops what is held. What the host has taken already it sends.
    void discard() noexcept { held_.clear(); }
    /// Of what was taken before: it will never arrive.
    std::error_code error() const noexcept { return error_; }
    host::handle pollable() { return stream_.pollable(); }

    /// On a host whose sockets end when their output-stream is dropped. Precondition: settled.
    void drop() noexcept { stream_ = {}; }

    /// Nothing is sent by itself any more.
    void stop_waiting() noexcept;

private:
    /// What was taken and not sent: little at first, in a chunk when it is more.
    class held_bytes {
    public:
        ~held_bytes() { clear(); }
        bool empty() const noexcept { return begin_ == end_; }
        std::span<const std::byte> data() const noexcept { return {at_ + begin_, end_ - begin_}; }
        std::size_t append(std::span<const std::byte> bytes, context& io) noexcept;
        void consume(std::size_t n) noexcept;
        void clear() noexcept;

    private:
        void make_room(std::size_t wanted, context& io) noexcept;
        std::byte* at_ = nullptr;  ///< a small block, or that of `large_`
        std::uint32_t begin_ = 0, end_ = 0, capacity_ = 0;
        chunk large_;
    };

    void send_again() noexcept;
    /// False: the host takes no more now. True: all is sent, or nothing ever will be.
    bool send() noexcept;

    context* io_;
    output_stream stream_;
    held_bytes held_;
    bool polled_ = false;  ///< armed because the host took no more; else for the end of the turn
    std::error_code error_{};  ///< of what was taken before; each later write reports it
};

}  // namespace wasi
}  // namespace copoll::backend
