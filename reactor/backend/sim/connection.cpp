// SPDX-License-Identifier: MIT OR Apache-2.0
#include "connection.hpp"

#include <algorithm>
#include <cstring>

namespace copoll::backend {
inline namespace sim {

void byte_queue::push(std::span<const std::byte> bytes) {
    if (bytes_.empty()) bytes_.resize(capacity_);
    const std::size_t tail = (head_ + size_) % capacity_;
    const std::size_t first = std::min(bytes.size(), capacity_ - tail);
    std::memcpy(bytes_.data() + tail, bytes.data(), first);
    std::memcpy(bytes_.data(), bytes.data() + first, bytes.size() - first);
    size_ += bytes.size();
}

void byte_queue::pop(std::span<std::byte> to) noexcept {
    const std::size_t first = std::min(to.size(), capacity_ - head_);
    std::memcpy(to.data(), bytes_.data() + head_, first);
    std::memcpy(to.data() + first, bytes_.data(), to.size() - first);
    drop(to.size());
}

void byte_queue::drop(std::size_t n) noexcept {
    head_ = (head_ + n) % capacity_;
    size_ -= n;
}

connection::connection(network& net, const ip::endpoint& from, const ip::endpoint& to)
    : id(net.next_id()),
      net_(net),
      ends_{end{from, net.opts.capacity}, end{to, net.opts.capacity}} {
    net_.connections.emplace(id, this);
}

connection::~connection() { net_.connections.erase(id); }

bool connection::read(unsigned side, std::span<std::byte> buffer, io_result& result) {
    end& e = ends_[side];
    if (bytes_read_ >= net_.opts.reset_after) cut();
    if (e.reset) {
        result.ec = errc::connection_reset;
        return true;
    }
    if (e.arrived == 0 || e.read_shut) {
        if (!e.fin && !e.read_shut) return false;
        result.ec = errc::eof;
        return true;
    }
    std::uint64_t n =
        std::min<std::uint64_t>({e.arrived, buffer.size(), net_.opts.reset_after - bytes_read_});
    if (net_.opts.short_transfers) n = 1 + net_.chance().below(n);
    result.n = static_cast<std::size_t>(n);
    e.incoming.pop(buffer.first(result.n));
    e.arrived -= result.n;
    bytes_read_ += n;
    net_.wake(other(side).writable);
    return true;
}

bool connection::write(unsigned side, std::span<const std::byte> bytes, io_result& result) {
    end& e = ends_[side];
    end& peer = other(side);
    if (e.write_shut || e.reset || e.write_broken) {
        result.ec = e.write_shut ? errc::closed : errc::connection_reset;
        return true;
    }
    std::size_t n = std::min(bytes.size(), peer.incoming.room());
    if (n == 0) return false;
    if (net_.opts.short_transfers) n = 1 + net_.chance().pick(n);
    result.n = n;
    peer.incoming.push(bytes.first(n));
    send(1 - side, segment::bytes, n);
    return true;
}

std::error_code connection::shutdown(unsigned side, direction d) {
    end& e = ends_[side];
    if (e.reset) return errc::connection_reset;
    if (d != direction::write && !e.read_shut) {
        e.read_shut = true;
        e.incoming.drop(std::exchange(e.arrived, 0));
        net_.wake(e.readable);
        net_.wake(other(side).writable);
    }
    if (d != direction::read && !e.write_shut) {
        e.write_shut = true;
        send(1 - side, segment::fin);
    }
    return {};
}

void connection::close(unsigned side) {
    end& e = ends_[side];
    detail::expects(e.readable.armed == 0 && e.writable.armed == 0,
                    "a stream was closed while an operation on it is awaited");
    if (e.arrived > 0) return refuse(side);
    e.open = false;
    if (!e.write_shut && !e.reset) send(1 - side, segment::fin);
}

void connection::refuse(unsigned side) {
    end& e = ends_[side];
    e.open = false;
    e.incoming.drop(std::exchange(e.arrived, 0));
    if (!e.reset) send(1 - side, segment::reset);
}

void connection::abort(unsigned side) {
    end& e = ends_[side];
    detail::expects(e.readable.armed == 0 && e.writable.armed == 0,
                    "a stream was closed while an operation on it is awaited");
    refuse(side);
}

void connection::cut() {
    for (end& e : ends_) become_reset(e);
}

/// Real receivers may keep what had arrived before the reset, or not. Here it is always lost, so
/// that nobody relies on it.
void connection::become_reset(end& e) {
    e.reset = true;
    e.arrived = 0;
    e.incoming.drop(e.incoming.size());
    e.on_the_way.clear();
    net_.wake(e.readable);
    net_.wake(e.writable);
}

void connection::send(unsigned to, segment what, std::size_t n) {
    end& e = ends_[to];
    if (e.reset) return;
    const clock::time_point at = net_.arrival();
    e.on_the_way.push_back({at, what, n});
    if (at > net_.now)
        net_.schedule(at, shared_from_this());
    else
        deliver(to);
}

void connection::occur() {
    deliver(0);
    deliver(1);
}

void connection::deliver(unsigned side) {
    end& e = ends_[side];
    while (!e.on_the_way.empty() && e.on_the_way.front().at <= net_.now) {
        const arrival a = e.on_the_way.front();
        e.on_the_way.pop_front();
        switch (a.what) {
            case segment::bytes:
                if (e.open && !e.read_shut) {
                    e.arrived += a.n;
                    net_.wake(e.readable);
                    break;
                }
                e.incoming.drop(a.n);
                net_.wake(other(side).writable);
                if (!e.open) send(1 - side, segment::rejected);
                break;
            case segment::fin:
                e.fin = true;
                net_.wake(e.readable);
                break;
            case segment::reset: become_reset(e); break;
            case segment::rejected:
                e.write_broken = true;
                net_.wake(e.writable);
                break;
        }
    }
}

}  // namespace sim
}  // namespace copoll::backend
