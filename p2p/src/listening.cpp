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
namespace {

using namespace std::chrono_literals;

/// Of a listener on all addresses, which others may choose from.
constexpr std::size_t most_addresses = 16;
/// Beyond so many failures in a row a listener is of no use any more.
constexpr int most_failures = 10;
constexpr clock::duration pause_after_failure = 100ms;

task<result<incoming>> accept_from(tcp_listener& listener) {
    auto tcp = co_await check(listener.accept());
    const auto local = co_await check(tcp.local_endpoint());
    const auto remote = co_await check(tcp.remote_endpoint());
    co_return incoming{{}, multiaddr::tcp(local), multiaddr::tcp(remote), std::move(tcp),
                       clock::now()};
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

task<result<incoming>> listening::accept() {
    auto got = co_await std::visit([](auto& s) { return accept_from(s); }, *socket_);
    if (got) got->listener = id;
    co_return got;
}

/// An address of a listener on all addresses is known when somebody has come by it.
task<result<void>> listening::announce(channel<transport_event>& to, const multiaddr& local) {
    const bool known = std::ranges::find(addresses, local) != addresses.end();
    if (known || addresses.size() >= most_addresses) co_return {};
    addresses.push_back(local);
    transport_event found = new_address{id, local};
    co_return co_await to.send(std::move(found));
}

task<result<void>> listening::accept_all(channel<transport_event>& to) {
    int failures = 0;
    std::error_code reason{};
    while (!reason && !closing.is_set()) {
        auto [first, results] = co_await first_done(accept(), closing.wait());
        auto& [got, closed] = results;
        if (got) {
            failures = 0;
            co_await check(announce(to, got->local));
            transport_event happened = *std::move(got);
            co_await check(to.send(std::move(happened)));
            continue;
        }
        if (closed) break;
        if (closed.error() == copoll::errc::canceled && got.error() == copoll::errc::canceled)
            co_return fail(closed.error());
        if (++failures > most_failures) {
            reason = got.error();
            continue;
        }
        transport_event failed = listener_error{id, got.error()};
        co_await check(to.send(std::move(failed)));
        const auto waited = co_await with_timeout(closing.wait(), pause_after_failure);
        static_cast<void>(waited);  // the loop looks
    }
    std::vector<transport_event> last = end(reason);
    for (transport_event& e : last) co_await check(to.send(std::move(e)));
    co_return {};
}

std::vector<transport_event> listening::end(std::error_code reason) {
    socket_.reset();
    std::vector<transport_event> last;
    for (const multiaddr& address : std::exchange(addresses, {}))
        last.push_back(address_expired{id, address});
    last.push_back(listener_closed{id, reason});
    return last;
}

}  // namespace copoll::p2p::detail
