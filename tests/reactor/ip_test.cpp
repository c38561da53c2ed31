// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/ip.hpp>

#include <catch2/catch_test_macros.hpp>

#include <initializer_list>
#include <random>
#include <set>
#include <string>
#include <string_view>

namespace {

using namespace copoll;
using ip::address;
using ip::endpoint;

address v6(std::initializer_list<std::uint16_t> groups, std::uint32_t scope = 0) {
    address::v6_bytes bytes{};
    std::size_t i = 0;
    for (const std::uint16_t g : groups) {
        bytes[i++] = static_cast<std::uint8_t>(g >> 8);
        bytes[i++] = static_cast<std::uint8_t>(g & 0xff);
    }
    return address{bytes, scope};
}

address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    return address{address::v4_bytes{a, b, c, d}};
}

struct spelling {
    std::string_view text;
    address value;
    std::string_view canonical;
};

const spelling addresses[] = {
    {"0.0.0.0", v4(0, 0, 0, 0), "0.0.0.0"},
    {"127.0.0.1", v4(127, 0, 0, 1), "127.0.0.1"},
    {"255.255.255.255", v4(255, 255, 255, 255), "255.255.255.255"},
    {"10.20.30.40", v4(10, 20, 30, 40), "10.20.30.40"},
    // RFC 4291 section 2.2, form 1: all groups
    {"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789",
     v6({0xabcd, 0xef01, 0x2345, 0x6789, 0xabcd, 0xef01, 0x2345, 0x6789}),
     "abcd:ef01:2345:6789:abcd:ef01:2345:6789"},
    {"2001:DB8:0:0:8:800:200C:417A", v6({0x2001, 0xdb8, 0, 0, 8, 0x800, 0x200c, 0x417a}),
     "2001:db8::8:800:200c:417a"},
    {"0000:0000:0000:0000:0000:0000:0000:0001", v6({0, 0, 0, 0, 0, 0, 0, 1}), "::1"},
    // form 2: "::"
    {"::", v6({0, 0, 0, 0, 0, 0, 0, 0}), "::"},
    {"::1", v6({0, 0, 0, 0, 0, 0, 0, 1}), "::1"},
    {"1::", v6({1, 0, 0, 0, 0, 0, 0, 0}), "1::"},
    {"FF01::101", v6({0xff01, 0, 0, 0, 0, 0, 0, 0x101}), "ff01::101"},
    {"::2:3:4:5:6:7:8", v6({0, 2, 3, 4, 5, 6, 7, 8}), "0:2:3:4:5:6:7:8"},
    {"1:2:3:4:5:6:7::", v6({1, 2, 3, 4, 5, 6, 7, 0}), "1:2:3:4:5:6:7:0"},
    {"1:2:3::5:6:7:8", v6({1, 2, 3, 0, 5, 6, 7, 8}), "1:2:3:0:5:6:7:8"},
    // form 3: dotted decimal at the end
    {"0:0:0:0:0:0:13.1.68.3", v6({0, 0, 0, 0, 0, 0, 0x0d01, 0x4403}), "::d01:4403"},
    {"::13.1.68.3", v6({0, 0, 0, 0, 0, 0, 0x0d01, 0x4403}), "::d01:4403"},
    {"::FFFF:129.144.52.38", v6({0, 0, 0, 0, 0, 0xffff, 0x8190, 0x3426}), "::ffff:129.144.52.38"},
    {"1:2:3:4:5:6:7.8.9.10", v6({1, 2, 3, 4, 5, 6, 0x0708, 0x090a}), "1:2:3:4:5:6:708:90a"},
    {"1:2:3:4:5::7.8.9.10", v6({1, 2, 3, 4, 5, 0, 0x0708, 0x090a}), "1:2:3:4:5:0:708:90a"},
    {"64:ff9b::192.0.2.33", v6({0x64, 0xff9b, 0, 0, 0, 0, 0xc000, 0x0221}), "64:ff9b::c000:221"},
    {"::ffff:7f00:1", v6({0, 0, 0, 0, 0, 0xffff, 0x7f00, 1}), "::ffff:127.0.0.1"},
    {"::ffff:0:0", v6({0, 0, 0, 0, 0, 0xffff, 0, 0}), "::ffff:0.0.0.0"},
    // RFC 5952 section 4
    {"2001:0db8::0001", v6({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1}), "2001:db8::1"},
    {"2001:db8::2:1", v6({0x2001, 0xdb8, 0, 0, 0, 0, 2, 1}), "2001:db8::2:1"},
    {"2001:db8::1:1:1:1:1", v6({0x2001, 0xdb8, 0, 1, 1, 1, 1, 1}), "2001:db8:0:1:1:1:1:1"},
    {"2001:0:0:1:0:0:0:1", v6({0x2001, 0, 0, 1, 0, 0, 0, 1}), "2001:0:0:1::1"},
    {"2001:db8:0:0:1:0:0:1", v6({0x2001, 0xdb8, 0, 0, 1, 0, 0, 1}), "2001:db8::1:0:0:1"},
    {"1:0:0:2:0:0:3:0", v6({1, 0, 0, 2, 0, 0, 3, 0}), "1::2:0:0:3:0"},
    {"0:0:1:2:3:4:0:0", v6({0, 0, 1, 2, 3, 4, 0, 0}), "::1:2:3:4:0:0"},
    {"1:2:3:4:5:6:0:0", v6({1, 2, 3, 4, 5, 6, 0, 0}), "1:2:3:4:5:6::"},
    // zones
    {"fe80::1%3", v6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 3), "fe80::1%3"},
    {"fe80::1%0", v6({0xfe80, 0, 0, 0, 0, 0, 0, 1}), "fe80::1"},
    {"::%4294967295", v6({0, 0, 0, 0, 0, 0, 0, 0}, 4294967295), "::%4294967295"},
    {"::ffff:1.2.3.4%7", v6({0, 0, 0, 0, 0, 0xffff, 0x0102, 0x0304}, 7), "::ffff:1.2.3.4%7"},
};

