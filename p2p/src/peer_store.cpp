// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/peer_store.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include <copoll/detail/assert.hpp>
#include <copoll/time.hpp>

namespace copoll::p2p {
namespace {

/// About what a node of a list, one of a map and what they point to take beside their contents.
constexpr std::size_t overhead = 256;
/// Of the text of a version, in bytes.
constexpr std::size_t longest_version = 256;
/// A full store looks through all peers for what has expired no more often.
constexpr clock::duration between_sweeps = std::chrono::minutes{1};

/// The lists: who goes first; whose addresses the user has given; who stays.
enum list_of : std::size_t { strangers, given, pinned };

std::size_t size_of(const std::string& text) noexcept { return sizeof(text) + text.size(); }

std::size_t size_of(const known_peer& known) noexcept {
    std::size_t n = overhead + known.agent_version.size();
    for (const known_address& a : known.addresses) n += sizeof(a) + a.address.bytes().size();
    for (const std::string& p : known.protocols) n += size_of(p);
    if (known.key) n += known.key->data().size();
    return n;
}

/// All but what the user, or the handshake, says of it.
void forget_what_it_said(known_peer& known) {
    std::erase_if(known.addresses,
                  [](const known_address& a) { return a.source != address_source::given; });
    known.protocols = {};
    known.agent_version = {};
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
peer_store::entries::iterator peer_store::use(const peer_id& peer) {
    const auto found = by_id_.find(peer);
    if (found == by_id_.end()) {
        entries& into = lists_[strangers];
        into.push_front(entry{peer, {}, 0, strangers});
        return by_id_.emplace(peer, into.begin()).first->second;
    }
    entries& in = lists_[found->second->list];
    in.splice(in.begin(), in, found->second);
    return found->second;
}

/// Into the list that it belongs to.
void peer_store::place(entries::iterator at) {
    const known_peer& known = at->known;
    const bool is_given = !known.addresses.empty() &&
                          known.addresses.front().source == address_source::given;
    const list_of to = known.pins > 0 ? pinned : is_given ? given : strangers;
    if (at->list == to) return;
    lists_[to].splice(lists_[to].begin(), lists_[at->list], at);
    at->list = to;
}

void peer_store::measure(entry& changed) noexcept {
    bytes_ -= changed.bytes;
    changed.bytes = size_of(changed.known);
    bytes_ += changed.bytes;
}

bool peer_store::is_over() const noexcept {
    return by_id_.size() > options_.max_peers || bytes_ > options_.max_bytes;
}

/// Ends each change: `changed` may be gone afterwards.
void peer_store::settle(entries::iterator changed) {
    cut(changed->known);
    place(changed);
    measure(*changed);
    if (is_over() && now_ >= sweep_at_) {
        sweep_at_ = copoll::detail::after(now_, between_sweeps);
        forget_expired(&*changed);
    }
    for (entries& all = lists_[strangers]; is_over() && !all.empty();) {
        const auto last = std::prev(all.end());
        const bool is_changed = last == changed;
        drop(last);
        if (is_changed) return;
    }
    entries& users = lists_[given];
    while (users.size() > options_.max_peers) {
        const auto last = std::prev(users.end());
        const bool is_changed = last == changed;
        drop(last);
        if (is_changed) return;
    }
    if (is_over() && changed->list == given) {
        forget_what_it_said(changed->known);
        measure(*changed);
    }
}

void peer_store::drop(entries::iterator at) {
    bytes_ -= at->bytes;
    by_id_.erase(at->id);
    lists_[at->list].erase(at);
}

/// What a peer says of itself is cut to its share, half of it for protocols.
void peer_store::cut(known_peer& known) const {
    const std::size_t share = options_.max_bytes_of_peer;
    if (known.agent_version.size() > longest_version) known.agent_version.resize(longest_version);
    std::size_t bytes = 0;
    const auto fits = [&](const std::string& p) { return (bytes += size_of(p)) <= share / 2; };
    const auto over = std::ranges::find_if_not(known.protocols, fits);
    known.protocols.erase(over, known.protocols.end());
    for (auto& all = known.addresses; !all.empty() && size_of(known) > share; all.pop_back())
        if (all.back().source == address_source::given) break;
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
    now_ = std::max(now_, now);
    const auto e = use(peer);
    insert(e->known, {*std::move(there), source, expires});
    settle(e);
}

void peer_store::remove_address(const peer_id& peer, const multiaddr& address) {
    const auto there = address_of(peer, address);
    const auto found = by_id_.find(peer);
    if (!there || found == by_id_.end()) return;
    known_peer& known = found->second->known;
    if (const auto at = find_address(known, *there); at != known.addresses.end())
        known.addresses.erase(at);
    settle(found->second);
}

void peer_store::identified(const peer_id& peer, const identify_message& message,
                            clock::time_point now) {
    now_ = std::max(now_, now);
    const auto e = use(peer);
    known_peer& known = e->known;
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
    now_ = std::max(now_, now);
    const auto e = use(record.peer);
    known_peer& known = e->known;
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
    const auto e = use(peer);
    e->known.key = key;
    settle(e);
    return {};
}

void peer_store::pin(const peer_id& peer) {
    const auto e = use(peer);
    ++e->known.pins;
    settle(e);
}

void peer_store::unpin(const peer_id& peer, clock::time_point now) {
    const auto found = by_id_.find(peer);
    copoll::detail::expects(found != by_id_.end() && found->second->known.pins > 0,
                            "peer_store: unpin of a peer that is not pinned");
    now_ = std::max(now_, now);
    const auto e = use(peer);
    if (--e->known.pins == 0) {
        const auto kept_until = copoll::detail::after(now, options_.lifetime);
        for (known_address& a : e->known.addresses) a.expires = std::max(a.expires, kept_until);
    }
    settle(e);
}

std::vector<multiaddr> peer_store::addresses(const peer_id& peer, clock::time_point now) {
    std::vector<multiaddr> live;
    if (!by_id_.contains(peer)) return live;
    const known_peer& known = use(peer)->known;
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
    now_ = std::max(now_, now);
    forget_expired(nullptr);
}

void peer_store::forget_expired(const entry* but) {
    for (const list_of which : {given, strangers}) {  // one whose given addresses expire is both
        entries& all = lists_[which];
        for (auto at = all.begin(); at != all.end();) {
            const auto here = at++;
            if (&*here == but) continue;
            known_peer& known = here->known;
            std::erase_if(known.addresses,
                          [&](const known_address& a) { return a.expires <= now_; });
            if (known.addresses.empty()) {
                drop(here);
            } else {
                place(here);
                measure(*here);
            }
        }
    }
}

}  // namespace copoll::p2p
