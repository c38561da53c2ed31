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

#include "tls/secure_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using tls::milestone;
using tls::progress;

namespace {

using bytes = std::vector<std::byte>;

bytes taken_from(tls::engine& e) {
    const auto data = std::as_const(e.output()).data();
    bytes taken{data.begin(), data.end()};
    e.output().clear();
    return taken;
}

bytes record(unsigned type, unsigned minor_version, std::span<const std::byte> body) {
    bytes made{static_cast<std::byte>(type), std::byte{3}, static_cast<std::byte>(minor_version),
               static_cast<std::byte>(body.size() >> 8), static_cast<std::byte>(body.size())};
    made.insert(made.end(), body.begin(), body.end());
    return made;
}

bytes change_cipher_spec() { return record(20, 3, std::array{std::byte{1}}); }

std::size_t records_in(std::span<const std::byte> stream) {
    std::size_t n = 0;
    for (; !stream.empty(); ++n) {
        const auto size = std::to_integer<std::size_t>(stream[3]) << 8 |
                          std::to_integer<std::size_t>(stream[4]);
        stream = stream.subspan(5 + size);
    }
    return n;
}

/// What reading `stream` ends with.
std::error_code end_of(tls::engine& e, const bytes& stream) {
    std::array<std::byte, 64> into;
    if (!stream.empty()) e.input(stream);
    for (;;) {
        const auto r = e.read(into);
        if (r.n == 0) return r.ec;
    }
}

struct pair {
    tls::engine client{to_example()};
    tls::engine server{as_example()};

    /// Of TLS 1.3, to the end, tickets and all.
    bool shake_hands() {
        client.advance(milestone::complete);
        for (int flights = 0; flights < 2; ++flights) {
            const bytes there = taken_from(client);
            server.input(there);
            server.advance(milestone::complete);
            const bytes back = taken_from(server);
            client.input(back);
            client.advance(milestone::complete);
            if (client.unread() > 0) end_of(client, {});
        }
        return client.is_complete() && server.is_complete();
    }
};

}  // namespace

TEST_CASE("tls: a ChangeCipherSpec behind the handshake is refused") {
    pair p;
    REQUIRE(p.shake_hands());
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
    pair p;
    REQUIRE(p.shake_hands());
    const bytes too_long = record(23, 3, bytes(16384 + 1 + 16 + 1));
    CHECK(end_of(p.client, too_long) == tls::errc::malformed_message);
    CHECK(end_of(p.server, taken_from(p.client)) == tls::alert::record_overflow);
}

TEST_CASE("tls: key updates that come together are answered once, before data") {
    pair p;
    REQUIRE(p.shake_hands());
    for (int i = 0; i < 3; ++i) REQUIRE(p.client.update_keys(true).has_value());
    CHECK_FALSE(end_of(p.server, taken_from(p.client)));
    CHECK(taken_from(p.server).empty());
    CHECK(p.server.write(pattern(10)).n == 10);
    const bytes answer = taken_from(p.server);
    CHECK(records_in(answer) == 2);
    CHECK_FALSE(end_of(p.client, answer));
}

TEST_CASE("tls: a ClientHello may come in pieces, in records of any minor version") {
    pair p;
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
    pair p{.client = tls::engine{options}};
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
    CHECK(records_in(said) == 2);
    p.server.input(said);
    CHECK(p.server.advance(milestone::complete) == progress::failed);
    CHECK(p.server.error() == tls::alert::bad_certificate);
}
