// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/peer_store.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/bytes.hpp"
#include "p2p/key_vectors.hpp"
#include "support/error_of.hpp"

using namespace copoll::p2p;
using namespace std::chrono_literals;
using copoll::clock;
using copoll_tests::error_of;

namespace {

const clock::time_point start{1h};

peer_id new_peer() { return peer_id::of(private_key::generate_ed25519().public_key()); }

multiaddr at(std::string_view text) { return *multiaddr::parse(text); }
multiaddr port(unsigned n) { return at("/ip4/192.0.2.1/tcp/" + std::to_string(n)); }

using addresses = std::vector<multiaddr>;

identify_message says(addresses listens, std::vector<std::string> protocols = {}) {
    identify_message m;
    m.listen_addresses = std::move(listens);
    m.protocols = std::move(protocols);
    m.agent_version = "test";
    return m;
}

peer_record record(const peer_id& peer, std::uint64_t sequence, addresses a) {
    return {peer, sequence, std::move(a)};
}

}  // namespace

TEST_CASE("peer_store: addresses, the most trusted first, until they expire") {
    peer_store store;
    const peer_id peer = new_peer();
    CHECK(store.addresses(peer, start).empty());
    CHECK(store.find(peer) == nullptr);
    store.add_address(peer, port(1), address_source::identified, start, 10s);
    store.add_address(peer, port(2), address_source::given, start);
    store.add_address(peer, port(3), address_source::dialed, start, 5s);
    store.add_address(peer, port(4), address_source::given, start, 7s);
    CHECK(store.addresses(peer, start) == addresses{port(2), port(4), port(3), port(1)});
    CHECK(store.addresses(peer, start + 5s) == addresses{port(2), port(4), port(1)});
    CHECK(store.addresses(peer, start + 10s) == addresses{port(2)});
    CHECK(store.addresses(peer, clock::time_point::max() - 1ns) == addresses{port(2)});
    store.remove_address(peer, port(2));
    CHECK(store.addresses(peer, start) == addresses{port(4), port(3), port(1)});
}

TEST_CASE("peer_store: an address that the user has not given holds for a while") {
    peer_store store;
    const peer_id peer = new_peer();
    store.add_address(peer, port(1), address_source::dialed, start);
    store.add_address(peer, port(2), address_source::given, start);
    const auto lifetime = peer_store_options{}.lifetime;
    CHECK(store.addresses(peer, start + lifetime - 1ns).size() == 2);
    CHECK(store.addresses(peer, start + lifetime) == addresses{port(2)});
}

TEST_CASE("peer_store: an address that is known keeps the better source and the later end") {
    peer_store store;
    const peer_id peer = new_peer();
    store.add_address(peer, port(1), address_source::dialed, start, 10s);
    store.add_address(peer, port(2), address_source::signed_record, start, 10s);
    store.add_address(peer, port(1), address_source::identified, start, 20s);
    CHECK(store.addresses(peer, start + 15s) == addresses{port(1)});
    REQUIRE(store.find(peer)->addresses.size() == 2);
    CHECK(store.find(peer)->addresses[0].source == address_source::dialed);
}

TEST_CASE("peer_store: an address is kept without its peer, and not if it leads to another one") {
    peer_store store;
    const peer_id peer = new_peer(), other = new_peer();
    const auto with = [](std::string_view text, const peer_id& id) {
        return at(std::string(text) + "/p2p/" + id.to_string());
    };
    store.add_address(peer, with("/ip4/192.0.2.1/tcp/1", peer), address_source::given, start);
    store.add_address(peer, port(1), address_source::given, start);
    store.add_address(peer, with("/ip4/192.0.2.1/tcp/2", other), address_source::given, start);
    store.add_address(peer, multiaddr::p2p(peer), address_source::given, start);
    CHECK(store.addresses(peer, start) == addresses{port(1)});
    CHECK_FALSE(store.find(other));
    const auto relayed = with("/ip4/192.0.2.9/tcp/1", other).encapsulate(at("/p2p-circuit"));
    store.add_address(peer, relayed.encapsulate(multiaddr::p2p(peer)), address_source::given,
                      start);
    CHECK(store.addresses(peer, start) == addresses{port(1), relayed});
}

