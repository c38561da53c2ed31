// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <chrono>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/p2p/identify.hpp>
#include <copoll/p2p/signed_record.hpp>
#include <copoll/time.hpp>

#include "host_state.hpp"

namespace copoll::p2p {
namespace {

using namespace std::chrono_literals;

/// Changes that come together are told together.
constexpr clock::duration pause_before_push = 100ms;
/// They are not sent to a peer, and not read from one, any faster.
constexpr clock::duration between_pushes = 1s;
/// Then the peer is told with the next change.
constexpr int most_failed_pushes = 3;

bool is_certain(const multiaddr& a) {
    const auto at = a.tcp_endpoint();
    return !at || !at->address.is_unspecified();
}

}  // namespace

host::state::addresses host::state::told_addresses() const {
    if (!announced.empty()) return announced;
    addresses told = transport.addresses();
    std::erase_if(told, [](const multiaddr& a) { return !is_certain(a); });
    return told;
}

identify_message host::state::self(const connection& to) {
    identify_message said;
    said.key = own.public_key();
    said.listen_addresses = told_addresses();
    said.protocols = *protocols;
    said.observed_address = to.remote_address();
    said.protocol_version = options.protocol_version;
    said.agent_version = options.agent_version;
    if (record.empty() || in_record != said.listen_addresses) {
        in_record = said.listen_addresses;
        record = seal(own, record_numbers.next(), in_record);
    }
    said.signed_record = record;
    return said;
}

task<result<void>> host::state::tell_identity(stream to, connection_ptr c) {
    const identify_message said = self(c->link);
    const std::uint64_t telling = version;
    co_await check(with_timeout(send_identify(to, said), options.answer_within));
    c->told = std::max(c->told, telling);
    co_return {};
}

namespace {

task<result<identify_message>> ask(connection& peer) {
    stream s = co_await check(peer.open(identify_protocol));
    co_return co_await receive_identify(s);
}

task<result<void>> push(connection& to, const identify_message& said) {
    stream s = co_await check(to.open(identify_push_protocol));
    co_return co_await send_identify(s, said);
}

}  // namespace

task<void> host::state::ask_identity(connection_ptr c) {
    const auto said = co_await with_timeout(ask(c->link), options.answer_within);
    if (!said) co_return;  // it need not say who it is
    const auto learned = learn(c, *said);
    static_cast<void>(learned);
}

/// What somebody says who claims to be another does not count.
result<void> host::state::learn(const connection_ptr& c, const identify_message& said) {
    const auto checked = check_identity(said, c->link.remote_key());
    if (!checked) return checked;
    const auto now = clock::now();
    if (!said.protocols.empty())
        c->takes_pushes = std::ranges::find(said.protocols, identify_push_protocol) !=
                          said.protocols.end();
    peers.identified(c->peer(), said, now);
    if (!said.signed_record.empty()) {
        const auto signed_by_it = open_record(said.signed_record, c->peer());
        if (signed_by_it) peers.take_record(*signed_by_it, now);
    }
    if (const auto known = peers.add_key(c->peer(), c->link.remote_key()); !known) return known;
    tell(peer_identified{c->peer(), said.observed_address});
    c->news.set();
    return {};
}

task<result<void>> host::state::take_push(stream from, connection_ptr c) {
    co_await check(sleep_until(c->next_push));
    c->next_push = clock::now() + between_pushes;
    const auto said =
        co_await check(with_timeout(receive_identify(from), options.answer_within));
    co_return learn(c, said);
}

void host::state::changed() {
    ++version;
    for (const connection_ptr& c : connections) c->news.set();
}

/// Tells the peer what it does not know yet, once it is known to want that.
task<void> host::state::push_changes(connection_ptr c) {
    for (int failed = 0;;) {
        c->news.reset();
        if (!c->takes_pushes || c->told >= version) {
            failed = 0;
            if (!co_await c->news.wait()) co_return;
            continue;
        }
        if (!co_await sleep_for(pause_before_push)) co_return;
        if (c->told >= version) continue;  // it has asked
        const std::uint64_t telling = version;
        const identify_message said = self(c->link);
        const auto told = co_await with_timeout(push(c->link, said), options.answer_within);
        failed = told ? 0 : failed + 1;
        // it may have asked meanwhile, and know more
        if (failed == 0 || failed > most_failed_pushes) {
            c->told = std::max(c->told, telling);
            failed = 0;
        }
        if (!co_await sleep_for(between_pushes)) co_return;
    }
}

}  // namespace copoll::p2p
