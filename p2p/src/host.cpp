// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/host.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/p2p/ping.hpp>
#include <copoll/time.hpp>

#include "host_state.hpp"

namespace copoll::p2p {
namespace {

/// For connections that end in good order, and the handlers of their streams.
constexpr clock::duration patience_at_the_end = std::chrono::seconds{15};

transport_options options_of_transport(const host_options& o) {
    transport_options made = o.transport;
    yamux::options& of_streams = made.connection.yamux;
    of_streams.idle_stream = o.limits.idle_stream;
    of_streams.unread_of_all = std::make_shared<yamux::unread_budget>();
    of_streams.unread_of_all->limit = o.limits.unread;
    return made;
}

result<std::vector<multiaddr>> parse_all(const std::vector<std::string>& texts) {
    std::vector<multiaddr> all;
    for (const std::string& text : texts) {
        auto parsed = multiaddr::parse(text);
        if (!parsed) return fail(parsed.error());
        all.push_back(*std::move(parsed));
    }
    return all;
}

private_key key_of(host_options& o) {
    return o.key ? *std::move(o.key) : private_key::generate_ed25519();
}

}  // namespace

host::state::state(host_options o)
    : options(std::move(o)), own(key_of(options)), transport(own, options_of_transport(options)),
      door(options.limits) {
    add_own_protocols();
}

task<result<void>> host::state::start() {
    if (std::exchange(started, true)) co_return {};
    std::vector<listener_id> listening;
    const auto did = co_await listen_on_all(listening);
    if (!did) {
        for (const listener_id l : listening) transport.close(l);
        started = false;
    }
    co_return did;
}

task<result<void>> host::state::listen_on_all(std::vector<listener_id>& listening) {
    const auto all = co_await check(parse_all(options.listen));
    announced = co_await check(parse_all(options.announce));
    for (const multiaddr& at : all) listening.push_back(co_await check(transport.listen(at)));
    co_return {};
}

task<result<void>> host::state::run(scope& all) {
    tasks = &all;
    all.spawn(transport.run());
    all.spawn(take_transport_events());
    auto ended = co_await closing.wait();
    transport.close();
    const std::vector<connection_ptr> open = connections;
    for (const connection_ptr& c : open) c->close();
    const auto end_by = clock::now() + patience_at_the_end;
    while (ended && !(connections.empty() && transport_ended)) {
        fewer.reset();
        ended = co_await with_deadline(fewer.wait(), end_by);
    }
    tasks = nullptr;
    all.request_stop();
    if (!ended && ended.error() == copoll::errc::timed_out) co_return {};
    co_return ended;
}

void host::state::close() noexcept {
    closing.set();
    transport.close();
}

host::host(host_options options) : state_(std::make_unique<state>(std::move(options))) {}
host::~host() = default;

const peer_id& host::id() const noexcept { return state_->own.id(); }
const identity& host::own() const noexcept { return state_->own; }

task<result<void>> host::start() { return state_->start(); }

task<result<void>> host::run() {
    co_await check(state_->start());
    co_return co_await with_scope(
        [](scope& all, state& s) -> task<result<void>> { co_return co_await s.run(all); },
        *state_);
}

void host::close() noexcept { state_->close(); }

std::vector<multiaddr> host::addresses() const {
    std::vector<multiaddr> all;
    for (const multiaddr& a : state_->transport.addresses())
        all.push_back(a.encapsulate(multiaddr::p2p(id())));
    return all;
}

void host::handle(std::string protocol, stream_handler handler, handler_options options) {
    auto made = std::make_shared<detail::protocol_handler>();
    if (options.streams_of_peer > 0) made->streams_of_peer.emplace(options.streams_of_peer);
    made->serve = [serve = std::move(handler)](stream s, const detail::connection_ptr&) {
        return serve(std::move(s));
    };
    state_->set_handler(std::move(protocol), std::move(made));
}

void host::stop_handling(std::string_view protocol) { state_->remove_handler(protocol); }

task<result<peer_id>> host::connect(multiaddr to) {
    const auto peer = to.peer();
    std::vector<multiaddr> at;
    at.push_back(std::move(to));
    const auto reached = co_await check(state_->reach(peer, std::move(at)));
    co_return reached->peer();
}

task<result<void>> host::connect(peer_id peer) {
    co_await check(state_->reach(peer, {}));
    co_return {};
}

task<result<stream>> host::open(peer_id peer, std::string protocol) {
    return state_->open(peer, {}, std::move(protocol));
}

task<result<stream>> host::open(multiaddr to, std::string protocol) {
    const auto peer = to.peer();
    std::vector<multiaddr> at;
    at.push_back(std::move(to));
    co_return co_await state_->open(peer, std::move(at), std::move(protocol));
}

namespace {

task<result<stream>> failed(std::error_code why) { co_return fail(why); }

task<result<clock::duration>> ping_once(host& node, peer_id peer) {
    pinger asks{co_await check(node.open(peer, ping_protocol))};
    const auto took = co_await asks.ping();
    const auto closed = co_await asks.close();
    static_cast<void>(closed);  // there is an answer already, or none
    co_return took;
}

}  // namespace

task<result<stream>> host::open(std::string_view address, std::string protocol) {
    auto to = multiaddr::parse(address);
    return to ? open(*std::move(to), std::move(protocol)) : failed(to.error());
}

task<result<clock::duration>> host::ping(peer_id peer) {
    co_return co_await with_timeout(ping_once(*this, peer), state_->options.answer_within);
}

void host::disconnect(const peer_id& peer) noexcept {
    for (const auto& c : state_->connections)
        if (c->peer() == peer) c->close();
}

bool host::is_connected(const peer_id& peer) const noexcept {
    return state_->usable(peer) != nullptr;
}

std::vector<peer_id> host::connected_peers() const {
    std::vector<peer_id> all;
    for (const auto& c : state_->connections)
        if (c->usable() && std::ranges::find(all, c->peer()) == all.end())
            all.push_back(c->peer());
    return all;
}

peer_store& host::peers() noexcept { return state_->peers; }
const peer_store& host::peers() const noexcept { return state_->peers; }

host_stats host::stats() const noexcept {
    return {state_->connections.size(), state_->door.streams(), state_->refused_connections,
            state_->refused_streams};
}

}  // namespace copoll::p2p