TEST_CASE("peer_store: what a peer says of itself replaces what it had said") {
    peer_store store;
    const peer_id peer = new_peer();
    store.add_address(peer, port(1), address_source::given, start);
    store.identified(peer, says({port(2), port(3)}, {"/a", "/b"}), start);
    CHECK(store.addresses(peer, start) == addresses{port(1), port(2), port(3)});
    store.identified(peer, says({port(4)}), start + 1s);
    CHECK(store.addresses(peer, start) == addresses{port(1), port(4)});
    CHECK(store.find(peer)->protocols == std::vector<std::string>{"/a", "/b"});
    CHECK(store.find(peer)->agent_version == "test");
    store.identified(peer, identify_message{}, start + 1s);
    CHECK(store.addresses(peer, start) == addresses{port(1), port(4)});
    CHECK(store.find(peer)->agent_version == "test");
    CHECK(store.addresses(peer, start + 1s + peer_store_options{}.lifetime) ==
          addresses{port(1)});
}

TEST_CASE("peer_store: a signed record counts more than what was not signed") {
    peer_store store;
    const peer_id peer = new_peer();
    store.add_address(peer, port(1), address_source::given, start);
    store.identified(peer, says({port(2)}), start);
    CHECK(store.take_record(record(peer, 5, {port(3)}), start));
    CHECK(store.addresses(peer, start) == addresses{port(1), port(3)});
    store.identified(peer, says({port(4)}, {"/a"}), start);
    CHECK(store.addresses(peer, start) == addresses{port(1), port(3)});
    CHECK(store.find(peer)->protocols.size() == 1);
    // until the record has expired
    const auto later = start + peer_store_options{}.lifetime;
    store.identified(peer, says({port(4)}), later);
    CHECK(store.addresses(peer, later) == addresses{port(1), port(4)});
}

TEST_CASE("peer_store: a record never replaces a later one") {
    peer_store store;
    const peer_id peer = new_peer();
    CHECK(store.take_record(record(peer, 5, {port(1)}), start));
    CHECK_FALSE(store.take_record(record(peer, 4, {port(2)}), start + 1s));
    CHECK(store.addresses(peer, start) == addresses{port(1)});
    CHECK(store.take_record(record(peer, 5, {port(1)}), start + 1min));  // heard of again
    CHECK(store.addresses(peer, start + peer_store_options{}.lifetime) == addresses{port(1)});
    CHECK(store.take_record(record(peer, UINT64_MAX, {port(3)}), start));
    CHECK(store.addresses(peer, start) == addresses{port(3)});
    CHECK_FALSE(store.take_record(record(peer, 0, {}), start));
    CHECK(store.find(peer)->record_sequence == UINT64_MAX);
}

TEST_CASE("peer_store: an address bomb does not displace what is trusted more") {
    peer_store store;
    const peer_id peer = new_peer();
    store.add_address(peer, port(1), address_source::given, start);
    store.add_address(peer, port(2), address_source::dialed, start, 1s);
    addresses bomb;
    for (unsigned i = 0; i < 512; ++i) bomb.push_back(port(1000 + i));
    store.identified(peer, says(bomb), start);
    auto kept = store.addresses(peer, start);
    REQUIRE(kept.size() == peer_store_options{}.max_addresses);
    CHECK(kept[0] == port(1));
    CHECK(kept[1] == port(2));
    CHECK(kept[2] == port(1000));
    store.take_record(record(peer, 1, bomb), start);
    kept = store.addresses(peer, start);
    CHECK(kept.size() == peer_store_options{}.max_addresses);
    CHECK(kept[1] == port(2));
    // a better one still finds its place, and of equal ones the later
    store.add_address(peer, port(3), address_source::dialed, start, 2s);
    kept = store.addresses(peer, start);
    CHECK(kept.size() == peer_store_options{}.max_addresses);
    CHECK(std::ranges::count(kept, port(3)) == 1);
}

