// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/multiaddr.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <string_view>
#include <unordered_set>

#include "crypto/bytes.hpp"
#include "support/error_of.hpp"

using namespace copoll::p2p;
using copoll_tests::error_of;
namespace ip = copoll::ip;

namespace {

multiaddr address(std::string_view text) {
    const auto parsed = multiaddr::parse(text);
    INFO(text);
    REQUIRE(parsed);
    return *parsed;
}

// Texts that go-multiaddr takes, of the protocols that are known here.
const char* const good[] = {
    "/ip4/1.2.3.4",
    "/ip4/0.0.0.0",
    "/ip4/192.0.2.0/ipcidr/24",
    "/ip6/::1",
    "/ip6/2601:9:4f81:9700:803e:ca65:66e8:c21",
    "/ip6/2601:9:4f81:9700:803e:ca65:66e8:c21/udp/1234/quic",
    "/ip6/2601:9:4f81:9700:803e:ca65:66e8:c21/udp/1234/quic-v1",
    "/ip6/2001:db8::/ipcidr/32",
    "/ip6zone/x/ip6/fe80::1",
    "/ip6zone/x%y/ip6/fe80::1",
    "/ip6zone/x%y/ip6/::",
    "/ip6zone/x/ip6/fe80::1/udp/1234/quic-v1",
    "/udp/0",
    "/tcp/0",
    "/sctp/0",
    "/udp/1234",
    "/tcp/1234",
    "/sctp/1234",
    "/udp/65535",
    "/tcp/65535",
    "/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC",
    "/p2p/12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV",
    "/udp/1234/sctp/1234",
    "/udp/1234/udt",
    "/udp/1234/utp",
    "/tcp/1234/http",
    "/tcp/1234/tls/http",
    "/tcp/1234/https",
    "/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC/tcp/1234",
    "/ip4/127.0.0.1/udp/1234/quic-v1/webtransport",
    "/ip4/127.0.0.1/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC/tcp/1234",
    "/unix/a/b/c/d/e",
    "/unix/stdio",
    "/ip4/1.2.3.4/tcp/80/unix/a/b/c/d/e/f",
    "/ip4/127.0.0.1/tcp/9090/http/p2p-webrtc-direct",
    "/ip4/127.0.0.1/tcp/127/ws",
    "/ip4/127.0.0.1/tcp/127/tls/ws",
    "/ip4/127.0.0.1/tcp/127/noise",
    "/ip4/127.0.0.1/tcp/127/wss",
    "/dns/example.com/tcp/443/tls/sni/example.com/http/http-path/foo",
    "/dns4/example.com/tcp/4001",
    "/dns6/example.com/tcp/4001",
    "/dnsaddr/bootstrap.libp2p.io",
    "/ip4/127.0.0.1/tcp/4001/p2p-circuit",
    "/ip4/127.0.0.1/udp/4001/webrtc-direct",
    "/memory/4",
    "/memory/18446744073709551615",
    "/http-path/tmp%2Fbar",
};

// Texts that go-multiaddr refuses.
const char* const bad[] = {
    "", "/", "//", "ip4/1.2.3.4", "/ip4", "/ip4/::1", "/ip4/fdpsofodsajfdoisa",
    "/ip4/::/ipcidr/256", "/ip6/::/ipcidr/1026", "/ip6", "/ip6/1.2.3.4", "/ip6/fe80::1%1",
    "/ip6zone", "/ip6zone/", "/ip6zone//ip6/fe80::1", "/udp", "/tcp", "/sctp",
    "/udp/65536", "/tcp/65536", "/tcp/ 1", "/tcp/+1", "/tcp/0x10",
    "/quic/65536", "/quic-v1/65536", "/udp/1234/sctp", "/udp/1234/udt/1234",
    "/udp/1234/utp/1234", "/ip4/127.0.0.1/udp/jfodsajfidosajfoidsa", "/ip4/127.0.0.1/udp",
    "/ip4/127.0.0.1/tcp/jfodsajfidosajfoidsa", "/ip4/127.0.0.1/tcp",
    "/ip4/127.0.0.1/quic/1234", "/ip4/127.0.0.1/quic-v1/1234",
    "/ip4/127.0.0.1/udp/1234/quic-v1/webtransport/certhash",
    "/ip4/127.0.0.1/udp/1234/quic-v1/webtransport/certhash/b2uaraocy6yrdblb4sfptaddgimjmmp",
    "/ip4/127.0.0.1/ipfs", "/ip4/127.0.0.1/ipfs/tcp", "/ip4/127.0.0.1/p2p",
    "/ip4/127.0.0.1/p2p/tcp", "/unix", "/ip4/1.2.3.4/tcp/80/unix", "/ip4/1.2.3.4/tcp/-1",
    "/ip4/127.0.0.1/tcp/9090/http/p2p-webcrt-direct", "/memory/92233720368547758081",
    "/p2p/QmxoHT6iViN5xAjoz1VZ553cL31U9F94ht3QvWR1FrEbZY", "/nonsense", "/dns4", "/http-path/%2",
    "/http-path/%zz", "/http-path/a%",
};

}  // namespace

