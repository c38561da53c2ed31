// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/identify.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <copoll/event.hpp>
#include <copoll/p2p/multistream.hpp>
#include <copoll/p2p/protobuf.hpp>
#include <copoll/p2p/varint.hpp>
#include <copoll/when.hpp>

#include "crypto/bytes.hpp"
#include "p2p/js_vectors.hpp"
#include "p2p/key_vectors.hpp"
#include "p2p/talk.hpp"
#include "support/error_of.hpp"
#include "support/worlds.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;
using p2p::identify_message;
using p2p::multiaddr;

namespace {

using byte_vector = std::vector<std::byte>;

void append(byte_vector& to, std::span<const std::byte> more) {
    to.insert(to.end(), more.begin(), more.end());
}

byte_vector with_length(std::span<const std::byte> message) {
    const p2p::varint::encoded length{message.size()};
    byte_vector framed{length.bytes().begin(), length.bytes().end()};
    append(framed, message);
    return framed;
}

result<identify_message> decode(std::span<const std::byte> said, std::size_t piece = SIZE_MAX) {
    p2p::identify_decoder decoder;
    while (!said.empty()) {
        const auto part = said.first(std::min(piece, said.size()));
        said = said.subspan(part.size());
        if (const auto taken = decoder.input(part); !taken) return fail(taken.error());
    }
    return decoder.finish();
}

result<identify_message> decode_one(std::span<const std::byte> message) {
    return decode(with_length(message));
}

identify_message full_message() {
    identify_message m;
    m.key = new_identity().public_key();
    m.listen_addresses = {*multiaddr::parse("/ip4/192.0.2.1/tcp/4001"),
                          *multiaddr::parse("/ip6/2001:db8::1/tcp/4001")};
    m.protocols = {"/ipfs/id/1.0.0", "/ipfs/ping/1.0.0"};
    m.observed_address = *multiaddr::parse("/ip4/198.51.100.7/tcp/55555");
    m.protocol_version = "test/1.0.0";
    m.agent_version = "copoll/0.1";
    m.signed_record = pattern(300);
    return m;
}

}  // namespace

TEST_CASE("identify: what js-libp2p says of itself") {
    const auto envelope = from_hex(js_vectors::envelope);
    byte_vector message = from_hex(js_vectors::identify_without_envelope);
    append(message, envelope);
    const auto said = decode_one(message);
    REQUIRE(said);
    REQUIRE(said->key);
    CHECK(p2p::peer_id::of(*said->key).to_string() == js_vectors::peer);
    REQUIRE(said->listen_addresses.size() == js_vectors::addresses.size());
    for (std::size_t i = 0; i < js_vectors::addresses.size(); ++i)
        CHECK(said->listen_addresses[i].to_string() == js_vectors::addresses[i]);
    CHECK(said->protocols == std::vector<std::string>{"/ipfs/id/1.0.0", "/ipfs/ping/1.0.0"});
    REQUIRE(said->observed_address);
    CHECK(said->observed_address->to_string() == "/ip4/198.51.100.7/tcp/55555");
    CHECK(said->protocol_version == "ipfs/0.1.0");
    CHECK(said->agent_version == "js-libp2p/3.3.11");
    CHECK(std::ranges::equal(said->signed_record, envelope));
}

TEST_CASE("identify: a message comes out as it went in, in whatever pieces") {
    const identify_message sent = full_message();
    const auto framed = with_length(encode(sent));
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, framed.size()}) {
        const auto said = decode(framed, piece);
        REQUIRE(said);
        CHECK(*said == sent);
    }
    const auto nothing = decode_one({});
    REQUIRE(nothing);
    CHECK(*nothing == identify_message{});
}

