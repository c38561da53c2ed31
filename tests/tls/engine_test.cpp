// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/engine.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/error_of.hpp"
#include "tls/conversation.hpp"
#include "tls/secure_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using tls::milestone;
using tls::progress;

namespace {

/// Changes the byte at this position, counted over both directions.
auto damaging(std::size_t position) {
    return [position, flown = std::size_t{0}](bytes& said, bool) mutable {
        if (position >= flown && position < flown + said.size())
            said[position - flown] ^= std::byte{0x40};
        flown += said.size();
    };
}

}  // namespace

TEST_CASE("tls engine: a handshake in memory, and data behind it") {
    conversation c;
    REQUIRE(c.shake_hands());
    const auto sent = pattern(50'000);
    const auto r = c.client.write(sent);
    CHECK(r.n == sent.size());
    const bytes records = taken_from(c.client);
    c.server.input(records);
    bytes got(sent.size());
    std::size_t n = 0;
    while (n < got.size()) {
        const auto read = c.server.read(std::span(got).subspan(n));
        REQUIRE(read.n > 0);
        n += read.n;
    }
    CHECK(got == sent);
    CHECK(c.server.unread() == 0);
    CHECK(c.server.read(got).n == 0);
}

TEST_CASE("tls engine: bytes may come one at a time") {
    for (const auto version : both_versions) {
        auto options = to_example();
        options.protocol = only(version);
        conversation c{.client = tls::engine{options}, .at_once = 1};
        CHECK(c.shake_hands());
    }
}

TEST_CASE("tls engine: it writes no more than fits into a host's write") {
    conversation c;
    REQUIRE(c.shake_hands());
    const auto much = pattern(200'000);
    const auto r = c.client.write(much);
    CHECK(r.n > 40 * 1024);
    CHECK(r.n < much.size());
    CHECK(c.client.output().size() <= 64 * 1024);
}

TEST_CASE("tls engine: a handshake with any byte changed fails on both sides, or changes nothing") {
    for (const auto version : both_versions) {
        auto options = to_example();
        options.protocol = only(version);
        conversation whole{.client = tls::engine{options}};
        REQUIRE(whole.shake_hands());
        unsigned failed = 0;
        for (std::size_t i = 0; i < whole.flown; i += 7) {
            conversation c{.client = tls::engine{options}, .between = damaging(i)};
            INFO(tls::name_of(version) << ", byte " << i);
            if (!c.shake_hands()) {
                const bool noticed = c.client.error() || c.server.error();
                // a length that grew makes a side wait for bytes that never come
                const bool waits = !c.client.is_complete() || !c.server.is_complete();
                CHECK((noticed || waits));
                failed += noticed;
                continue;
            }
            // what is not protected: the version in the header of a record
            CHECK(c.client.server_identity() == p256_server().identity());
        }
        CHECK(failed * 7 > whole.flown * 3 / 4);
    }
}

TEST_CASE("tls engine: a transport that ends at any point is a truncation, and never a success") {
    conversation whole;
    REQUIRE(whole.shake_hands());
    tls::engine reference{to_example()};
    REQUIRE(reference.advance(milestone::complete) == progress::needs_input);
    const bytes hello = taken_from(reference);
    for (std::size_t n = 0; n < hello.size(); n += 5) {
        tls::engine server{as_example()};
        server.input(std::span(hello).first(n));
        CHECK(server.advance(milestone::complete) == progress::needs_input);
        server.input_ended();
        CHECK(server.advance(milestone::complete) == progress::failed);
        CHECK(server.error() == tls::errc::truncated);
        CHECK(server.output().empty());
    }
}

TEST_CASE("tls engine: records out of order, twice or left out are noticed") {
    const auto read_all = [](conversation& c, const bytes& records) {
        c.server.input(records);
        bytes into(100);
        for (;;) {
            const auto r = c.server.read(into);
            if (r.ec || r.n == 0) return r.ec;
        }
    };
    const auto record_of = [](conversation& c, char text) {
        const std::byte one{static_cast<unsigned char>(text)};
        CHECK(c.client.write(std::span(&one, 1)).n == 1);
        return taken_from(c.client);
    };
    conversation twice;
    REQUIRE(twice.shake_hands());
    bytes a = record_of(twice, 'a');
    CHECK(read_all(twice, a) == no_error);
    CHECK(read_all(twice, a) == tls::errc::bad_record);

    conversation swapped;
    REQUIRE(swapped.shake_hands());
    a = record_of(swapped, 'a');
    const bytes b = record_of(swapped, 'b');
    CHECK(read_all(swapped, b) == tls::errc::bad_record);
}

TEST_CASE("tls engine: it gives its buffers back while nothing is on its way") {
    conversation c;
    REQUIRE(c.shake_hands());
    bytes into(1000);
    for (int i = 0; i < 3; ++i) {
        c.client.release_buffers();
        c.server.release_buffers();
        const auto sent = pattern(1000);
        CHECK(c.client.write(sent).n == sent.size());
        const bytes record = taken_from(c.client);
        c.server.input(std::span(record).first(10));
        CHECK(c.server.read(into).n == 0);
        c.server.release_buffers();  // a part of a record is there: it stays
        c.server.input(std::span(record).subspan(10));
        CHECK(c.server.read(into).n == sent.size());
        CHECK(into == sent);
    }
}

TEST_CASE("tls engine: a client that gives up before its hello is heard, in pieces too") {
    constexpr std::array record{std::byte{21}, std::byte{3}, std::byte{3}, std::byte{0},
                                std::byte{2},  std::byte{2}, std::byte{49}};
    tls::engine server{as_example()};
    for (std::size_t i = 0; i < record.size(); ++i) {
        CHECK(server.advance(milestone::complete) == progress::needs_input);
        server.input(std::span(record).subspan(i, 1));
    }
    CHECK(server.advance(milestone::complete) == progress::failed);
    CHECK(server.error() == tls::alert::access_denied);
    CHECK(server.output().empty());
}

TEST_CASE("tls engine: nothing works after an error") {
    conversation c;
    tls::engine& server = c.server;
    const bytes junk(50, std::byte{0xff});
    server.input(junk);
    CHECK(server.advance(milestone::complete) == progress::failed);
    CHECK(server.error() == tls::errc::malformed_message);
    CHECK(server.advance(milestone::client_hello) == progress::failed);
    CHECK(error_of(server.write(junk)) == tls::errc::malformed_message);
    CHECK(error_of(server.update_keys()) == tls::errc::malformed_message);
}