TEST_CASE("multiaddr: the specification's example, in text and in bytes") {
    const multiaddr a = address("/ip4/192.0.2.42/tcp/443");
    CHECK(bytes{a.bytes()} == from_hex("04c000022a0601bb"));
    CHECK(multiaddr::from_bytes(from_hex("04c000022a0601bb")) == a);
    const auto parts = a.components();
    REQUIRE(parts.size() == 2);
    CHECK(parts[0].protocol == protocol_code::ip4);
    CHECK(parts[0].value_text() == "192.0.2.42");
    CHECK(bytes{parts[0].value} == from_hex("c000022a"));
    CHECK(parts[1].protocol == protocol_code::tcp);
    CHECK(parts[1].value_text() == "443");
    CHECK(parts[1].number() == 443);
    CHECK(bytes{parts[1].value} == from_hex("01bb"));
}

TEST_CASE("multiaddr: well-formed texts come back from their bytes") {
    for (const char* text : good) {
        INFO(text);
        const auto parsed = multiaddr::parse(text);
        REQUIRE(parsed);
        CHECK(parsed->to_string() == text);
        const auto again = multiaddr::from_bytes(parsed->bytes());
        REQUIRE(again);
        CHECK(*again == *parsed);
    }
}

TEST_CASE("multiaddr: malformed texts are none") {
    for (const char* text : bad) {
        INFO(text);
        CHECK(error_of(multiaddr::parse(text)) == errc::malformed_multiaddr);
    }
}

TEST_CASE("multiaddr: bytes of other implementations") {
    const struct {
        const char *text, *hex;
    } cases[] = {
        {"/ip4/127.0.0.1/udp/1234", "047f000001910204d2"},
        {"/ip4/127.0.0.1/tcp/4321", "047f0000010610e1"},
        {"/ip6/::1/tcp/80", "2900000000000000000000000000000001060050"},
        {"/memory/1", "89060000000000000001"},
        {"/ip4/127.0.0.1/ipcidr/8", "047f0000012b08"},
        {"/dns4/a.b/tcp/1/p2p-circuit", "3603612e62060001a202"},
        {"/unix/a/b", "9003042f612f62"},
        {"/http-path/tmp%2Fbar", "e10307746d702f626172"}};
    for (const auto& [text, hex] : cases) {
        INFO(text);
        CHECK(bytes{address(text).bytes()} == from_hex(hex));
    }
}

TEST_CASE("multiaddr: other forms of a value are printed in one") {
    CHECK(address("/ip4/127.0.0.1/tcp/1234/").to_string() == "/ip4/127.0.0.1/tcp/1234");
    CHECK(address("/ip6/2001:DB8:0:0::1").to_string() == "/ip6/2001:db8::1");
    CHECK(address("/ipfs/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC").to_string() ==
          "/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC");
    CHECK(address("/p2p/k51qzi5uqu5dhb6l8spkdx7yxafegfkee5by8h7lmjh2ehc2sgg34z7c15vzqs")
              .to_string()
              .starts_with("/p2p/12D3KooW"));
    CHECK(address("/p2p/bafzbeigvf25ytwc3akrijfecaotc74udrhcxzh2cx3we5qqnw5vgrei4bm") ==
          address("/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"));
    const multiaddr hash = address("/certhash/b2uaraocy6yrdblb4sfptaddgimjmmpy");
    CHECK(hash.to_string().starts_with("/certhash/u"));
    CHECK(address(hash.to_string()) == hash);
}

