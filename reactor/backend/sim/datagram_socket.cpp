// SPDX-License-Identifier: MIT OR Apache-2.0
#include "datagram_socket.hpp"

#include <algorithm>
#include <chrono>

#include <copoll/detail/datagram_rules.hpp>

namespace copoll::backend {
inline namespace sim {
namespace {

/// A datagram under way, then perhaps the answer that nobody took it.
class flight final : public event_target, public std::enable_shared_from_this<flight> {
public:
    flight(network& net, std::weak_ptr<datagram_socket> sender, std::span<const std::byte> bytes,
           const ip::endpoint& from, const ip::endpoint& to)
        : net_(net), sender_(std::move(sender)), bytes_(bytes.begin(), bytes.end()), from_(from),
          to_(to) {}

    void begin(clock::duration detour) { travel(net_.arrival() + detour); }

    void occur() override {
        if (returning_) {
            if (const auto s = sender_.lock()) s->refused(to_);
            return;
        }
        const auto receiver = net_.find_datagram_socket(to_);
        if (receiver && receiver->arrive(std::move(bytes_), from_)) return;
        returning_ = true;
        travel(net_.arrival());
    }

private:
    void travel(clock::time_point at) {
        if (at > net_.now)
            net_.schedule(at, shared_from_this());
        else
            occur();
    }

    network& net_;
    std::weak_ptr<datagram_socket> sender_;
    std::vector<std::byte> bytes_;
    ip::endpoint from_;
    ip::endpoint to_;
    bool returning_ = false;
};

}  // namespace

datagram_socket::datagram_socket(network& n, const ip::endpoint& at)
    : bound(at), id(n.next_id()), net(n) {
    net.datagram_sockets.push_back(this);
    ++net.sockets;
}

void datagram_socket::close() {
    detail::expects(readable.armed == 0 && writable.armed == 0,
                    "a socket was closed while an operation on it is awaited");
    std::erase(net.datagram_sockets, this);
    --net.sockets;
}

ip::endpoint datagram_socket::local() const noexcept { return peer ? source(*peer) : bound; }

/// From a machine to itself: an address that is called is the caller's too.
ip::endpoint datagram_socket::source(const ip::endpoint& to) const noexcept {
    return {bound.address.is_unspecified() ? to.address : bound.address, bound.port};
}

std::error_code datagram_socket::route(const ip::endpoint& to) const noexcept {
    if (net.is_local(to.address) || net.is_blackhole(to.address)) return {};
    return errc::unreachable;
}

std::error_code datagram_socket::connect(const ip::endpoint& to) {
    if (const auto ec = route(to)) return ec;
    peer = to;
    pending_ = {};
    std::erase_if(queue_, [&](const received& r) { return r.from != to; });
    return {};
}

bool datagram_socket::arrive(std::vector<std::byte> bytes, const ip::endpoint& from) {
    if (peer && from != *peer) return false;
    if (queue_.size() < net.opts.datagram_queue) queue_.push_back({std::move(bytes), from});
    net.wake(readable);
    return true;
}

void datagram_socket::refused(const ip::endpoint& by) {
    if (peer != by) return;  // nobody to tell: the error is about an address
    pending_ = errc::connection_refused;
    net.wake(readable);
}

bool datagram_socket::receive(std::span<incoming_datagram> into, batch_result& result) {
    if (pending_) {
        result.ec = std::exchange(pending_, {});
        return true;
    }
    if (queue_.empty()) return false;
    result.n = std::min({into.size(), queue_.size(), detail::datagrams_at_once});
    if (net.opts.short_transfers) result.n = 1 + net.chance().pick(result.n);
    for (incoming_datagram& d : into.first(result.n)) {
        const received r = std::move(queue_.front());
        queue_.pop_front();
        d.size = std::min(r.bytes.size(), d.buffer.size());
        d.truncated = d.size < r.bytes.size();
        d.from = r.from;
        std::copy_n(r.bytes.begin(), d.size, d.buffer.begin());
    }
    return true;
}

void datagram_socket::send(std::span<const outgoing_datagram> all, batch_result& result) {
    if (pending_) {
        result.ec = std::exchange(pending_, {});
        return;
    }
    if (net.opts.short_transfers) all = all.first(1 + net.chance().pick(all.size()));
    for (const outgoing_datagram& d : all) {
        std::error_code ec = detail::unsendable(d, family(), peer);
        if (!ec) ec = route(d.to ? *d.to : *peer);
        if (ec) {
            if (result.n == 0) result.ec = ec;
            return;
        }
        launch(d.bytes, d.to ? *d.to : *peer);
        ++result.n;
    }
}

void datagram_socket::launch(std::span<const std::byte> bytes, const ip::endpoint& to) {
    const auto copies = net.chance().percent(net.opts.duplicate_percent) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
        if (net.is_blackhole(to.address) || net.chance().percent(net.opts.loss_percent)) continue;
        const bool late = net.chance().percent(net.opts.reorder_percent);
        std::make_shared<flight>(net, weak_from_this(), bytes, source(to), to)
            ->begin(late ? std::chrono::milliseconds{1} : clock::duration::zero());
    }
}

}  // namespace sim
}  // namespace copoll::backend
