// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/peer_store.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

#include <copoll/detail/assert.hpp>
#include <copoll/time.hpp>

namespace copoll::p2p {
namespace {

/// About what a node of a list, one of a map and what they point to take beside their contents.
constexpr std::size_t overhead = 256;

std::size_t size_of(const known_peer& known) noexcept {
    std::size_t n = overhead + known.agent_version.size();
    for (const known_address& a : known.addresses) n += sizeof(a) + a.address.bytes().size();
    for (const std::string& p : known.protocols) n += sizeof(p) + p.size();
    if (known.key) n += known.key->data().size();
    return n;
}

/// Without the peer at the end; none if it leads to another one, or nowhere.
std::optional<multiaddr> address_of(const peer_id& peer, const multiaddr& address) {
    const auto leads_to = address.peer();
    if (leads_to && *leads_to != peer) return std::nullopt;
    return address.without_peer();
}

auto find_address(known_peer& known, const multiaddr& address) {
    return std::ranges::find(known.addresses, address, &known_address::address);
}

bool holds(const known_peer& known, const known_address& a, clock::time_point now) noexcept {
    return known.pins > 0 || a.expires > now;
}

bool has_signed(const known_peer& known, clock::time_point now) {
    return std::ranges::any_of(known.addresses, [&](const known_address& a) {
        return a.source == address_source::signed_record && holds(known, a, now);
    });
}

}  // namespace

/// The entry of a peer, made if there is none, as the one used last.
peer_store::entry& peer_store::use(const peer_id& peer) {
    const auto found = by_id_.find(peer);
    if (found != by_id_.end()) {
        peers_.splice(peers_.begin(), peers_, found->second);
    } else {
        peers_.push_front(entry{peer});
        by_id_.emplace(peer, peers_.begin());
    }
    return peers_.front();
}

void peer_store::measure(entry& changed) noexcept {
    bytes_ -= changed.bytes;
    changed.bytes = size_of(changed.known);
    bytes_ += changed.bytes;
}

/// Ends each change: `changed` may be gone afterwards.
void peer_store::settle(entry& changed) {
    measure(changed);
    while ((peers_.size() > options_.max_peers || bytes_ > options_.max_bytes) &&
           drop_least_used()) {
    }
}

void peer_store::drop(entries::iterator at) {
    bytes_ -= at->bytes;
    by_id_.erase(at->id);
    peers_.erase(at);
}

bool peer_store::drop_least_used() {
    const auto last = std::find_if(peers_.rbegin(), peers_.rend(),
                                   [](const entry& e) { return e.known.pins == 0; });
    if (last == peers_.rend()) return false;
    drop(std::prev(last.base()));
    return true;
}

void peer_store::insert(known_peer& into, known_address added) {
    auto& all = into.addresses;
    if (const auto known = find_address(into, added.address); known != all.end()) {
        added.source = std::max(added.source, known->source);
        added.expires = std::max(added.expires, known->expires);
        all.erase(known);
    }
    const auto rank = [](const known_address& a) { return std::pair(a.source, a.expires); };
    if (all.size() >= options_.max_addresses) {
        const auto least = std::ranges::min_element(all, {}, rank);
        if (least == all.end() || rank(added) <= rank(*least)) return;
        all.erase(least);
    }
    const auto at = std::ranges::upper_bound(all, added.source, std::greater{},
                                             &known_address::source);
    all.insert(at, std::move(added));
}

void peer_store::add_address(const peer_id& peer, const multiaddr& address, address_source source,
                             clock::time_point now, std::optional<clock::duration> lifetime) {
    auto there = address_of(peer, address);
    if (!there) return;
    const auto usual = source == address_source::given ? for_ever : options_.lifetime;
    const auto expires = copoll::detail::after(now, lifetime.value_or(usual));
    entry& e = use(peer);
    insert(e.known, {*std::move(there), source, expires});
    settle(e);
}

void peer_store::remove_address(const peer_id& peer, const multiaddr& address) {
    const auto there = address_of(peer, address);
    const auto found = by_id_.find(peer);
    if (!there || found == by_id_.end()) return;
    known_peer& known = found->second->known;
    if (const auto at = find_address(known, *there); at != known.addresses.end())
        known.addresses.erase(at);
    settle(*found->second);
}

void peer_store::identified(const peer_id& peer, const identify_message& message,
                            clock::time_point now) {
    entry& e = use(peer);
    known_peer& known = e.known;
    if (!message.protocols.empty()) known.protocols = message.protocols;
    if (!message.agent_version.empty()) known.agent_version = message.agent_version;
    if (!message.listen_addresses.empty() && !has_signed(known, now)) {
        std::erase_if(known.addresses, [](const known_address& a) {
            return a.source == address_source::identified;
        });
        for (const multiaddr& address : message.listen_addresses) {
            auto there = address_of(peer, address);
            if (!there) continue;
            insert(known, {*std::move(there), address_source::identified,
                           copoll::detail::after(now, options_.lifetime)});
        }
    }
    settle(e);
}

bool peer_store::take_record(const peer_record& record, clock::time_point now) {
    entry& e = use(record.peer);
    known_peer& known = e.known;
    if (known.record_sequence && record.sequence < *known.record_sequence) return false;
    known.record_sequence = record.sequence;
    std::erase_if(known.addresses, [](const known_address& a) {
        return a.source <= address_source::signed_record;
    });
    for (const multiaddr& address : record.addresses) {
        auto there = address_of(record.peer, address);
        if (!there) continue;
        insert(known, {*std::move(there), address_source::signed_record,
                       copoll::detail::after(now, options_.lifetime)});
    }
    settle(e);
    return true;
}

result<void> peer_store::add_key(const peer_id& peer, const public_key& key) {
    if (peer_id::of(key) != peer) return fail(errc::wrong_peer);
    if (peer.key()) return {};
    entry& e = use(peer);
    e.known.key = key;
    settle(e);
    return {};
}

void peer_store::pin(const peer_id& peer) {
    entry& e = use(peer);
    ++e.known.pins;
    settle(e);
}

void peer_store::unpin(const peer_id& peer, clock::time_point now) {
    const auto found = by_id_.find(peer);
    copoll::detail::expects(found != by_id_.end() && found->second->known.pins > 0,
                            "peer_store: unpin of a peer that is not pinned");
    entry& e = use(peer);
    if (--e.known.pins == 0) {
        const auto kept_until = copoll::detail::after(now, options_.lifetime);
        for (known_address& a : e.known.addresses) a.expires = std::max(a.expires, kept_until);
    }
    settle(e);
}

std::vector<multiaddr> peer_store::addresses(const peer_id& peer, clock::time_point now) {
    std::vector<multiaddr> live;
    if (!by_id_.contains(peer)) return live;
    const known_peer& known = use(peer).known;
    for (const known_address& a : known.addresses)
        if (holds(known, a, now)) live.push_back(a.address);
    return live;
}

const known_peer* peer_store::find(const peer_id& peer) const {
    const auto found = by_id_.find(peer);
    return found == by_id_.end() ? nullptr : &found->second->known;
}

result<public_key> peer_store::key(const peer_id& peer) const {
    const known_peer* known = find(peer);
    if (known && known->key) return *known->key;
    return peer.key();
}

void peer_store::expire(clock::time_point now) {
    for (auto at = peers_.begin(); at != peers_.end();) {
        const auto here = at++;
        known_peer& known = here->known;
        if (known.pins > 0) continue;
        std::erase_if(known.addresses, [&](const known_address& a) { return a.expires <= now; });
        if (known.addresses.empty())
            drop(here);
        else
            measure(*here);
    }
}

}  // namespace copoll::p2p
