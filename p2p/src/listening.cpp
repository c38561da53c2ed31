// SPDX-License-Identifier: MIT OR Apache-2.0
#include "listening.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "destination.hpp"

namespace copoll::p2p::detail {

// ---- What happened

void transport_events::tell(transport_event e) {
    waiting_.push_back(std::move(e));
    told_.set();
}

void transport_events::close() noexcept {
    closed_ = true;
    told_.set();
}

task<result<void>> transport_events::room() {
    while (waiting_.size() >= most_) {
        taken_.reset();
        co_await check(taken_.wait());
    }
    co_return {};
}

task<result<transport_event>> transport_events::next() {
    while (waiting_.empty()) {
        if (closed_) co_return fail(copoll::errc::closed);
        told_.reset();
        co_await check(told_.wait());
    }
    transport_event oldest = std::move(waiting_.front());
    waiting_.pop_front();
    taken_.set();
    co_return oldest;
}

// ---- Listening

namespace {

using namespace std::chrono_literals;

/// Of a listener on all addresses, which others may choose from.
constexpr std::size_t most_addresses = 16;
/// Beyond so many failures in a row a listener is of no use any more.
constexpr int most_failures = 10;
constexpr clock::duration pause_after_failure = 100ms;

task<result<incoming>> accept_from(tcp_listener& listener) {
    for (;;) {
        auto tcp = co_await check(listener.accept());
        const auto local = tcp.local_endpoint();
        const auto remote = tcp.remote_endpoint();
        if (!local || !remote) continue;  // the peer has reset it already
        co_return incoming{{}, multiaddr::tcp(*local), multiaddr::tcp(*remote), std::move(tcp),
                           clock::now()};
    }
}

task<result<incoming>> accept_from(memory_listener& listener) {
    auto got = co_await check(listener.accept());
    co_return incoming{{}, memory_address(listener.number()), memory_address(got.remote),
                       std::move(got.stream), clock::now()};
}

}  // namespace

task<result<listening::socket>> listening::bind(const multiaddr& at, memory_network* memory) {
    const auto where = destination_of(at);
    if (!where || at.peer()) co_return fail(copoll::errc::not_supported);
    if (const auto* endpoint = std::get_if<ip::endpoint>(&*where)) {
        auto bound = co_await check(tcp_listener::bind(*endpoint));
        co_return socket{std::move(bound)};
    }
    const auto* number = std::get_if<memory_number>(&*where);
    if (!number || !memory) co_return fail(copoll::errc::not_supported);
    auto bound = co_await check(memory->listen(number->number));
    co_return socket{std::move(bound)};
}

result<multiaddr> listening::address_of(const socket& s) {
    if (const auto* memory = std::get_if<memory_listener>(&s))
        return memory_address(memory->number());
    const auto at = std::get<tcp_listener>(s).local_endpoint();
    if (!at) return fail(at.error());
    return multiaddr::tcp(*at);
}

/// No faster than what happens is taken.
task<result<incoming>> listening::accept_next(transport_events& to) {
    co_await check(to.room());
    auto got = co_await std::visit([](auto& s) { return accept_from(s); }, *socket_);
    if (got) got->listener = id;
    co_return got;
}

/// An address of a listener on all addresses is known when somebody has come by it.
void listening::announce(transport_events& to, const multiaddr& local) {
    const bool known = std::ranges::find(addresses, local) != addresses.end();
    if (known || addresses.size() >= most_addresses) return;
    addresses.push_back(local);
    to.tell(new_address{id, local});
}

task<result<void>> listening::accept_all(transport_events& to) {
    int failures = 0;
    std::error_code reason{};
    while (!reason && !closing.is_set()) {
        auto [first, results] = co_await first_done(accept_next(to), closing.wait());
        auto& [got, closed] = results;
        if (got) {
            failures = 0;
            announce(to, got->local);
            to.tell(*std::move(got));
            continue;
        }
        if (closed) break;
        if (closed.error() == copoll::errc::canceled && got.error() == copoll::errc::canceled)
            co_return fail(closed.error());
        if (++failures > most_failures) {
            reason = got.error();
            continue;
        }
        to.tell(listener_error{id, got.error()});
        const auto waited = co_await with_timeout(closing.wait(), pause_after_failure);
        static_cast<void>(waited);  // the loop looks
    }
    end(to, reason);
    co_return {};
}

void listening::end(transport_events& to, std::error_code reason) {
    socket_.reset();
    for (multiaddr& address : std::exchange(addresses, {}))
        to.tell(address_expired{id, std::move(address)});
    to.tell(listener_closed{id, reason});
}

}  // namespace copoll::p2p::detail
