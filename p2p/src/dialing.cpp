// SPDX-License-Identifier: MIT OR Apache-2.0
#include "dialing.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include <copoll/check.hpp>
#include <copoll/connect.hpp>
#include <copoll/dns.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "destination.hpp"

namespace copoll::p2p::detail {
namespace {

using endpoints = std::vector<ip::endpoint>;

/// Where the addresses of a peer lead.
struct destinations {
    std::vector<std::uint64_t> numbers{};
    std::vector<named_endpoint> names{};
    endpoints tcp{};
};

destinations sort_out(const std::vector<multiaddr>& addresses) {
    destinations all;
    for (const multiaddr& address : addresses) {
        const auto where = destination_of(address);
        if (!where) continue;
        if (const auto* number = std::get_if<memory_number>(&*where))
            all.numbers.push_back(number->number);
        else if (const auto* name = std::get_if<named_endpoint>(&*where))
            all.names.push_back(*name);
        else
            all.tcp.push_back(std::get<ip::endpoint>(*where));
    }
    return all;
}

/// What each of the addresses says, if anything, has to be the same.
result<std::optional<peer_id>> peer_behind(std::optional<peer_id> peer,
                                           const std::vector<multiaddr>& addresses) {
    for (const multiaddr& address : addresses) {
        const auto said = address.peer();
        if (said && peer && *said != *peer) return fail(copoll::errc::invalid_argument);
        if (said) peer = said;
    }
    return peer;
}

task<result<endpoints>> look_up(const named_endpoint& name) {
    const auto found = co_await check(resolve(name.name));
    endpoints of_family;
    for (const ip::address& a : found)
        if (!name.family || a.family() == *name.family) of_family.push_back({a, name.port});
    if (of_family.empty()) co_return fail(copoll::errc::name_unresolvable);
    co_return of_family;
}

/// One after the other, where one that did not lead to the peer does not count any more.
class attempts {
public:
    attempts(identity own, std::optional<peer_id> peer, const transport_options& options)
        : own_(std::move(own)), options_(options), connection_(options.connection),
          end_by_(copoll::detail::after(clock::now(), options.dial_timeout)) {
        if (peer) connection_.expected_peer = std::move(peer);
    }

    task<result<connection>> all(destinations to) {
        for (const std::uint64_t number : to.numbers) {
            auto reached = co_await by_memory(number);
            if (reached || gave_up(reached.error())) co_return reached;
        }
        co_await add_names(to);
        endpoints tcp = interleave_families(to.tcp);
        while (!tcp.empty()) {
            auto reached = co_await by_tcp(tcp);
            if (reached || gave_up(reached.error())) co_return reached;
        }
        co_return fail(failed_);
    }

private:
    /// Notes why an attempt failed; whether there is to be no other.
    bool gave_up(std::error_code why) {
        failed_ = why;
        return why == copoll::errc::canceled;
    }

    task<void> add_names(destinations& to) {
        std::vector<task<result<endpoints>>> lookups;
        for (const named_endpoint& name : to.names) lookups.push_back(look_up(name));
        const auto found = co_await when_all(std::move(lookups));
        for (const auto& f : found) {
            if (!f) failed_ = f.error();
            if (f) to.tcp.insert(to.tcp.end(), f->begin(), f->end());
        }
        endpoints once;
        for (const ip::endpoint& e : to.tcp)
            if (std::ranges::find(once, e) == once.end()) once.push_back(e);
        to.tcp = std::move(once);
    }

    task<result<connection>> by_memory(std::uint64_t number) {
        if (!options_.memory) co_return fail(copoll::errc::not_supported);
        auto got = co_await check(options_.memory->connect(number));
        auto made = co_await check(p2p::connect(std::move(got.stream), own_, connection_));
        made.set_addresses(std::nullopt, memory_address(number));
        co_return made;
    }

    /// So that one that accepts and says nothing does not take all the time.
    connection_options options_for_one_of(std::size_t addresses) const {
        connection_options one = connection_;
        const auto left = end_by_ - clock::now();
        one.timeout = std::min(one.timeout, left / static_cast<int>(addresses));
        return one;
    }

    /// The first of `to` that answers; it is taken out if it is not the right one, and all are if
    /// none does.
    task<result<connection>> by_tcp(endpoints& to) {
        connect_options how;
        how.timeout = options_.dial_timeout;
        how.attempt_delay = options_.attempt_delay;
        endpoints tried = to;
        auto tcp = co_await copoll::connect(std::move(tried), how);
        if (!tcp) {
            to.clear();
            co_return fail(tcp.error());
        }
        const auto at = tcp->remote_endpoint();
        const auto from = tcp->local_endpoint();
        if (!at || !from) {  // it was reset right after
            to.erase(to.begin());
            co_return fail(copoll::errc::connection_reset);
        }
        auto made = co_await p2p::connect(*std::move(tcp), own_, options_for_one_of(to.size()));
        if (made) made->set_addresses(multiaddr::tcp(*from), multiaddr::tcp(*at));
        if (!made && std::erase(to, *at) == 0) to.erase(to.begin());  // a zone was added to it
        co_return made;
    }

    identity own_;
    const transport_options& options_;
    connection_options connection_;
    clock::time_point end_by_;
    std::error_code failed_ = copoll::errc::not_supported;
};

}  // namespace

task<result<connection>> dial_any(identity own, std::optional<peer_id> peer,
                                  std::vector<multiaddr> addresses,
                                  const transport_options& options) {
    if (addresses.empty()) co_return fail(copoll::errc::invalid_argument);
    auto expected = co_await check(peer_behind(std::move(peer), addresses));
    attempts trying{std::move(own), std::move(expected), options};
    co_return co_await trying.all(sort_out(addresses));
}

}  // namespace copoll::p2p::detail