constexpr std::string_view not_addresses[] = {
    "", " ", "localhost", "1", "1.2", "1.2.3", "1.2.3.", "1.2.3.4.", ".1.2.3.4", "1.2.3.4.5",
    "1..2.3", "256.1.1.1", "1.256.1.1", "1.1.1.256", "1.1.1.1000", "1.1.1.99999999999999999999",
    "01.2.3.4", "1.2.3.04", "1.2.3.00", "0x1.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.+4", "-1.2.3.4",
    "1.2.3.a", "1,2,3,4", "1.2.3.4%1", "1.2.3.4:80", "[1.2.3.4]",
    ":", ":::", "::::", ":1", "1:", "1:2", "::1:", ":1::", "1::2::3", "::1::", "1:::2",
    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "12345::", "::12345", "::00001", "::g", "::-1", "::+1",
    "0x1::", "1 ::", "::1 ", " ::1", "[::1]", "::1/64",
    "::1.2.3", "::1.2.3.4.5", "::1.2.3.256", "::01.2.3.4", "::1.2.3.4:5", "1.2.3.4::",
    "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:1.2.3.4", "1:2:3:4:5:6::1.2.3.4", "::ffff:1.2.3.4.",
    "::1%", "::1%eth0", "::1%-1", "::1%+1", "::1%01", "::1%4294967296", "::1%1%1", "%1", "::1% 1",
    "1:2:3:4:5:6:7:8%",
};

}  // namespace

TEST_CASE("ip: every form of an address is parsed, and printed in the canonical one") {
    for (const auto& [text, value, canonical] : addresses) {
        INFO(text);
        const auto parsed = address::parse(text);
        CHECK(parsed.has_value());
        if (!parsed) continue;
        CHECK(*parsed == value);
        CHECK(to_string(*parsed) == canonical);
        CHECK(address::parse(canonical) == value);
    }
}

TEST_CASE("ip: what is not an address is a parse error") {
    for (const std::string_view text : not_addresses) {
        INFO(text);
        const auto parsed = address::parse(text);
        CHECK(!parsed.has_value());
        if (!parsed) CHECK(parsed.error() == errc::parse_error);
    }
}

TEST_CASE("ip: a text is read by its length, not up to a zero byte") {
    CHECK(!address::parse(std::string_view("1.2.3.4\0", 8)));
    CHECK(!address::parse(std::string_view("::1\0", 4)));
    CHECK(address::parse(std::string_view("1.2.3.45").substr(0, 7)) == v4(1, 2, 3, 4));
}

TEST_CASE("ip: each cut of a text parses to an address or an error") {
    for (const auto& s : addresses)
        for (std::size_t from = 0; from < s.text.size(); ++from)
            for (std::size_t n = 0; n <= s.text.size() - from; ++n) {
                const auto parsed = address::parse(s.text.substr(from, n));
                if (parsed) CHECK(address::parse(to_string(*parsed)) == *parsed);
            }
}

