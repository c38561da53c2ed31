// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/udp.hpp>

#include <copoll/detail/datagram_rules.hpp>

#include "datagram_socket.hpp"

namespace copoll::backend {
inline namespace sim {
namespace {

/// What `attempt_call` needs of an operation.
struct batch_call {
    batch_result result;
};

}  // namespace

udp_socket& udp_socket::operator=(udp_socket&& other) noexcept {
    if (this == &other) return *this;
    close();
    socket_ = std::move(other.socket_);
    return *this;
}

void udp_socket::close() noexcept {
    if (!socket_) return;
    socket_->close();
    socket_.reset();
}

result<ip::endpoint> udp_socket::local_endpoint() const noexcept {
    if (!socket_) return fail(errc::closed);
    return socket_->local();
}

result<ip::endpoint> udp_socket::remote_endpoint() const noexcept {
    if (!socket_) return fail(errc::closed);
    if (!socket_->peer) return fail(errc::invalid_state);
    return *socket_->peer;
}

result<void> udp_socket::set(detail::socket_option o, std::uint64_t value) noexcept {
    return set_option(socket_->net, socket_->options, o, value);
}
result<std::uint64_t> udp_socket::get(detail::socket_option o) const noexcept {
    return get_option(socket_->net, socket_->options, o);
}

// --- receive, send

outcome udp_socket::receive(context& io, const waiter& w, std::span<incoming_datagram> into,
                            batch_result& result) noexcept {
    detail::expects(is_open(), "receive from a socket that is closed");
    detail::expects(w.armed() || socket_->readable.armed == 0,
                    "two receives from a socket at a time");
    result = {};
    if (into.empty()) return outcome::done;
    batch_call op;
    const outcome o = attempt_call(op, io.net(), call::receive, socket_->id,
                                   [&] { return socket_->receive(into, op.result); });
    result = op.result;
    return o;
}

outcome udp_socket::send(context& io, const waiter& w, std::span<const outgoing_datagram> all,
                         batch_result& result) noexcept {
    detail::expects(is_open(), "send with a socket that is closed");
    detail::expects(w.armed() || socket_->writable.armed == 0, "two sends with a socket at a time");
    result = {};
    if (all.empty()) return outcome::done;
    batch_call op;
    const outcome o = attempt_call(op, io.net(), call::send, socket_->id, [&] {
        socket_->send(all, op.result);
        return true;
    });
    result = op.result;
    return o;
}

wait_set& udp_receive_op::waits_on(context&) noexcept { return s_->socket_->readable; }
wait_set& udp_receive_batch_op::waits_on(context&) noexcept { return s_->socket_->readable; }
wait_set& udp_send_op::waits_on(context&) noexcept { return s_->socket_->writable; }
wait_set& udp_send_batch_op::waits_on(context&) noexcept { return s_->socket_->writable; }

outcome udp_receive_op::attempt(context& io) noexcept {
    if (from_peer_ && s_->is_open() && !s_->socket_->peer) {
        result = fail(errc::invalid_state);
        return outcome::done;
    }
    incoming_datagram d{.buffer = buffer_};
    batch_result r;
    const outcome o = s_->receive(io, *this, {&d, 1}, r);
    if (o != outcome::done) return o;
    if (r.ec)
        result = fail(r.ec);
    else
        result = d;
    return o;
}

outcome udp_send_op::attempt(context& io) noexcept {
    batch_result r;
    const outcome o = s_->send(io, *this, {&datagram_, 1}, r);
    if (o == outcome::done && r.ec) result = fail(r.ec);
    return o;
}

// --- open, connect

wait_set& udp_open_op::waits_on(context& io) noexcept { return io.net().never; }
wait_set& udp_connect_op::waits_on(context& io) noexcept { return io.net().never; }

outcome udp_open_op::attempt(context& io) noexcept {
    network& net = io.net();
    return attempt_call(*this, net, call::bind, at_.port, [&] {
        if (detail::embeds_v4(at_.address) ||
            (peer_ && !detail::addressable(*peer_, at_.address.family()))) {
            result = fail(errc::invalid_argument);
            return true;
        }
        if (!at_.address.is_unspecified() && !net.is_local(at_.address)) {
            result = fail(errc::address_not_available);
            return true;
        }
        const std::uint16_t port = at_.port != 0 ? at_.port : net.free_datagram_port(at_.address);
        const ip::endpoint at{at_.address, port};
        if (port == 0 || net.datagram_port_in_use(at)) {
            result = fail(errc::address_in_use);
            return true;
        }
        udp_socket opened{std::make_shared<datagram_socket>(net, at)};
        const auto ec = peer_ ? opened.socket_->connect(*peer_) : std::error_code{};
        if (ec)
            result = fail(ec);
        else
            result = std::move(opened);
        return true;
    });
}

outcome udp_connect_op::attempt(context& io) noexcept {
    detail::expects(s_->is_open(), "connect of a socket that is closed");
    datagram_socket& s = *s_->socket_;
    return attempt_call(*this, io.net(), call::connect, s.id, [&] {
        if (!detail::addressable(peer_, s.family()))
            result = fail(errc::invalid_argument);
        else if (const auto ec = s.connect(peer_))
            result = fail(ec);
        return true;
    });
}

}  // namespace sim
}  // namespace copoll::backend
