// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>
#include <variant>

#include <copoll/check.hpp>
#include <copoll/detail/next_turn.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "host_state.hpp"

namespace copoll::p2p {
namespace {

/// Of a connection that has ended.
constexpr clock::duration patience_with_handlers = std::chrono::seconds{5};
constexpr clock::duration between_expiries = std::chrono::minutes{1};
/// At a connection that ends with its streams.
constexpr clock::duration between_looks = std::chrono::seconds{1};

}  // namespace

// ---- Incoming

task<result<void>> host::state::take_transport_events() {
    for (;;) {
        auto next = co_await transport.next_event();
        if (!next && next.error() == copoll::errc::closed) {
            transport_ended = true;
            fewer.set();
            co_return {};
        }
        transport_event event = co_await check(std::move(next));
        if (auto* from = std::get_if<incoming>(&event)) {
            let_in(std::move(*from));
            continue;
        }
        std::visit([this]<class Event>(const Event& e) {
            if constexpr (!std::same_as<Event, incoming>) tell(e);
        }, event);
        changed();
    }
}

void host::state::refuse(const multiaddr& remote, std::error_code why) {
    ++refused_connections;
    tell(incoming_failed{remote, why});
}

void host::state::let_in(incoming from) {
    if (!is_open()) return;
    auto ticket = door.secure(from.remote);
    if (!ticket) return refuse(from.remote, errc::too_many_connections);
    tasks->spawn(take_incoming(std::move(from), *std::move(ticket)));
}

bool host::state::admits(const connection& c, const multiaddr& remote) const {
    return !options.admits || options.admits(c.remote_peer(), remote);
}

task<void> host::state::take_incoming(incoming from, detail::admission::securing_ticket ticket) {
    const multiaddr remote = from.remote;
    auto made = co_await transport.accept(std::move(from));
    {
        const auto done_with = std::move(ticket);
    }
    if (!is_open()) co_return;
    if (!made) co_return tell(incoming_failed{remote, made.error()});
    const bool welcome = made->remote_peer() != own.id() && admits(*made, remote);
    if (!welcome) co_return refuse(remote, copoll::errc::access_denied);
    auto admitted = door.connect_in(made->remote_peer(), remote);
    if (!admitted) co_return refuse(remote, errc::too_many_connections);
    co_await run_connection(adopt(*std::move(made), {}, *std::move(admitted)));
}

// ---- Outgoing

host::state::connection_ptr host::state::usable(const peer_id& peer) const noexcept {
    const auto found = std::ranges::find_if(connections, [&](const connection_ptr& c) {
        return c->peer() == peer && c->usable();
    });
    return found == connections.end() ? nullptr : *found;
}

/// For an address that does not say whose it is.
host::state::connection_ptr host::state::dialed_before(const multiaddr& at) const noexcept {
    const auto found = std::ranges::find_if(connections, [&](const connection_ptr& c) {
        return std::ranges::find(c->dialed, at) != c->dialed.end() && c->usable();
    });
    return found == connections.end() ? nullptr : *found;
}

task<result<host::state::connection_ptr>> host::state::reach(std::optional<peer_id> peer,
                                                             addresses at) {
    if (peer == own.id()) co_return fail(errc::wrong_peer);
    for (;;) {
        if (!is_open()) co_return fail(copoll::errc::closed);
        if (!peer) {
            if (auto c = dialed_before(at.front())) co_return c;
            co_return co_await dial(peer, std::move(at));
        }
        if (auto c = usable(*peer)) co_return c;
        const auto under_way = dials.find(*peer);
        if (under_way == dials.end()) co_return co_await dial(peer, std::move(at));
        const auto other = under_way->second;
        co_await check(other->ended.wait());
        if (other->error && other->error != copoll::errc::canceled) co_return fail(other->error);
    }
}

namespace {

/// Tells those who wait for the same dial how it ended.
class announced_dial {
public:
    using table = std::map<peer_id, std::shared_ptr<detail::pending_dial>>;

