// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/tcp.hpp>

#include <copoll/detail/unicast.hpp>

#include "connection.hpp"
#include "listening.hpp"

namespace copoll::backend {
inline namespace sim {
namespace {

constexpr std::size_t default_backlog = 128;

/// `attempt_call` on a connection. An injected reset is one: the peer sees it too.
template <class Op, class Body>
outcome stream_call(Op& op, context& io, call kind, connection& c, Body body) {
    bool reached = false;
    const outcome o = attempt_call(op, io.net(), kind, c.id, [&] {
        reached = true;
        return body();
    });
    const auto ec = detail::result_traits<decltype(op.result)>::error(op.result);
    if (o == outcome::done && !reached && ec == errc::connection_reset) c.cut();
    return o;
}

}  // namespace

tcp_socket::tcp_socket(std::shared_ptr<connection> c, unsigned side,
                       const option_values& options) noexcept
    : connection_(std::move(c)), side_(side), options_(options) {
    ++connection_->net().sockets;
}

tcp_socket& tcp_socket::operator=(tcp_socket&& other) noexcept {
    if (this == &other) return *this;
    close();
    connection_ = std::move(other.connection_);
    side_ = other.side_;
    options_ = other.options_;
    return *this;
}

void tcp_socket::close() noexcept {
    if (!connection_) return;
    if (options_[detail::socket_option::reset_on_close] != 0)
        connection_->abort(side_);
    else
        connection_->close(side_);
    --connection_->net().sockets;
    connection_.reset();
}

result<ip::endpoint> tcp_socket::local_endpoint() const noexcept {
    if (!connection_) return fail(errc::closed);
    return connection_->address(side_);
}

result<ip::endpoint> tcp_socket::remote_endpoint() const noexcept {
    if (!connection_) return fail(errc::closed);
    return connection_->address(1 - side_);
}

result<void> tcp_socket::set(detail::socket_option o, std::uint64_t value) noexcept {
    return set_option(connection_->net(), options_, o, value);
}
result<std::uint64_t> tcp_socket::get(detail::socket_option o) const noexcept {
    return get_option(connection_->net(), options_, o);
}

tcp_listener& tcp_listener::operator=(tcp_listener&& other) noexcept {
    if (this == &other) return *this;
    close();
    listening_ = std::move(other.listening_);
    return *this;
}

void tcp_listener::close() noexcept {
    if (!listening_) return;
    listening_->close();
    listening_.reset();
}

result<ip::endpoint> tcp_listener::local_endpoint() const noexcept {
    if (!listening_) return fail(errc::closed);
    return listening_->local;
}

result<void> tcp_listener::set(detail::socket_option o, std::uint64_t value) noexcept {
    return set_option(listening_->net, listening_->options, o, value);
}
result<std::uint64_t> tcp_listener::get(detail::socket_option o) const noexcept {
    return get_option(listening_->net, listening_->options, o);
}

// --- read, write, shutdown

wait_set& read_op::waits_on(context&) noexcept { return s_->connection_->readable(s_->side_); }
wait_set& read_chunk_op::waits_on(context&) noexcept {
    return s_->connection_->readable(s_->side_);
}
wait_set& write_op::waits_on(context&) noexcept { return s_->connection_->writable(s_->side_); }
wait_set& shutdown_op::waits_on(context&) noexcept { return s_->connection_->writable(s_->side_); }

outcome read_op::attempt(context& io) noexcept {
    detail::expects(s_->is_open(), "read of a stream that is closed");
    if (buffer_.empty()) return outcome::done;
    connection& c = *s_->connection_;
    detail::expects(armed() || c.readable(s_->side_).armed == 0, "two reads of a stream at a time");
    return stream_call(*this, io, call::read, c,
                       [&] { return c.read(s_->side_, buffer_, result); });
}

outcome read_chunk_op::attempt(context& io) noexcept {
    detail::expects(s_->is_open(), "read of a stream that is closed");
    connection& c = *s_->connection_;
    detail::expects(armed() || c.readable(s_->side_).armed == 0, "two reads of a stream at a time");
    return stream_call(*this, io, call::read, c, [&] {
        return detail::fill_chunk(io.chunks(), result, [&](auto buffer, io_result& r) {
            return c.read(s_->side_, buffer, r);
        });
    });
}

outcome write_op::attempt(context& io) noexcept {
    detail::expects(s_->is_open(), "write to a stream that is closed");
    if (bytes_.empty()) return outcome::done;
    connection& c = *s_->connection_;
    detail::expects(armed() || c.writable(s_->side_).armed == 0,
                    "two writes to a stream at a time");
    return stream_call(*this, io, call::write, c,
                       [&] { return c.write(s_->side_, bytes_, result); });
}

outcome shutdown_op::attempt(context& io) noexcept {
    detail::expects(s_->is_open(), "shutdown of a stream that is closed");
    connection& c = *s_->connection_;
    detail::expects(armed() || c.writable(s_->side_).armed == 0, "shutdown during a write");
    return stream_call(*this, io, call::shutdown, c, [&] {
        if (const auto ec = c.shutdown(s_->side_, direction_)) result = fail(ec);
        return true;
    });
}

// --- listen, accept, connect

wait_set& listen_op::waits_on(context& io) noexcept { return io.net().never; }
wait_set& accept_op::waits_on(context&) noexcept { return l_->listening_->acceptable; }
wait_set& connect_op::waits_on(context&) noexcept { return under_way_->answer; }

outcome listen_op::attempt(context& io) noexcept {
    network& net = io.net();
    return attempt_call(*this, net, call::listen, at_.port, [&] {
        if (!detail::bindable(at_.address)) {
            result = fail(errc::invalid_argument);
            return true;
        }
        if (options_.reuse_port) {
            result = fail(errc::not_supported);
            return true;
        }
        if (!at_.address.is_unspecified() && !net.is_local(at_.address)) {
            result = fail(errc::address_not_available);
            return true;
        }
        const std::uint16_t port = at_.port != 0 ? at_.port : net.free_port(at_.address);
        const ip::endpoint at{at_.address, port};
        if (port == 0 || net.in_use(at)) {
            result = fail(errc::address_in_use);
            return true;
        }
        const std::size_t backlog = options_.backlog != 0 ? options_.backlog : default_backlog;
        result = tcp_listener{std::make_shared<listening>(net, at, backlog)};
        return true;
    });
}

outcome accept_op::attempt(context& io) noexcept {
    detail::expects(l_->is_open(), "accept on a listener that is closed");
    listening& l = *l_->listening_;
    for (;;) {
        const outcome o = attempt_call(*this, io.net(), call::accept, l.id, [&] {
            auto c = l.accept();
            if (!c) return false;
            result = tcp_socket{std::move(c), 1, l.options};
            return true;
        });
        if (o == outcome::done && !result && result.error() == errc::connection_aborted) continue;
        return o;
    }
}

connect_op::~connect_op() {
    if (under_way_) under_way_->give_up();
}

outcome connect_op::attempt(context& io) noexcept {
    network& net = io.net();
    if (!under_way_) under_way_ = std::make_shared<connect_attempt>(net, to_);
    return attempt_call(*this, net, call::connect, to_.port, [&] {
        if (!detail::connectable(to_)) {
            result = fail(errc::invalid_argument);
            return true;
        }
        under_way_->begin();
        if (!under_way_->answered()) return false;
        if (const auto ec = under_way_->error())
            result = fail(ec);
        else
            result = tcp_socket{under_way_->take(), 0};
        return true;
    });
}

}  // namespace sim
}  // namespace copoll::backend
