// SPDX-License-Identifier: MIT OR Apache-2.0
#include "admission.hpp"

#include <catch2/catch_test_macros.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <copoll/p2p/key.hpp>

using namespace copoll::p2p;
using detail::admission;
using detail::quota;

namespace {

peer_id new_peer() { return peer_id::of(private_key::generate_ed25519().public_key()); }

multiaddr at(std::string_view ip) {
    const std::string kind = ip.contains(':') ? "/ip6/" : "/ip4/";
    return *multiaddr::parse(kind + std::string(ip) + "/tcp/4001");
}

/// How many of at most 20 are let in by `ask`, and stay.
template <class F>
std::size_t let_in(F ask) {
    std::vector<decltype(ask())> tickets;
    while (tickets.size() < 20) {
        auto ticket = ask();
        if (!ticket) break;
        tickets.push_back(std::move(ticket));
    }
    return tickets.size();
}

}  // namespace

TEST_CASE("quota: leases count until they are destroyed, of each key alone") {
    quota<std::string> two{2};
    {
        auto first = two.take("a");
        const auto second = two.take("a");
        REQUIRE(first);
        REQUIRE(second);
        CHECK_FALSE(two.take("a"));
        CHECK(two.take("b"));
        CHECK(two.taken("a") == 2);
        CHECK(two.taken("b") == 0);
        const auto moved = *std::move(first);  // counts once, and not where it came from
        first.reset();
        CHECK(two.taken("a") == 2);
        CHECK_FALSE(two.take("a"));
    }
    CHECK(two.taken("a") == 0);
    CHECK(two.take("a"));
    quota<std::string> none{0};
    CHECK_FALSE(none.take("a"));
}

TEST_CASE("admission: connections of a peer, in and out together") {
    admission doors{{.connections_of_peer = 3}};
    const peer_id peer = new_peer(), other = new_peer();
    const auto out = doors.connect_out(peer);
    CHECK(out);
    CHECK(let_in([&] { return doors.connect_in(peer, at("192.0.2.1")); }) == 2);
    CHECK(let_in([&] { return doors.connect_out(peer); }) == 2);  // those have gone
    CHECK(doors.connect_out(other));
}

TEST_CASE("admission: connections in all, and incoming ones") {
    admission doors{{.connections = 5, .incoming_connections = 3}};
    std::vector<std::optional<admission::connection_ticket>> in;
    for (int i = 0; i < 3; ++i) in.push_back(doors.connect_in(new_peer(), at("127.0.0.1")));
    for (const auto& ticket : in) CHECK(ticket);
    CHECK_FALSE(doors.connect_in(new_peer(), at("127.0.0.1")));
    CHECK(doors.has_room_to_dial());
    CHECK(let_in([&] { return doors.connect_out(new_peer()); }) == 2);
    const auto one = doors.connect_out(new_peer()), two = doors.connect_out(new_peer());
    CHECK_FALSE(doors.has_room_to_dial());
    in.pop_back();
    CHECK(doors.has_room_to_dial());
    CHECK(doors.connect_in(new_peer(), at("127.0.0.1")));
}

TEST_CASE("admission: one that is refused leaves nothing taken") {
    admission doors{{.connections = 4, .connections_of_peer = 2, .connections_of_address = 1}};
    const peer_id peer = new_peer();
    const auto held = doors.connect_in(peer, at("192.0.2.1"));
    for (int i = 0; i < 10; ++i) CHECK_FALSE(doors.connect_in(peer, at("192.0.2.1")));
    CHECK(doors.connect_in(peer, at("192.0.2.2")));
    CHECK(let_in([&] { return doors.connect_out(new_peer()); }) == 3);
}

TEST_CASE("admission: connections of an address, which is that of a household") {
    admission doors{{.connections_of_peer = 100, .connections_of_address = 2}};
    const auto count = [&](std::string_view first, std::string_view then) {
        const auto held = doors.connect_in(new_peer(), at(first));
        CHECK(held);
        return let_in([&] { return doors.connect_in(new_peer(), at(then)); });
    };
    CHECK(count("192.0.2.1", "192.0.2.1") == 1);
    CHECK(count("192.0.2.1", "192.0.2.2") == 2);
    CHECK(count("2001:db8::1", "2001:db8::ffff:1") == 1);  // the same 64 bits
    CHECK(count("2001:db8::1", "2001:db8:0:1::1") == 2);
    CHECK(count("192.0.2.1", "::ffff:192.0.2.1") == 1);  // the same, written otherwise
    CHECK(count("::ffff:192.0.2.1", "::ffff:192.0.2.2") == 2);
    CHECK(count("127.0.0.1", "127.0.0.1") == 20);
    CHECK(count("::1", "::1") == 20);
    CHECK(let_in([&] { return doors.connect_out(new_peer()); }) == 20);
}

TEST_CASE("admission: securing, in all and of an address") {
    admission doors{{.securing = 5, .securing_of_address = 2}};
    {
        const auto first = doors.secure(at("192.0.2.1")), second = doors.secure(at("192.0.2.1"));
        CHECK(first);
        CHECK(second);
        CHECK_FALSE(doors.secure(at("192.0.2.1")));
        CHECK(let_in([&] { return doors.secure(at("192.0.2.2")); }) == 2);
        CHECK(let_in([&] { return doors.secure(at("127.0.0.1")); }) == 3);  // to five in all
    }
    CHECK(doors.secure(at("192.0.2.1")));
    CHECK(let_in([&] { return doors.secure(at("::1")); }) == 5);
}

TEST_CASE("admission: streams, in all and of a peer") {
    admission doors{{.incoming_streams = 5, .incoming_streams_of_peer = 3}};
    const peer_id peer = new_peer();
    CHECK(doors.streams() == 0);
    {
        std::vector<admission::stream_ticket> held;
        for (int i = 0; i < 3; ++i) held.push_back(*doors.serve(peer));
        CHECK_FALSE(doors.serve(peer));
        CHECK(doors.streams() == 3);
        CHECK(let_in([&] { return doors.serve(new_peer()); }) == 2);
        const auto moved = std::move(held.back());
        held.pop_back();
        CHECK(doors.streams() == 3);
        CHECK_FALSE(doors.serve(peer));
    }
    CHECK(doors.streams() == 0);
    CHECK(let_in([&] { return doors.serve(peer); }) == 3);
}