TEST_CASE("identify: several messages are put together") {
    identify_message first = full_message(), second;
    const auto record = std::exchange(first.signed_record, {});
    second.protocols = {"/more/1.0.0"};
    second.agent_version = "later";
    second.signed_record = record;
    byte_vector framed = with_length(encode(first));
    append(framed, with_length(encode(second)));
    const auto said = decode(framed);
    REQUIRE(said);
    CHECK(said->protocols.size() == first.protocols.size() + 1);
    CHECK(said->protocols.back() == "/more/1.0.0");
    CHECK(said->agent_version == "later");
    CHECK(said->protocol_version == first.protocol_version);
    CHECK(said->listen_addresses == first.listen_addresses);
    CHECK(said->signed_record == record);
}

TEST_CASE("identify: what is too long for rust-libp2p is left out, the record first") {
    identify_message m = full_message();
    for (int i = 0; i < 60; ++i)
        m.listen_addresses.push_back(multiaddr::tcp({ip::loopback_v6, std::uint16_t(i)}));
    const std::size_t room = p2p::most_identify_sent - encode(m).size();
    m.signed_record.resize(m.signed_record.size() + room);
    CHECK(encode(m).size() == p2p::most_identify_sent);
    auto said = *decode_one(encode(m));
    CHECK(said == m);
    m.signed_record.push_back({});
    said = *decode_one(encode(m));
    CHECK(said.signed_record.empty());
    CHECK(said.listen_addresses == m.listen_addresses);

    for (int i = 0; i < 100; ++i)
        m.listen_addresses.push_back(multiaddr::tcp({ip::loopback_v6, std::uint16_t(1000 + i)}));
    m.protocols.assign(100, "/a/protocol/1.0.0");
    CHECK(encode(m).size() <= p2p::most_identify_sent);
    CHECK(encode(m).size() > p2p::most_identify_sent - 40);
    said = *decode_one(encode(m));
    CHECK(said.protocols == m.protocols);
    REQUIRE(said.listen_addresses.size() < m.listen_addresses.size());
    m.listen_addresses.resize(said.listen_addresses.size(), m.listen_addresses[0]);
    CHECK(said.listen_addresses == m.listen_addresses);

    m.protocols.assign(1000, "/a/protocol/1.0.0");
    said = *decode_one(encode(m));
    CHECK(said.protocols.size() > 150);
    CHECK(said.key == m.key);
    CHECK(said.agent_version == m.agent_version);
}

TEST_CASE("identify: addresses that are not understood are skipped") {
    p2p::protobuf::writer w;
    const auto good = *multiaddr::parse("/ip4/192.0.2.1/tcp/4001");
    w.bytes(2, from_hex("ffff7f01")).bytes(2, good.bytes()).bytes(2, {}).bytes(4, from_hex("04c0"));
    w.varint(2, 7).bytes(9, pattern(10)).varint(12, 1);
    const auto said = decode_one(w.message());
    REQUIRE(said);
    CHECK(said->listen_addresses == std::vector{good});
    CHECK_FALSE(said->observed_address);
}

TEST_CASE("identify: protocols that cannot be proposed are skipped, and count") {
    const std::string longest(p2p::multistream::longest_protocol, 'x');
    p2p::identify_limits wide;
    wide.text_size = 2 * longest.size();
    p2p::protobuf::writer w;
    for (const std::string& id : {std::string("/a"), std::string(), std::string("/b\n/c"),
                                  std::string("na"), longest, longest + 'x', std::string("/d")})
        w.text(3, id);
    p2p::identify_decoder decoder{wide};
    CHECK(decoder.input(with_length(w.message())));
    const auto said = decoder.finish();
    REQUIRE(said);
    CHECK(said->protocols == std::vector<std::string>{"/a", longest, "/d"});

    p2p::protobuf::writer many;
    for (std::size_t i = 0; i <= p2p::identify_limits{}.protocols; ++i) many.text(3, "");
    CHECK(error_of(decode_one(many.message())) == errc::message_too_large);
}

TEST_CASE("identify: 1,800 protocols in chunks are too many") {
    byte_vector said;
    for (int chunk = 0; chunk < 9; ++chunk) {
        p2p::protobuf::writer w;
        for (int i = 0; i < 200; ++i) w.text(3, "/a/" + std::to_string(chunk * 200 + i));
        append(said, with_length(w.message()));
    }
    CHECK(error_of(decode(said)) == errc::message_too_large);
}

