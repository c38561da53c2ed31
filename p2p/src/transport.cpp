// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/transport.hpp>

#include <algorithm>
#include <memory>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/scope.hpp>
#include <copoll/time.hpp>

#include "dialing.hpp"
#include "listening.hpp"

namespace copoll::p2p {

using detail::listening;

struct transport::state {
    state(identity id, transport_options o)
        : own(std::move(id)), options(std::move(o)), events(options.max_events) {}

    identity own;
    transport_options options;
    detail::transport_events events;
    std::vector<std::shared_ptr<listening>> listeners{};
    std::uint32_t last_id = 0;
    event changed{};  ///< there is a listener to be started, or it is closed
    bool running = false;
    bool closed = false;

    void end_all() noexcept {
        for (const auto& l : listeners) l->closing.set();
    }
};

transport::transport(identity own, transport_options options)
    : state_(std::make_unique<state>(std::move(own), std::move(options))) {}
transport::~transport() = default;

const identity& transport::own() const noexcept { return state_->own; }

task<result<listener_id>> transport::listen(multiaddr at) {
    state& s = *state_;
    if (s.closed) co_return fail(copoll::errc::closed);
    auto socket = co_await check(listening::bind(at, s.options.memory));
    if (s.closed) co_return fail(copoll::errc::closed);
    const auto bound = co_await check(listening::address_of(socket));
    const listener_id id{++s.last_id};
    s.listeners.push_back(std::make_shared<listening>(id, std::move(socket), bound));
    s.events.tell(new_address{id, bound});
    s.changed.set();
    co_return id;
}

namespace {

/// Keeps the listener as long as it accepts.
task<result<void>> accept_all(std::shared_ptr<listening> on, detail::transport_events& to,
                              std::vector<std::shared_ptr<listening>>& all) {
    const auto ended = co_await on->accept_all(to);
    std::erase(all, on);
    co_return ended;
}

}  // namespace

task<result<void>> transport::run() {
    state& s = *state_;
    s.running = true;
    const auto ran = co_await with_scope([](scope& accepting, state& of) -> task<result<void>> {
        for (;;) {
            of.changed.reset();
            for (const auto& l : of.listeners) {
                if (std::exchange(l->started, true)) continue;
                accepting.spawn(accept_all(l, of.events, of.listeners));
            }
            if (of.closed) co_return {};  // they end, and tell so
            co_await check(of.changed.wait());
        }
    }, s);
    s.closed = true;
    s.listeners.clear();
    s.events.close();
    co_return ran;
}

void transport::close() noexcept {
    state& s = *state_;
    s.closed = true;
    s.end_all();
    s.changed.set();
    if (s.running) return;
    for (const auto& l : s.listeners) l->end(s.events, {});
    s.listeners.clear();
    s.events.close();
}

void transport::close(listener_id listener) noexcept {
    state& s = *state_;
    const auto found = std::ranges::find(s.listeners, listener,
                                         [](const auto& l) { return l->id; });
    if (found == s.listeners.end()) return;
    if ((*found)->started) return (*found)->closing.set();
    (*found)->end(s.events, {});
    s.listeners.erase(found);
}

std::vector<multiaddr> transport::addresses() const {
    std::vector<multiaddr> all;
    for (const auto& l : state_->listeners)
        all.insert(all.end(), l->addresses.begin(), l->addresses.end());
    return all;
}

task<result<transport_event>> transport::next_event() {
    co_return co_await state_->events.next();
}

task<result<connection>> transport::accept(incoming from) {
    connection_options options = state_->options.connection;
    const auto waited = clock::now() - from.accepted_at;
    options.timeout = std::max(options.timeout - waited, clock::duration{1});
    auto made = co_await check(p2p::accept(std::move(from.stream), own(), std::move(options)));
    made.set_addresses(std::move(from.local), std::move(from.remote));
    co_return made;
}

task<result<connection>> transport::dial(multiaddr to) {
    std::vector<multiaddr> only;
    only.push_back(std::move(to));
    co_return co_await dial(std::nullopt, std::move(only));
}

task<result<connection>> transport::dial(std::optional<peer_id> peer,
                                         std::vector<multiaddr> addresses) {
    co_return co_await with_timeout(
        detail::dial_any(own(), std::move(peer), std::move(addresses), state_->options),
        state_->options.dial_timeout);
}

}  // namespace copoll::p2p
