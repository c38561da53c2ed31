// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/protobuf.hpp>

#include <catch2/catch_test_macros.hpp>

#include <vector>

#include "crypto/bytes.hpp"
#include "support/error_of.hpp"

using namespace copoll::p2p;
using copoll_tests::error_of;

namespace {

/// How reading all fields of it ends, and how many there are before.
struct reading {
    std::error_code end{};
    std::vector<protobuf::field> fields{};
};

reading read_all(std::span<const std::byte> message) {
    reading r;
    protobuf::reader fields{message};
    for (;;) {
        const auto f = fields.next();
        r.end = error_of(f);
        if (r.end || !*f) return r;
        r.fields.push_back(**f);
    }
}

}  // namespace

TEST_CASE("protobuf: what is written is read") {
    const bytes data(200, std::byte{7});
    protobuf::writer out;
    out.varint(1, 300).bytes(2, data).text(3, "").varint(15, UINT64_MAX);
    const auto [end, fields] = read_all(out.message());
    CHECK_FALSE(end);
    REQUIRE(fields.size() == 4);
    CHECK(fields[0].number == 1);
    CHECK(fields[0].value == 300);
    CHECK(fields[1].type == protobuf::wire_type::bytes);
    CHECK(bytes{fields[1].data} == data);
    CHECK(fields[2].data.empty());
    CHECK(fields[3].number == 15);
    CHECK(fields[3].value == UINT64_MAX);
}

TEST_CASE("protobuf: fields of other kinds are passed") {
    const bytes message = from_hex("0d04030201" "110807060504030201" "f8ffffff0f05");
    const auto [end, fields] = read_all(message);
    CHECK_FALSE(end);
    REQUIRE(fields.size() == 3);
    CHECK(fields[0].value == 0x01020304);
    CHECK(fields[1].value == 0x0102030405060708);
    CHECK(fields[2].number == (1u << 29) - 1);
    CHECK(fields[2].value == 5);
}

TEST_CASE("protobuf: no prefix of a field is one") {
    for (const char* hex : {"0d04030201", "110807060504030201", "0aac0201", "08ac02"}) {
        const bytes whole = from_hex(hex);
        for (std::size_t n = 1; n < whole.size(); ++n)
            CHECK(read_all(std::span(whole).first(n)).end == errc::malformed_message);
    }
}

TEST_CASE("protobuf: what is no field") {
    for (const char* hex : {
             "0000",                          // field 0
             "0b0c", "0c",                    // groups
             "0e00", "0f00",                  // wire types that there are not
             "80808080100100",                // a number over 29 bits
             "0affffffffffffffffff01",        // a length of 2^64 - 1
             "08ffffffffffffffffff02",        // over 64 bits
             "0880808080808080808080" "01"})  // over ten bytes
        CHECK(read_all(from_hex(hex)).end == errc::malformed_message);
}
