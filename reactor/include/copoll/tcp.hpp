// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <copoll/backend/tcp.hpp>
#include <copoll/check.hpp>
#include <copoll/chunk.hpp>
#include <copoll/detail/io_op.hpp>
#include <copoll/detail/tcp_types.hpp>
#include <copoll/ip.hpp>
#include <copoll/socket_options.hpp>
#include <copoll/task.hpp>
#include <copoll/time.hpp>

/// TCP. Each function returns an operation to `co_await`; nothing happens before that. A stream
/// has at most one read and one write (or shutdown) awaited at a time, and must not move meanwhile.
///
/// The operations are classes of the backend, so the functions return `auto`; what an operation
/// gives stands in its comment.

namespace copoll {

/// A connected TCP stream. Destroying it closes the connection; bytes that were written are still
/// delivered, in the background, as long as the loop runs.
class tcp_stream : public tcp_options<tcp_stream> {
public:
    /// Connects; gives `result<tcp_stream>`. *Errors:* `connection_refused`, `unreachable`,
    /// `timed_out`, `access_denied`, `invalid_argument` for port 0 and addresses of no host.
    /// *Cancellation:* gives the attempt up; no connection comes out of it.
    static auto connect(const ip::endpoint& to) noexcept {
        return detail::io_op<backend::connect_op, tcp_stream>{std::in_place, to};
    }

    /// Reads what is there, at most `buffer.size()` bytes; gives `io_result`. *Completes:* with
    /// n >= 1, or with an error and n == 0; an empty buffer completes at once with n == 0.
    /// *Errors:* `eof` when the peer has shut down, `connection_reset`.
    /// *Cancellation:* no byte is lost. *Lifetime:* `buffer` stays valid until completion.
    auto read_some(std::span<std::byte> buffer) noexcept {
        return detail::io_op<backend::read_op>{std::in_place, socket_, buffer};
    }

    /// As `read_some`, into memory of the loop's pool; gives `result<chunk>` with at least one
    /// byte. The memory is taken when there is something to read, so a connection that waits holds
    /// none, and what is read goes where the cache is warm.
    auto read_chunk() noexcept {
        return detail::io_op<backend::read_chunk_op>{std::in_place, socket_};
    }

    /// Writes at least one byte; gives `io_result`. The bytes are then the host's.
    /// *Errors:* `connection_reset` when the peer is gone, `closed` after `shutdown_write`.
    /// *Cancellation:* n is what was written.
    /// *Lifetime:* `bytes` stay valid until completion.
    auto write_some(std::span<const std::byte> bytes) noexcept {
        return detail::io_op<backend::write_op>{std::in_place, socket_, bytes};
    }

    /// Shuts down `direction::read`, `write` or `both`; gives `result<void>`. What was written is
    /// sent first.
    auto shutdown(direction d) noexcept {
        return detail::io_op<backend::shutdown_op>{std::in_place, socket_, d};
    }

    /// Tells the peer that no more bytes come (FIN), behind all that was written; gives
    /// `result<void>`. Reading goes on.
    auto shutdown_write() noexcept { return shutdown(direction::write); }

    /// Closes now; the same as destroying the stream. Nothing may be awaited on it.
    void close() noexcept { socket_.close(); }
    /// Closes now, and drops what was written and has not been sent. The peer sees a reset where
    /// the platform can be asked for one (not on WASI). Nothing may be awaited on it.
    void abort() noexcept { socket_.abort(); }
    bool is_open() const noexcept { return socket_.is_open(); }

    result<ip::endpoint> local_endpoint() const noexcept { return socket_.local_endpoint(); }
    result<ip::endpoint> remote_endpoint() const noexcept { return socket_.remote_endpoint(); }

    /// Whether small writes go out at once rather than wait for the acknowledgement of earlier ones
    /// (Nagle's algorithm). On from the start; WASI has no such option, there both give
    /// `not_supported`, and a message is written in one piece: `with_cork`, `buffered_writer`.
    result<void> set_no_delay(bool on) noexcept {
        return set(detail::socket_option::no_delay, on, true);
    }
    result<bool> no_delay() const noexcept { return get<bool>(detail::socket_option::no_delay); }

    /// Whether closing throws away what was not sent and resets the connection: SO_LINGER of 0 s.
    /// A longer one would block the loop in `close`. `not_supported` on WASI.
    result<void> set_reset_on_close(bool on) noexcept {
        return set(detail::socket_option::reset_on_close, on, true);
    }
    result<bool> reset_on_close() const noexcept {
        return get<bool>(detail::socket_option::reset_on_close);
    }

    explicit tcp_stream(backend::tcp_socket socket) noexcept : socket_(std::move(socket)) {}

private:
    friend class socket_options<tcp_stream>;
    result<void> set_option(detail::socket_option o, std::uint64_t value) noexcept {
        return socket_.set(o, value);
    }
    result<std::uint64_t> get_option(detail::socket_option o) const noexcept {
        return socket_.get(o);
    }

    backend::tcp_socket socket_;
};

/// A socket that accepts connections.
class tcp_listener : public tcp_options<tcp_listener> {
public:
    /// Binds and listens; gives `result<tcp_listener>`. Port 0 takes a free one, see
    /// `local_endpoint`. An IPv6 listener takes IPv6 only: for both, listen twice. The address can
    /// be taken again right after a listener closed (SO_REUSEADDR).
    /// *Errors:* `address_in_use`, `address_not_available`, `access_denied`; `not_supported` for
    /// `reuse_port` where there is no such thing.
    static auto bind(const ip::endpoint& at, const listen_options& options = {}) noexcept {
        return detail::io_op<backend::listen_op, tcp_listener>{std::in_place, at, options};
    }

    /// Waits for a connection. A connection that its peer gave up before it was accepted is
    /// skipped. While there is no descriptor or memory for one it tries again, every 10 to 100 ms:
    /// connections wait in the backlog meanwhile. *Cancellation:* accepts nothing.
    task<result<tcp_stream>> accept() {
        constexpr std::chrono::milliseconds longest_pause{100};
        for (std::chrono::milliseconds pause{10};; pause = std::min(2 * pause, longest_pause)) {
            auto r = co_await detail::io_op<backend::accept_op, tcp_stream>{std::in_place, socket_};
            if (r || (r.error() != errc::too_many_open && r.error() != errc::out_of_memory))
                co_return r;
            co_await check(sleep_for(pause));
        }
    }

    /// Nothing may be awaited on it.
    void close() noexcept { socket_.close(); }
    bool is_open() const noexcept { return socket_.is_open(); }

    result<ip::endpoint> local_endpoint() const noexcept { return socket_.local_endpoint(); }

    explicit tcp_listener(backend::tcp_listener socket) noexcept : socket_(std::move(socket)) {}

private:
    friend class socket_options<tcp_listener>;
    result<void> set_option(detail::socket_option o, std::uint64_t value) noexcept {
        return socket_.set(o, value);
    }
    result<std::uint64_t> get_option(detail::socket_option o) const noexcept {
        return socket_.get(o);
    }

    backend::tcp_listener socket_;
};

}  // namespace copoll
