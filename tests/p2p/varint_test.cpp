// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/varint.hpp>

#include <catch2/catch_test_macros.hpp>

#include "crypto/bytes.hpp"
#include "support/error_of.hpp"

using namespace copoll::p2p;
using copoll_tests::error_of;

TEST_CASE("varint: numbers and their bytes") {
    const struct {
        std::uint64_t value;
        const char* hex;
    } cases[] = {{0, "00"},           {1, "01"},         {127, "7f"},
                 {128, "8001"},       {255, "ff01"},     {300, "ac02"},
                 {16384, "808001"},   {0xffff, "ffff03"}, {varint::largest, "ffffffffffffffff7f"}};
    for (const auto& [value, hex] : cases) {
        INFO(hex);
        CHECK(bytes{varint::encoded{value}.bytes()} == from_hex(hex));
        const auto decoded = varint::decode(from_hex(std::string(hex) + "ff"));
        REQUIRE(error_of(decoded) == copoll_tests::no_error);
        REQUIRE(*decoded);
        CHECK((*decoded)->value == value);
        CHECK((*decoded)->size == std::string_view(hex).size() / 2);
    }
}

TEST_CASE("varint: one that is cut needs more") {
    for (const char* hex : {"", "80", "ffffffffffffffff"}) {
        const auto decoded = varint::decode(from_hex(hex));
        REQUIRE(decoded);
        CHECK_FALSE(*decoded);
    }
}

TEST_CASE("varint: longer than need be, or over 63 bits, is none") {
    for (const char* hex : {"8100", "8000", "ffffffffffffffffff", "80808080808080808001"})
        CHECK(error_of(varint::decode(from_hex(hex))) == errc::malformed_varint);
}