    announced_dial(table& in, const std::optional<peer_id>& peer) : table_(in), peer_(peer) {
        if (peer_) table_[*peer_] = dial_;
    }
    announced_dial(const announced_dial&) = delete;
    announced_dial& operator=(const announced_dial&) = delete;
    ~announced_dial() {
        if (peer_) table_.erase(*peer_);
        dial_->ended.set();
    }
    std::unexpected<std::error_code> failed(std::error_code why) {
        dial_->error = why;
        return fail(why);
    }

private:
    table& table_;
    std::optional<peer_id> peer_;
    std::shared_ptr<detail::pending_dial> dial_ = std::make_shared<detail::pending_dial>();
};

}  // namespace

task<result<host::state::connection_ptr>> host::state::dial(std::optional<peer_id> peer,
                                                            addresses at) {
    announced_dial dialing{dials, peer};
    if (at.empty() && peer) at = peers.addresses(*peer, clock::now());
    if (at.empty()) co_return dialing.failed(errc::unknown_peer);
    if (!door.has_room_to_dial()) co_return dialing.failed(errc::too_many_connections);
    auto [first, results] = co_await first_done(transport.dial(peer, at), closing.wait());
    auto& made = std::get<0>(results);
    if (!made) co_return dialing.failed(made.error());
    if (!is_open()) co_return dialing.failed(copoll::errc::closed);
    const peer_id reached = made->remote_peer();
    if (reached == own.id()) co_return dialing.failed(errc::wrong_peer);
    auto ticket = door.connect_out(reached);
    if (!ticket) co_return dialing.failed(errc::too_many_connections);
    if (const auto& remote = made->remote_address())
        peers.add_address(reached, *remote, address_source::dialed, clock::now());
    const connection_ptr c = adopt(*std::move(made), std::move(at), *std::move(ticket));
    tasks->spawn(run_connection(c));
    co_return c;
}

task<result<stream>> host::state::open(std::optional<peer_id> peer, addresses at,
                                       std::string protocol) {
    for (bool again = false;; again = true) {
        const connection_ptr c = co_await check(reach(peer, at));
        auto opened = co_await c->link.open(protocol);
        if (opened) {
            c->last_used = clock::now();
            co_return opened;
        }
        const bool unusable = opened.error() == errc::going_away || c->link.has_ended();
        if (!unusable || again) co_return opened;
        if (opened.error() == errc::going_away)
            c->retire();  // what is open on it goes on
        else
            c->close();
    }
}

// ---- Both

host::state::connection_ptr host::state::adopt(connection made, addresses dialed,
                                               detail::admission::connection_ticket ticket) {
    const auto now = clock::now();
    auto c = std::make_shared<detail::host_connection>(std::move(made), std::move(ticket),
                                                       std::move(dialed), now);
    connections.push_back(c);
    peers.pin(c->peer());
    if (now >= next_expiry) {
        peers.expire(now);
        next_expiry = now + between_expiries;
    }
    tell(peer_connected{c->peer(), c->link.own_role(), c->link.remote_address(),
                        c->link.early_muxer()});
    return c;
}

/// The connection, and then those who still work on streams of it: what came is theirs to read.
task<void> host::state::run_connection(connection_ptr c) {
    co_await with_scope(
        [](scope& serving, state& h, connection_ptr of) -> task<void> {
            const auto ended = co_await h.run_link(serving, of);
            h.forget(of, ended ? std::error_code{} : ended.error());
            const auto end_by = clock::now() + patience_with_handlers;
            co_await copoll::detail::next_turn{};  // those that were spawned last begin
            while (of->serving > 0) {
                of->served.reset();
                if (!co_await with_deadline(of->served.wait(), end_by)) break;
            }
            serving.request_stop();
        },
        *this, c);
}

void host::state::forget(const connection_ptr& c, std::error_code why) {
    c->retire();
    c->ticket.reset();
    std::erase(connections, c);
    peers.unpin(c->peer(), clock::now());
    fewer.set();
    tell(peer_disconnected{c->peer(), why});
}

task<result<void>> host::state::run_link(scope& serving, connection_ptr c) {
    const auto serve_link = [](connection&, state& h, scope& streams,
                               connection_ptr of) -> task<result<void>> {
        co_return co_await with_scope(
            [](scope& beside, state& s, scope& all, connection_ptr on) -> task<result<void>> {
                if (s.options.identify) {
                    beside.spawn(s.ask_identity(on));
                    beside.spawn(s.push_changes(on));
                }
                beside.spawn(s.close_when_idle(on));
                const auto accepted = co_await s.accept_streams(all, on);
                beside.request_stop();
                co_return accepted;
            },
            h, streams, of);
    };
    co_return co_await with_connection(c->link, serve_link, *this, serving, c);
}

task<void> host::state::close_when_idle(connection_ptr c) {
    using copoll::detail::after;
    const clock::duration limit = options.idle_connection;
    for (;;) {
        const auto now = clock::now();
        const bool in_use = c->link.streams() > 0;
        if (in_use) c->last_used = now;
        if ((c->retired && !in_use) || now - c->last_used >= limit) co_return c->close();
        clock::time_point next = after(c->last_used, limit);
        if (limit != clock::duration::max()) next = std::min(next, after(now, limit / 4));
        if (c->retired) next = std::min(next, after(now, between_looks));
        c->retiring.reset();
        const auto told = co_await with_deadline(c->retiring.wait(), next);
        if (!told && told.error() != copoll::errc::timed_out) co_return;
    }
}

}  // namespace copoll::p2p