TEST_CASE("ip: random addresses come back as they were printed") {
    std::mt19937 random{20201};
    for (int i = 0; i < 20000; ++i) {
        address::v6_bytes bytes{};
        const bool sparse = random() % 2 == 0;
        for (auto& b : bytes)
            if (!sparse || random() % 4 == 0) b = static_cast<std::uint8_t>(random());
        const address a = i % 4 == 0 ? v4(bytes[0], bytes[1], bytes[2], bytes[3])
                                     : address{bytes, static_cast<std::uint32_t>(random() % 3)};
        const std::string text = to_string(a);
        INFO(text);
        CHECK(address::parse(text) == a);
        const endpoint e{a, static_cast<std::uint16_t>(random())};
        CHECK(endpoint::parse(to_string(e)) == e);
    }
}

TEST_CASE("ip: an address says which family and bytes it has") {
    const address a = v4(1, 2, 3, 4);
    CHECK(a.is_v4());
    CHECK(!a.is_v6());
    CHECK(a.family() == ip::family::v4);
    CHECK(a.to_v4() == address::v4_bytes{1, 2, 3, 4});
    const address b = v6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 2);
    CHECK(b.is_v6());
    CHECK(b.to_v6()[0] == 0xfe);
    CHECK(b.scope() == 2);
    CHECK(address{} == ip::any_v4);
}

TEST_CASE("ip: addresses are ordered, and differ by family and zone") {
    CHECK(ip::any_v4 != ip::any_v6);
    CHECK(v6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 1) != v6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 2));
    CHECK(v4(1, 2, 3, 4) < v4(1, 2, 4, 0));
    const std::set<address> all{ip::any_v4, ip::any_v6, ip::loopback_v4, ip::loopback_v6,
                                ip::any_v4};
    CHECK(all.size() == 4);
}

TEST_CASE("ip: loopback addresses are known, mapped ones too") {
    for (const char* text : {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "::1%1"}) {
        INFO(text);
        CHECK(address::parse(text)->is_loopback());
    }
    for (const char* text : {"0.0.0.0", "128.0.0.1", "126.0.0.1", "::", "::2", "::127.0.0.1",
                             "::ffff:128.0.0.1", "1::1", "::1:ffff:127.0.0.1"}) {
        INFO(text);
        CHECK(!address::parse(text)->is_loopback());
    }
}

TEST_CASE("ip: unspecified addresses are known, mapped ones too") {
    for (const char* text : {"0.0.0.0", "::", "::ffff:0.0.0.0", "::%1"}) {
        INFO(text);
        CHECK(address::parse(text)->is_unspecified());
    }
    for (const char* text : {"0.0.0.1", "127.0.0.1", "::1", "::ffff:0.0.0.1", "1::"}) {
        INFO(text);
        CHECK(!address::parse(text)->is_unspecified());
    }
}

TEST_CASE("ip: endpoints are parsed and printed") {
    const struct {
        std::string_view text;
        endpoint value;
    } good[] = {
        {"1.2.3.4:80", {v4(1, 2, 3, 4), 80}},
        {"0.0.0.0:0", {ip::any_v4, 0}},
        {"255.255.255.255:65535", {v4(255, 255, 255, 255), 65535}},
        {"[::1]:80", {ip::loopback_v6, 80}},
        {"[::]:0", {ip::any_v6, 0}},
        {"[fe80::1%2]:443", {v6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 2), 443}},
        {"[::ffff:1.2.3.4]:8080", {v6({0, 0, 0, 0, 0, 0xffff, 0x0102, 0x0304}), 8080}},
    };
    for (const auto& [text, value] : good) {
        INFO(text);
        CHECK(endpoint::parse(text) == value);
        CHECK(to_string(value) == text);
    }
    CHECK(endpoint::parse("[2001:DB8:0::1]:1") ==
          endpoint{v6({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1}), 1});
}

TEST_CASE("ip: what is not an endpoint is a parse error") {
    for (const std::string_view text :
         {"", ":", ":80", "80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:99999999999999",
          "1.2.3.4:-1", "1.2.3.4:+1", "1.2.3.4: 80", "1.2.3.4:80 ", " 1.2.3.4:80", "1.2.3.4:080",
          "1.2.3.4:00", "1.2.3.4:8a", "1.2.3.4:http", "1.2.3.4::80", "1.2.3:80", "1.2.3.4.5:80",
          "1.2.3.4%1:80", "[1.2.3.4]:80", "::1:80", "::1", "[::1]", "[::1]:", "[::1]80", "[::1",
          "[::1:80", "::1]:80", "[]:80", "[[::1]]:80", "[::1]:65536", "[::1]:-1", "[::1] :80",
          "[ ::1]:80", "[::1%]:80", "[::1%lo]:80", "[::1]%1:80", "localhost:80", "*:80"}) {
        INFO(text);
        const auto parsed = endpoint::parse(text);
        CHECK(!parsed.has_value());
        if (!parsed) CHECK(parsed.error() == errc::parse_error);
    }
}
