// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/yamux_frame.hpp>

#include <catch2/catch_test_macros.hpp>

#include "crypto/bytes.hpp"
#include "support/error_of.hpp"

using namespace copoll::p2p;
using copoll_tests::error_of;
using yamux::frame_header;
using yamux::frame_type;

namespace {

copoll::result<frame_header> decode(std::string_view hex) {
    return frame_header::decode(first<12>(from_hex(hex)));
}

}  // namespace

TEST_CASE("yamux frame: headers and their bytes") {
    const struct {
        frame_header header;
        const char* hex;
    } cases[] = {
        {{frame_type::data, yamux::flag_syn, 1, 5}, "000000010000000100000005"},
        {{frame_type::window_update, yamux::flag_ack | yamux::flag_fin, 2, 0x40000},
         "000100060000000200040000"},
        {{frame_type::window_update, yamux::flag_rst, 0xfffffffe, 0x1001},
         "00010008fffffffe00001001"},
        {{frame_type::ping, yamux::flag_syn, 0, 0xdeadbeef}, "0002000100000000deadbeef"},
        {{frame_type::go_away, 0, 0, 2}, "000300000000000000000002"}};
    for (const auto& [header, hex] : cases) {
        INFO(hex);
        CHECK(bytes{header.encode()} == from_hex(hex));
        const auto decoded = decode(hex);
        REQUIRE(decoded);
        CHECK(*decoded == header);
    }
}

TEST_CASE("yamux frame: flags that nobody has named are kept") {
    CHECK(decode("0000fff00000000100000000")->flags == 0xfff0);
}

TEST_CASE("yamux frame: what is no header") {
    for (const char* hex : {"010000010000000100000005",    // another version
                            "000400000000000100000000",    // another type
                            "000000000000000000000005",    // data of no stream
                            "000100000000000000000005",    // a window of no stream
                            "000200010000000100000000",    // a ping on a stream
                            "000300000000000100000000"})   // going away from a stream
        CHECK(error_of(decode(hex)) == errc::malformed_frame);
}