TEST_CASE("multiaddr: no bytes, cut bytes and unknown protocols are none") {
    for (const char* hex : {"04c000022a0601bb", "2900000000000000000000000000000001060050",
                            "3603612e62060001", "89060000000000000001"}) {
        const bytes whole = from_hex(hex);
        for (std::size_t n = 0; n < whole.size(); ++n) {
            const auto cut = multiaddr::from_bytes(std::span(whole).first(n));
            // a whole component less is an address again
            if (cut)
                CHECK(whole[n] == std::byte{6});
            else
                CHECK(error_of(cut) == errc::malformed_multiaddr);
        }
    }
    for (const char* hex : {"ff", "01", "8100c000022a", "36ffffffffffffffff7f", "3600", "360161ff",
                            "a5030012", "3602612f", "900301610601bb", "9003022f610601bb"}) {
        INFO(hex);
        CHECK(error_of(multiaddr::from_bytes(from_hex(hex))) == errc::malformed_multiaddr);
    }
}

TEST_CASE("multiaddr: encapsulated and taken out again") {
    const multiaddr outer = address("/ip4/127.0.0.1/udp/1234");
    const multiaddr inner = address("/tcp/80");
    const multiaddr both = outer.encapsulate(inner);
    CHECK(both.to_string() == "/ip4/127.0.0.1/udp/1234/tcp/80");
    CHECK(both.decapsulate(inner) == outer);
    CHECK(both.decapsulate(address("/udp/1234")) == address("/ip4/127.0.0.1"));
    CHECK(both.decapsulate(address("/udp/9")) == both);
    CHECK_FALSE(both.decapsulate(address("/ip4/127.0.0.1")));
    CHECK_FALSE(both.decapsulate(both));
    const multiaddr twice = both.encapsulate(inner);
    CHECK(twice.decapsulate(inner) == both);  // the last one
}

TEST_CASE("multiaddr: where to connect, and to whom") {
    const multiaddr a =
        address("/ip4/192.0.2.1/tcp/4001/p2p/12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV");
    CHECK(a.tcp_endpoint() == *ip::endpoint::parse("192.0.2.1:4001"));
    REQUIRE(a.peer());
    CHECK(a.peer()->to_string() == "12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV");
    CHECK(a.without_peer() == address("/ip4/192.0.2.1/tcp/4001"));
    CHECK(multiaddr::tcp(*a.tcp_endpoint()).encapsulate(multiaddr::p2p(*a.peer())) == a);

    CHECK(address("/ip6/::1/tcp/1").tcp_endpoint() == *ip::endpoint::parse("[::1]:1"));
    CHECK(multiaddr::tcp({ip::loopback_v6, 1}) == address("/ip6/::1/tcp/1"));
    CHECK_FALSE(address("/dns4/a.b/tcp/1").tcp_endpoint());
    CHECK_FALSE(address("/ip4/1.2.3.4/udp/1").tcp_endpoint());
    CHECK_FALSE(address("/ip4/1.2.3.4").tcp_endpoint());
    CHECK_FALSE(address("/tcp/1").peer());
    CHECK(address("/tcp/1").without_peer() == address("/tcp/1"));
    CHECK_FALSE(multiaddr::p2p(*a.peer()).without_peer());
}

TEST_CASE("multiaddr: is ordered and hashed by its bytes") {
    CHECK(address("/tcp/1") < address("/tcp/2"));
    const std::unordered_set<multiaddr> set{address("/tcp/1"), address("/tcp/2"),
                                            address("/tcp/1")};
    CHECK(set.size() == 2);
}