TEST_CASE("identify: more than is taken") {
    const auto refused = [](const byte_vector& said) {
        return error_of(decode(said)) == errc::message_too_large;
    };
    CHECK(refused(from_hex("8140")));                // 8,193 bytes are to come
    CHECK(refused(from_hex("ffffffffffffffff7f")));  // 2^63 - 1
    const byte_vector ten(10), eleven(11);           // messages of no bytes
    CHECK(error_of(decode(ten)) == no_error);
    CHECK(refused(eleven));

    const std::string longest(p2p::identify_limits{}.text_size, 'x');
    for (const std::uint32_t field : {3u, 5u, 6u}) {
        p2p::protobuf::writer fits, more;
        fits.text(field, longest);
        more.text(field, longest + 'x');
        CHECK(error_of(decode_one(fits.message())) == no_error);
        CHECK(refused(with_length(more.message())));
    }
    for (const bool known : {true, false}) {  // malformed ones count as well
        p2p::protobuf::writer w;
        for (int i = 0; i < 513; ++i) w.bytes(2, from_hex(known ? "0401020304" : "04010203"));
        CHECK(refused(with_length(w.message())));
    }
}

TEST_CASE("identify: what is no message") {
    p2p::protobuf::writer key;
    key.bytes(1, pattern(36));
    CHECK(error_of(decode_one(key.message())) == p2p::errc::malformed_key);
    CHECK(error_of(decode_one(from_hex("0a05"))) == p2p::errc::malformed_message);
    CHECK(error_of(decode(from_hex("8100"))) == p2p::errc::malformed_varint);
    CHECK(error_of(decode({})) == p2p::errc::truncated);
    const auto framed = with_length(encode(full_message()));
    for (const std::size_t n : {std::size_t{1}, std::size_t{2}, framed.size() - 1})
        CHECK(error_of(decode(std::span(framed).first(n))) == p2p::errc::truncated);
}

TEST_CASE("identify: a key must be the one that the peer has proved") {
    identify_message m;
    const auto remote = new_identity().public_key();
    CHECK(error_of(check_identity(m, remote)) == no_error);
    m.key = remote;
    CHECK(error_of(check_identity(m, remote)) == no_error);
    m.key = new_identity().public_key();
    CHECK(error_of(check_identity(m, remote)) == p2p::errc::bad_identity);
    m.key = *p2p::public_key::decode(from_hex(key_vectors::secp256k1.public_key));
    CHECK(error_of(check_identity(m, remote)) == p2p::errc::bad_identity);
}

TEST_CASE("identify: a push changes what it mentions") {
    const identify_message before = full_message();
    identify_message known = before, push;
    apply_push(known, push);
    CHECK(known == before);
    push.protocols = {"/other/1.0.0"};
    push.agent_version = "copoll/0.2";
    apply_push(known, push);
    CHECK(known.protocols == push.protocols);
    CHECK(known.agent_version == "copoll/0.2");
    CHECK(known.key == before.key);
    CHECK(known.listen_addresses == before.listen_addresses);
    CHECK(known.signed_record == before.signed_record);
    apply_push(known, before);
    CHECK(known == before);
}

TEST_CASE("identify: asked for on a stream, and pushed on one") {
    run_in_worlds([]() -> task<result<void>> {
        const identify_message sent = full_message();
        const auto tell = [&](p2p::stream s) {
            return [](p2p::stream on, const identify_message& m) -> task<result<void>> {
                co_return co_await p2p::send_identify(on, m);
            }(std::move(s), sent);
        };
        const auto hear = [&](p2p::stream s) {
            return [](p2p::stream on, const identify_message& m) -> task<result<void>> {
                const auto said = co_await check(p2p::receive_identify(on));
                CHECK(said == m);
                co_return {};
            }(std::move(s), sent);
        };
        auto asked = co_await check(talk(p2p::identify_protocol, hear, tell));
        CHECK(error_of(asked.dialer) == no_error);
        CHECK(error_of(asked.listener) == no_error);
        auto pushed = co_await check(talk(p2p::identify_push_protocol, tell, hear));
        CHECK(error_of(pushed.dialer) == no_error);
        CHECK(error_of(pushed.listener) == no_error);
        co_return {};
    });
}