TEST_CASE("peer_store: the peer that was not used for longest goes first") {
    peer_store_options options;
    options.max_peers = 3;
    peer_store store{options};
    std::vector<peer_id> peers;
    for (int i = 0; i < 5; ++i) peers.push_back(new_peer());
    for (int i = 0; i < 3; ++i)
        store.add_address(peers[std::size_t(i)], port(1), address_source::dialed, start);
    CHECK(store.addresses(peers[0], start).size() == 1);  // used
    store.add_address(peers[3], port(1), address_source::dialed, start);
    CHECK(store.size() == 3);
    CHECK_FALSE(store.find(peers[1]));
    store.pin(peers[2]);
    store.add_address(peers[4], port(1), address_source::dialed, start);
    CHECK(store.size() == 3);
    CHECK(store.find(peers[2]));
    CHECK_FALSE(store.find(peers[0]));
}

TEST_CASE("peer_store: what the user gave goes for what the user gives, the oldest first") {
    peer_store_options options;
    options.max_peers = 3;
    peer_store store{options};
    std::vector<peer_id> peers;
    for (int i = 0; i < 4; ++i) {
        peers.push_back(new_peer());
        store.add_address(peers.back(), port(1), address_source::given, start);
    }
    CHECK(store.size() == 3);
    CHECK_FALSE(store.find(peers[0]));
    CHECK(store.find(peers[3]));
}

TEST_CASE("peer_store: peers that are pinned stay, whoever else comes") {
    peer_store_options options;
    options.max_peers = 2;
    peer_store store{options};
    const peer_id a = new_peer(), b = new_peer(), c = new_peer();
    store.pin(a);
    store.pin(b);
    store.identified(c, says({port(1)}), start);
    CHECK_FALSE(store.find(c));
    store.add_address(c, port(1), address_source::given, start);
    CHECK(store.find(c));
    store.pin(c);  // connected, so it must be known
    CHECK(store.size() == 3);
    store.unpin(a, start);
    CHECK(store.size() == 2);
    CHECK_FALSE(store.find(a));
}

TEST_CASE("peer_store: the addresses of a peer hold while it is pinned, and a while longer") {
    peer_store store;
    const peer_id peer = new_peer();
    store.pin(peer);
    store.pin(peer);
    store.identified(peer, says({port(1)}), start);
    const auto much_later = start + 24h;
    store.expire(much_later);
    CHECK(store.addresses(peer, much_later).size() == 1);
    store.unpin(peer, much_later);
    store.expire(much_later);
    CHECK(store.addresses(peer, much_later).size() == 1);
    store.unpin(peer, much_later);
    CHECK(store.addresses(peer, much_later + 1min).size() == 1);
    store.expire(much_later + 1min);
    CHECK(store.size() == 1);
    store.expire(much_later + peer_store_options{}.lifetime);
    CHECK(store.size() == 0);
    CHECK(store.bytes() == 0);
}

TEST_CASE("peer_store: what peers say takes no more memory than is allowed") {
    peer_store_options options;
    options.max_bytes = 300'000;
    peer_store store{options};
    addresses many;
    for (unsigned i = 0; i < 512; ++i) many.push_back(port(i));
    const std::vector<std::string> protocols(256, std::string(256, 'x'));
    const peer_id connected = new_peer();
    store.pin(connected);
    for (int i = 0; i < 50; ++i) {
        store.identified(new_peer(), says(many, protocols), start);
        CHECK(store.bytes() <= options.max_bytes);
    }
    CHECK(store.find(connected));
    CHECK(store.size() >= options.max_bytes / options.max_bytes_of_peer);
    CHECK(store.size() <= 2 + 2 * options.max_bytes / options.max_bytes_of_peer);
}

