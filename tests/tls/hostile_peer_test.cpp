// SPDX-License-Identifier: MIT OR Apache-2.0
// What a peer sends that it must not, and what it is told.
#include <copoll/tls/engine.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "tls/conversation.hpp"
#include "tls/secure_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using tls::milestone;
using tls::progress;

namespace {

bytes change_cipher_spec() { return record(20, 3, std::array{std::byte{1}}); }

}  // namespace

TEST_CASE("tls: a ChangeCipherSpec behind the handshake is refused") {
    conversation p;
    REQUIRE(p.shake_hands_to_the_end());
    CHECK(end_of(p.server, change_cipher_spec()) == tls::errc::unexpected_message);
    CHECK(end_of(p.client, taken_from(p.server)) == tls::alert::unexpected_message);
}

TEST_CASE("tls: a peer that only says that it changes its cipher is given up") {
    tls::engine client{to_example()};
    client.advance(milestone::complete);
    bytes many;
    for (int i = 0; i < 40; ++i) {
        const bytes one = change_cipher_spec();
        many.insert(many.end(), one.begin(), one.end());
    }
    client.input(many);
    CHECK(client.advance(milestone::complete) == progress::failed);
    CHECK(client.error() == tls::errc::too_much_work);
}

TEST_CASE("tls: a record that is too long is refused, also right behind the handshake") {
    conversation p;
    REQUIRE(p.shake_hands_to_the_end());
    const bytes too_long = record(23, 3, bytes(16384 + 1 + 16 + 1));
    CHECK(end_of(p.client, too_long) == tls::errc::malformed_message);
    CHECK(end_of(p.server, taken_from(p.client)) == tls::alert::record_overflow);
}

TEST_CASE("tls: key updates that come together are answered once, before data") {
    conversation p;
    REQUIRE(p.shake_hands_to_the_end());
    for (int i = 0; i < 3; ++i) REQUIRE(p.client.update_keys(true).has_value());
    CHECK_FALSE(end_of(p.server, taken_from(p.client)));
    CHECK(taken_from(p.server).empty());
    CHECK(p.server.write(pattern(10)).n == 10);
    const bytes answer = taken_from(p.server);
    CHECK(records_of(answer).size() == 2);
    CHECK_FALSE(end_of(p.client, answer));
}

TEST_CASE("tls: a ClientHello may come in pieces, in records of any minor version") {
    conversation p;
    p.client.advance(milestone::complete);
    const bytes hello = taken_from(p.client);
    constexpr std::size_t piece_size = 3;
    bytes pieces;
    for (std::size_t at = 5; at < hello.size(); at += piece_size) {
        const bytes piece =
            record(22, 0x7f, std::span(hello).subspan(at, std::min(piece_size, hello.size() - at)));
        pieces.insert(pieces.end(), piece.begin(), piece.end());
    }
    p.server.input(pieces);
    CHECK(p.server.advance(milestone::complete) == progress::needs_input);
    const bytes answer = taken_from(p.server);
    p.client.input(answer);
    CHECK(p.client.advance(milestone::complete) == progress::reached);
}

TEST_CASE("tls: before a client's first alert with keys it tells middleboxes that they come") {
    auto options = to_example();
    options.server_name = "other.example";
    conversation p{.client = tls::engine{options}};
    p.client.advance(milestone::complete);
    const bytes hello = taken_from(p.client);
    p.server.input(hello);
    p.server.advance(milestone::complete);
    const bytes answer = taken_from(p.server);
    p.client.input(answer);
    CHECK(p.client.advance(milestone::complete) == progress::failed);
    CHECK(p.client.error() == tls::errc::certificate_name_mismatch);
    const bytes said = taken_from(p.client);
    CHECK(std::ranges::equal(std::span(said).first(6), change_cipher_spec()));
    CHECK(records_of(said).size() == 2);
    p.server.input(said);
    CHECK(p.server.advance(milestone::complete) == progress::failed);
    CHECK(p.server.error() == tls::alert::bad_certificate);
}

TEST_CASE("tls: a peer that closes in the middle of a handshake has closed, which is an error") {
    const bytes close_notify = record(21, 3, std::array{std::byte{1}, std::byte{0}});
    const bytes fatal = record(21, 3, std::array{std::byte{2}, std::byte{0}});
    for (const bytes& alert : {close_notify, fatal}) {
        tls::engine client{to_example()};
        client.advance(milestone::complete);
        client.input(alert);
        CHECK(client.advance(milestone::complete) == progress::failed);
        CHECK(client.error() == errc::eof);
        CHECK(client.advance(milestone::complete) == progress::failed);

        tls::engine server{as_example()};
        server.input(alert);
        CHECK(server.advance(milestone::complete) == progress::failed);
        CHECK(server.error() == errc::eof);

        conversation c;
        c.client.advance(milestone::complete);
        const bytes hello = taken_from(c.client);
        c.server.input(hello);
        CHECK(c.server.advance(milestone::complete) == progress::needs_input);
        c.server.input(alert);
        CHECK(c.server.advance(milestone::complete) == progress::failed);
        CHECK(c.server.error() == errc::eof);
    }
}

TEST_CASE("tls: a client that gives up before it has keys is heard by a server that has") {
    conversation c;
    c.client.advance(milestone::complete);
    const bytes hello = taken_from(c.client);
    c.server.input(hello);
    CHECK(c.server.advance(milestone::complete) == progress::needs_input);
    taken_from(c.server);
    const bytes alert = record(21, 3, std::array{std::byte{2}, std::byte{49}});
    for (std::size_t i = 0; i + 1 < alert.size(); ++i) {
        c.server.input(std::span(alert).subspan(i, 1));
        CHECK(c.server.advance(milestone::complete) == progress::needs_input);
    }
    c.server.input(std::span(alert).last(1));
    CHECK(c.server.advance(milestone::complete) == progress::failed);
    CHECK(c.server.error() == tls::alert::access_denied);
    CHECK(c.server.output().empty());
}

TEST_CASE("tls: an alert in the clear that is none is refused") {
    conversation c;
    c.client.advance(milestone::complete);
    const bytes hello = taken_from(c.client);
    c.server.input(hello);
    CHECK(c.server.advance(milestone::complete) == progress::needs_input);
    const bytes longer = record(21, 3, bytes(20, std::byte{2}));
    c.server.input(longer);
    CHECK(c.server.advance(milestone::complete) == progress::failed);
    CHECK(c.server.error() == tls::errc::bad_record);

    conversation late;
    REQUIRE(late.shake_hands_to_the_end());
    const bytes alert = record(21, 3, std::array{std::byte{2}, std::byte{49}});
    CHECK(end_of(late.server, alert) == tls::errc::bad_record);
    conversation at_client;
    REQUIRE(at_client.shake_hands_to_the_end());
    CHECK(end_of(at_client.client, alert) == tls::errc::bad_record);
}
