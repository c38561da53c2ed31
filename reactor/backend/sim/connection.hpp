// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include <copoll/detail/tcp_types.hpp>
#include <copoll/ip.hpp>

#include "network.hpp"

namespace copoll::backend {
inline namespace sim {

/// A queue of bytes in an array that is made at the first push.
class byte_queue {
public:
    explicit byte_queue(std::size_t capacity) noexcept : capacity_(capacity) {}
    std::size_t size() const noexcept { return size_; }
    std::size_t room() const noexcept { return capacity_ - size_; }
    /// Precondition: `bytes.size() <= room()`.
    void push(std::span<const std::byte> bytes);
    /// Precondition: `to.size() <= size()`.
    void pop(std::span<std::byte> to) noexcept;
    void drop(std::size_t n) noexcept;

private:
    std::size_t capacity_;
    std::size_t head_ = 0;
    std::size_t size_ = 0;
    std::vector<std::byte> bytes_;
};

/// Both ends of a TCP connection. Side 0 connected, side 1 was accepted.
class connection final : public event_target, public std::enable_shared_from_this<connection> {
public:
    connection(network& net, const ip::endpoint& from, const ip::endpoint& to);
    ~connection() override;

    const std::uint64_t id;

    const ip::endpoint& address(unsigned side) const noexcept { return ends_[side].address; }
    wait_set& readable(unsigned side) noexcept { return ends_[side].readable; }
    wait_set& writable(unsigned side) noexcept { return ends_[side].writable; }
    bool is_reset(unsigned side) const noexcept { return ends_[side].reset; }
    network& net() const noexcept { return net_; }

    /// False: would block.
    bool read(unsigned side, std::span<std::byte> buffer, io_result& result);
    bool write(unsigned side, std::span<const std::byte> bytes, io_result& result);
    std::error_code shutdown(unsigned side, direction d);
    /// The handle of this side is gone.
    void close(unsigned side);
    /// Gone without having been accepted.
    void refuse(unsigned side);
    /// `close` with a reset: what is under way is lost with it.
    void abort(unsigned side);
    /// The connection breaks: both sides see a reset now.
    void cut();

    void occur() override;

private:
    /// What travels towards an end, in order. `rejected` answers bytes that came to an end that was
    /// closed: it breaks writing; what came before it can still be read.
    enum class segment : std::uint8_t { bytes, fin, reset, rejected };
    struct arrival {
        clock::time_point at;
        segment what;
        std::size_t n;
    };
    struct end {
        explicit end(const ip::endpoint& a, std::size_t capacity) noexcept
            : address(a), incoming(capacity) {}
        ip::endpoint address;
        byte_queue incoming;  // what has arrived, then what is on the way
        std::size_t arrived = 0;
        std::deque<arrival> on_the_way;
        bool open = true;
        bool fin = false;  // the peer's has arrived
        bool reset = false;
        bool write_broken = false;
        bool read_shut = false;
        bool write_shut = false;
        wait_set readable;
        wait_set writable;
    };

    end& other(unsigned side) noexcept { return ends_[1 - side]; }
    void send(unsigned to, segment what, std::size_t n = 0);
    void deliver(unsigned side);
    void become_reset(end& e);

    network& net_;
    end ends_[2];
    std::uint64_t bytes_read_ = 0;
};

}  // namespace sim
}  // namespace copoll::backend