TEST_CASE("peer_store: what one peer says of itself is cut to its share") {
    peer_store store;
    const peer_id peer = new_peer();
    const auto share = peer_store_options{}.max_bytes_of_peer;
    const std::vector<std::string> protocols(256, std::string(256, 'x'));
    addresses many{at("/dns4/" + std::string(250, 'a') + "/tcp/1")};
    for (unsigned i = 0; i < 200; ++i)
        many.push_back(at("/dns4/" + std::string(250, 'a') + "/tcp/" + std::to_string(i)));
    store.add_address(peer, port(1), address_source::given, start);
    store.pin(peer);
    store.identified(peer, says(many, protocols), start);
    CHECK(store.bytes() <= share);
    CHECK(store.bytes() > share / 2);
    CHECK(store.addresses(peer, start).front() == port(1));
    CHECK(store.addresses(peer, start).size() > 10);
    CHECK(store.find(peer)->protocols.size() > 10);
    store.take_record(record(peer, 1, many), start);
    CHECK(store.bytes() <= share);
    CHECK(store.addresses(peer, start).front() == port(1));
}

TEST_CASE("peer_store: strangers never push out what the user gave") {
    peer_store_options options;
    options.max_peers = 100;
    options.max_bytes = 100'000;
    peer_store store{options};
    const std::vector<std::string> protocols(256, std::string(256, 'x'));
    std::vector<peer_id> friends;
    for (int i = 0; i < 50; ++i) friends.push_back(new_peer());
    for (const peer_id& id : friends)
        store.add_address(id, port(1), address_source::given, start);
    for (int i = 0; i < 200; ++i) {
        const peer_id stranger = new_peer();
        if (i < 10) store.pin(stranger);  // who is connected takes more than there may be
        store.identified(stranger, says({port(2)}, protocols), start);
    }
    for (const peer_id& id : friends) {
        store.identified(id, says({port(2)}, protocols), start);
        CHECK(store.addresses(id, start) == addresses{port(1)});
    }
    CHECK(store.bytes() <= options.max_bytes + 10 * options.max_bytes_of_peer);
    const peer_id late = new_peer();
    store.add_address(late, port(3), address_source::given, start);
    CHECK(store.addresses(late, start) == addresses{port(3)});
}

TEST_CASE("peer_store: what has expired goes before what was used less lately") {
    peer_store_options options;
    options.max_peers = 2;
    peer_store store{options};
    const peer_id lasting = new_peer(), brief = new_peer(), next = new_peer();
    store.add_address(lasting, port(1), address_source::dialed, start, 1h);
    store.add_address(brief, port(1), address_source::dialed, start, 1s);
    store.add_address(next, port(1), address_source::dialed, start + 1s);
    CHECK(store.find(lasting));
    CHECK_FALSE(store.find(brief));
    CHECK(store.find(next));
}

TEST_CASE("peer_store: keys, in ids and remembered") {
    namespace vectors = copoll_tests::key_vectors;
    peer_store store;
    const auto ed25519 = *public_key::decode(from_hex(vectors::ed25519.public_key));
    const auto ecdsa = *public_key::decode(from_hex(vectors::ecdsa.public_key));
    const peer_id inlined = peer_id::of(ed25519), hashed = peer_id::of(ecdsa);
    CHECK(*store.key(inlined) == ed25519);
    CHECK(error_of(store.key(hashed)) == copoll::errc::not_supported);
    CHECK(error_of(store.add_key(hashed, ed25519)) == errc::wrong_peer);
    CHECK(store.add_key(inlined, ed25519));
    CHECK(store.size() == 0);  // nothing to be remembered
    CHECK(store.add_key(hashed, ecdsa));
    CHECK(*store.key(hashed) == ecdsa);
}