TEST_CASE("identify: what was said counts though the connection has ended since") {
    run_in_worlds([]() -> task<result<void>> {
        const auto hear_late = [](p2p::connection& c) -> task<result<void>> {
            auto s = co_await check(c.open(p2p::identify_protocol));
            const auto closed = co_await c.accept();
            CHECK(error_of(closed) == errc::eof);
            const auto said = co_await check(p2p::receive_identify(s));
            CHECK(said.agent_version == "copoll/0.1");
            co_return {};
        };
        const auto tell_and_leave = [](p2p::connection& c) -> task<result<void>> {
            auto s = co_await check(c.accept());
            const std::vector<std::string> protocols{p2p::identify_protocol};
            co_await check(s.negotiate(protocols));
            const auto message = full_message();
            co_return co_await p2p::send_identify(s, message);
        };
        meeting m;
        const auto ended = co_await check(meet(std::move(m), hear_late, tell_and_leave));
        CHECK(error_of(ended.dialer) == no_error);
        CHECK(error_of(ended.listener) == no_error);
        co_return {};
    });
}

TEST_CASE("identify: who stops in the middle is told why the stream is reset") {
    run_in_worlds([]() -> task<result<void>> {
        const auto hear = [](p2p::stream s) -> task<result<void>> {
            const auto said = co_await p2p::receive_identify(s);
            co_return said ? result<void>{} : fail(said.error());
        };
        const auto stop_early = [](p2p::stream s) -> task<result<void>> {
            const auto framed = with_length(encode(full_message()));
            co_await check(write_all(s, std::span(framed).first(framed.size() - 1)));
            co_await check(s.shutdown_write());
            const auto rest = co_await discard_to_end(s);
            CHECK(s.reset_by_peer() == p2p::reset_code::protocol_violation);
            co_return rest.status();
        };
        const auto ended = co_await check(talk(p2p::identify_protocol, hear, stop_early));
        CHECK(error_of(ended.dialer) == p2p::errc::truncated);
        CHECK(error_of(ended.listener) == p2p::errc::stream_reset);
        co_return {};
    });
}

TEST_CASE("identify: who says too much is cut off, and who says nothing can be given up") {
    run_in_worlds([]() -> task<result<void>> {
        const auto flood = [](p2p::stream s) -> task<result<void>> {
            const auto said = with_length(pattern(8 * 1024 + 1));
            for (;;) co_await check(write_all(s, said));
        };
        const auto hear = [](p2p::stream s) -> task<result<void>> {
            const auto said = co_await p2p::receive_identify(s);
            co_return said ? result<void>{} : fail(said.error());
        };
        const auto cut_off = co_await check(talk(p2p::identify_protocol, hear, flood));
        CHECK(error_of(cut_off.dialer) == errc::message_too_large);
        CHECK(error_of(cut_off.listener) == p2p::errc::stream_reset);

        // given up once the peer has the stream: it does not hear of one that is gone before
        event silent;
        const auto give_up = [&silent](p2p::stream from) -> task<result<void>> {
            auto [first, results] =
                co_await first_done(p2p::receive_identify(from), silent.wait());
            CHECK(first == 1);
            const auto& said = std::get<0>(results);
            co_return said ? result<void>{} : fail(said.error());
        };
        const auto be_silent = [&silent](p2p::stream s) -> task<result<void>> {
            silent.set();
            co_return (co_await discard_to_end(s)).status();
        };
        const auto given_up = co_await check(talk(p2p::identify_protocol, give_up, be_silent));
        CHECK(error_of(given_up.dialer) == errc::canceled);
        CHECK(error_of(given_up.listener) == p2p::errc::stream_reset);
        co_return {};
    });
}
