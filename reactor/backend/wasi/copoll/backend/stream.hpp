// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include <copoll/backend/context.hpp>
#include <copoll/backend/profile.hpp>
#include <copoll/chunk.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace wasi {

/// The error of a stream call; drops the error resource that may come with it.
std::error_code to_error(const host::stream_failure& failure) noexcept;
std::error_code to_error(host::socket_error code) noexcept;

/// An input-stream with its pollable, made at the first wait and kept.
class input_stream {
public:
    input_stream() noexcept = default;
    input_stream(input_stream&&) noexcept = default;
    input_stream& operator=(input_stream&& other) noexcept {
        return replace(*this, std::move(other));
    }
    explicit input_stream(host::handle h) noexcept : stream_(h) {}

    /// False: nothing there. A read that comes back full goes on into the rest of `buffer`, so
    /// that the size asked for can start small (the host allocates and zeroes what is asked for)
    /// and a message still arrives in one piece. When that size is more than `buffer` has room for,
    /// the rest waits in a chunk of `pool` for the reads to come.
    bool try_read(std::span<std::byte> buffer, io_result& result,
                  copoll::detail::chunk_pool& pool) noexcept;
    /// The last read found less than there was room for, and nothing has been asked since.
    bool drained() const noexcept { return drained_ && ahead_.empty(); }
    host::handle pollable();
    /// Nothing is read any more.
    void drop_ahead() noexcept { ahead_ = {}; }

private:
    std::uint32_t request() const noexcept { return on_jco() ? largest_request : request_; }
    bool read_once(std::span<std::byte> buffer, io_result& result) noexcept;
    bool read_ahead(std::span<std::byte> buffer, io_result& result,
                    copoll::detail::chunk_pool& pool) noexcept;
    void adapt(std::size_t asked, std::size_t came) noexcept;
    std::size_t take_ahead(std::span<std::byte> buffer) noexcept;

    resource<host::drop_input> stream_;
    wasi::pollable pollable_;
    std::uint32_t request_ = smallest_request;  ///< bytes to ask for next; jco is asked for all
    bool drained_ = false;
    chunk ahead_;                     ///< what was read and not asked for yet,
    std::uint32_t ahead_begin_ = 0;   ///< from here on
    std::error_code pending_{};  ///< came after bytes; the next read reports it

    static constexpr std::uint32_t smallest_request = 1024;
    static constexpr std::uint32_t largest_request = 64 * 1024;
};

/// An output-stream with its pollable, made at the first wait and kept.
class output_stream {
public:
    output_stream() noexcept = default;
    output_stream(output_stream&&) noexcept = default;
    output_stream& operator=(output_stream&& other) noexcept {
        return replace(*this, std::move(other));
    }
    explicit output_stream(host::handle h) noexcept : stream_(h) {}

    /// False: the host takes nothing now.
    bool try_write(std::span<const std::byte> bytes, io_result& result) noexcept;
    /// True when what was written has left for the network, or never will. Only then may the
    /// stream be dropped or shut down: earlier, hosts lose the bytes or block the guest.
    bool settled() noexcept;
    /// As `settled`, where the host keeps what it took in a queue of its own: has it flushed first.
    bool flushed() noexcept;
    host::handle pollable();

private:
    /// The permit for one write, 0 for none; or an error.
    std::uint64_t permit(std::error_code& ec) noexcept;

    resource<host::drop_output> stream_;
    wasi::pollable pollable_;
    std::uint64_t room_ = 1;  ///< the permit that shows that the host holds nothing back
    bool in_flight_ = false;  ///< wrote since the last permit of that size
    bool unflushed_ = false;  ///< wrote since the last flush
};

}  // namespace wasi
}  // namespace copoll::backend
