// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/udp.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include <copoll/backend/linger.hpp>
#include <copoll/backend/stream.hpp>
#include <copoll/detail/datagram_rules.hpp>

#include "address.hpp"
#include "network.hpp"

namespace copoll::backend {
inline namespace wasi {
namespace {

using enum host::call;

result<resource<host::drop_udp>> create(ip::family family) noexcept {
    const auto r = host::returned<host::handle_result, host::raw::copoll_create_udp_socket, socket>(
        family == ip::family::v4 ? 0 : 1);
    if (r.tag != 0) return fail(to_error(r.code));
    return resource<host::drop_udp>{r.value};
}

/// What a datagram carries is in its slot, or in memory of its own: it was longer, or the program
/// has a cabi_realloc of its own.
void land(const host::incoming_datagram& from, incoming_datagram& to,
          std::span<const host::landing_slot> slots) noexcept {
    to.size = std::min<std::size_t>(from.size, to.buffer.size());
    to.truncated = from.size > to.size;
    to.from = to_endpoint(from.from);
    if (from.size == 0 || from.data == to.buffer.data()) return;
    if (to.size > 0) std::memmove(to.buffer.data(), from.data, to.size);
    const bool landed = std::any_of(slots.begin(), slots.end(),
                                    [&](const auto& slot) { return slot.at == from.data; });
    if (!landed) std::free(from.data);
}

}  // namespace

std::error_code udp_socket::open_streams(const std::optional<ip::endpoint>& peer) noexcept {
    const auto a = peer ? flatten(*peer) : host::flat_address{};
    host::connect_result r;
    host::raw::copoll_udp_stream(socket_.get(), peer ? 1 : 0, a.family, a.v[0], a.v[1], a.v[2],
                                 a.v[3], a.v[4], a.v[5], a.v[6], a.v[7], a.v[8], a.v[9], a.v[10],
                                 &r);
    host::count(r.tag == 0 ? datagram_streams : other);
    if (r.tag != 0) return to_error(r.code);
    incoming_ = resource<host::drop_incoming>{r.ok.input};
    outgoing_ = resource<host::drop_outgoing>{r.ok.output};
    peer_ = peer;
    drained_ = false;
    return {};
}

void udp_socket::drop_streams() noexcept {
    writable_.reset();
    readable_.reset();
    outgoing_.reset();
    incoming_.reset();
    in_flight_ = false;
}

void udp_socket::close() noexcept {
    readable_.reset();
    incoming_.reset();
    if (io_ && socket_ && !settled())
        return linger<udp_socket>::begin(*io_, std::move(*this));
    drop_streams();
    socket_.reset();
}

result<ip::endpoint> udp_socket::local_endpoint() const noexcept {
    if (!socket_) return fail(errc::closed);
    return to_endpoint(
        host::returned<host::address_result, host::raw::copoll_udp_local_address, other>(
            socket_.get()));
}

result<ip::endpoint> udp_socket::remote_endpoint() const noexcept {
    if (!socket_) return fail(errc::closed);
    return to_endpoint(
        host::returned<host::address_result, host::raw::copoll_udp_remote_address, other>(
            socket_.get()));
}

host::handle udp_socket::input_pollable() {
    if (!readable_)
        readable_ = pollable{
            host::counted<host::raw::copoll_incoming_subscribe, subscribe>(incoming_.get())};
    return readable_.get();
}

host::handle udp_socket::output_pollable() {
    if (!writable_)
        writable_ = pollable{
            host::counted<host::raw::copoll_outgoing_subscribe, subscribe>(outgoing_.get())};
    return writable_.get();
}

// --- receive

bool udp_socket::try_receive(std::span<incoming_datagram> into, batch_result& result) noexcept {
    detail::expects(is_open(), "receive from a socket that is closed");
    result = {};
    drained_ = false;
    if (into.empty()) return true;
    if (!incoming_) {
        result.ec = errc::closed;
        return true;
    }
    std::array<host::incoming_datagram, detail::datagrams_at_once> list;
    std::array<host::landing_slot, detail::datagrams_at_once> payloads;
    const std::size_t room = std::min(into.size(), payloads.size());
    for (std::size_t i = 0; i < room; ++i)
        payloads[i] = {into[i].buffer.data(), into[i].buffer.size()};
    const auto slots = std::span(payloads).first(room);

    const auto r = host::receive(incoming_.get(), list.data(), slots);
    if (r.tag != 0) {
        if (r.code == host::socket_error::would_block) return false;
        result.ec = to_error(r.code);
        return true;
    }
    // From the last: a host that asks for no memory for empty ones has what follows lie too early.
    for (std::size_t i = r.ok.size; i-- > 0;) land(r.ok.data[i], into[i], slots);
    if (r.ok.size > 0 && r.ok.data != list.data()) std::free(r.ok.data);
    result.n = r.ok.size;
    drained_ = result.n < room;
    return result.n > 0;
}

bool udp_receive_op::attempt() noexcept {
    if (from_peer_ && !s_->peer_) {
        result = fail(errc::invalid_state);
        return true;
    }
    incoming_datagram d{.buffer = buffer_};
    batch_result r;
    if (!s_->try_receive({&d, 1}, r)) return false;
    if (r.ec)
        result = fail(r.ec);
    else
        result = d;
    return true;
}

// --- send

std::size_t udp_socket::permit(std::error_code& ec) noexcept {
    const auto r = host::check_send(outgoing_.get());
    if (r.tag != 0) {
        if (r.code == host::socket_error::would_block) return 0;
        ec = to_error(r.code);
        in_flight_ = false;
        return 0;
    }
    if (r.ok > 0) in_flight_ = false;
    return static_cast<std::size_t>(std::min<std::uint64_t>(r.ok, detail::datagrams_at_once));
}

bool udp_socket::settled() noexcept {
    if (!outgoing_ || !in_flight_) return true;
    std::error_code ec;
    return permit(ec) > 0 || ec;
}

bool udp_socket::send_some(std::span<const outgoing_datagram> all, batch_result& result) noexcept {
    std::size_t n = detail::sendable(all, family_, peer_, result.ec);
    if (n == 0) return true;
    n = std::min(n, permit(result.ec));
    if (result.ec) return true;
    if (n == 0) return false;
    std::array<host::outgoing_datagram, detail::datagrams_at_once> list;
    for (std::size_t i = 0; i < n; ++i) {
        const outgoing_datagram& d = all[i];
        list[i] = {d.bytes.data(), static_cast<std::uint32_t>(d.bytes.size()), d.to.has_value(),
                   d.to ? to_address(*d.to) : host::socket_address{}};
    }
    const auto r = host::send(outgoing_.get(), std::span(list).first(n));
    in_flight_ = true;
    if (r.tag != 0) {
        if (r.code == host::socket_error::would_block) return false;
        result.ec = to_error(r.code);
        return true;
    }
    result.n = static_cast<std::size_t>(r.ok);
    return result.n > 0;
}

bool udp_socket::try_send(std::span<const outgoing_datagram> all, batch_result& result) noexcept {
    detail::expects(is_open(), "send with a socket that is closed");
    result = {};
    if (all.empty()) return true;
    if (!outgoing_) {
        result.ec = errc::closed;
        return true;
    }
    for (;;) {
        batch_result part;
        if (!send_some(all, part) && !(io_->yielded_to_host() && send_some(all, part)))
            return result.n > 0;
        if (part.ec) {
            if (result.n == 0) result.ec = part.ec;
            return true;
        }
        result.n += part.n;
        all = all.subspan(part.n);
        if (all.empty()) return true;
    }
}

bool udp_send_op::attempt() noexcept {
    batch_result r;
    if (!s_->try_send({&datagram_, 1}, r)) return false;
    if (r.ec) result = fail(r.ec);
    return true;
}

// --- open, connect

bool udp_open_op::start(context& io) noexcept {
    io_ = &io;
    const ip::family family = at_.address.family();
    if (detail::embeds_v4(at_.address) || (peer_ && !detail::addressable(*peer_, family))) {
        result = fail(errc::invalid_argument);
        return true;
    }
    auto s = create(family);
    if (!s) {
        result = fail(s.error());
        return true;
    }
    socket_ = *std::move(s);
    const auto a = flatten(at_);
    const auto r = host::returned<host::socket_status, host::raw::copoll_udp_start_bind, other>(
        socket_.get(), network(), a.family, a.v[0], a.v[1], a.v[2], a.v[3], a.v[4], a.v[5], a.v[6],
        a.v[7], a.v[8], a.v[9], a.v[10]);
    if (r.tag != 0) {
        result = fail(to_error(r.code));
        return true;
    }
    return attempt();
}

bool udp_open_op::attempt() noexcept {
    const auto r = host::returned<host::socket_status, host::raw::copoll_udp_finish_bind, other>(
        socket_.get());
    if (r.tag != 0 && r.code == host::socket_error::would_block) return false;
    if (r.tag != 0) {
        result = fail(to_error(r.code));
        return true;
    }
    pollable_.reset();
    udp_socket opened{*io_, std::move(socket_), at_.address.family()};
    if (const auto ec = opened.open_streams(peer_))
        result = fail(ec);
    else
        result = std::move(opened);
    return true;
}

host::handle udp_open_op::pollable() {
    if (!pollable_)
        pollable_ = wasi::pollable{
            host::counted<host::raw::copoll_udp_subscribe, subscribe>(socket_.get())};
    return pollable_.get();
}

bool udp_connect_op::attempt() noexcept {
    detail::expects(s_->is_open(), "connect of a socket that is closed");
    if (!detail::addressable(peer_, s_->family_)) {
        result = fail(errc::invalid_argument);
        return true;
    }
    if (!pause_) {
        if (!s_->settled()) return false;
        if (armed()) s_->io_->disarm(*this);  // from a pollable that goes now
        s_->drop_streams();
        // Wasmtime 48 reads ahead in a task of its own, which ends a moment after its stream, and
        // traps on new streams before that.
        constexpr std::int64_t pause = 2'000'000;
        pause_ = wasi::pollable{
            host::counted<host::raw::copoll_clock_subscribe_duration, timer>(pause)};
        return false;
    }
    if (const auto ec = s_->open_streams(peer_)) {
        result = fail(ec);
        (void)s_->open_streams(s_->peer_);  // without streams all it says is `closed`
    }
    return true;
}

}  // namespace wasi
}  // namespace copoll::backend
