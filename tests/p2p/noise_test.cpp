// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/noise.hpp>

#include <catch2/catch_test_macros.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <copoll/p2p/protobuf.hpp>

#include "crypto/bytes.hpp"
#include "support/error_of.hpp"

using namespace copoll::p2p;
using copoll::buffer;
using copoll_tests::error_of;
using copoll_tests::no_error;
namespace crypto = copoll::crypto;

namespace {

identity new_identity() { return identity{private_key::generate_ed25519()}; }

bytes contents(const buffer& b) { return bytes{b.data()}; }

/// A handshake with the bytes that are on their way.
struct side {
    noise::handshake engine;
    buffer in{}, out{};
    std::optional<progress> last{};

    std::error_code advance() {
        const auto r = engine.advance(in, out);
        last = r ? std::optional(*r) : std::nullopt;
        return error_of(r);
    }
    void send_to(side& other) {
        other.in.append(std::as_const(out).data());
        out.clear();
    }
};

struct outcome {
    std::error_code dialer{}, listener{};
};

/// Runs both until they have ended, or one has failed.
outcome run(side& dialer, side& listener) {
    outcome o;
    for (int i = 0; i < 4 && !o.dialer && !o.listener; ++i) {
        o.dialer = dialer.advance();
        dialer.send_to(listener);
        o.listener = listener.advance();
        listener.send_to(dialer);
    }
    return o;
}

struct result_of_muxers {
    outcome ends;
    std::optional<std::string> dialer{}, listener{};
};

result_of_muxers muxers_of(std::vector<std::string> dialers, std::vector<std::string> listeners) {
    side dialer{{role::dialer, new_identity(), {.muxers = std::move(dialers)}}};
    side listener{{role::listener, new_identity(), {.muxers = std::move(listeners)}}};
    const auto ends = run(dialer, listener);
    return {ends, dialer.engine.muxer(), listener.engine.muxer()};
}

/// A listener of the tests' own, which says what it wants in its payload.
class forger {
public:
    explicit forger(identity victim_of) : dialer_{{role::dialer, victim_of}} {}

    const crypto::x25519::public_key& static_key() const { return static_.public_key; }

    /// What a dialer makes of a listener that proves itself by `payload`.
    std::error_code present(std::span<const std::byte> payload) {
        CHECK_FALSE(dialer_.advance());
        noise::handshake_state listener{role::listener, static_};
        CHECK(listener.read_message(std::as_const(dialer_.out).data().subspan(2)));
        buffer message;
        CHECK(listener.write_message(payload, message));
        const std::byte head[] = {static_cast<std::byte>(message.size() >> 8),
                                  static_cast<std::byte>(message.size())};
        dialer_.in.append(head);
        dialer_.in.append(std::as_const(message).data());
        return dialer_.advance();
    }

private:
    noise::key_pair static_;
    side dialer_;
};

bytes statement(const crypto::x25519::public_key& key) {
    bytes made = from_text("noise-libp2p-static-key:");
    made.insert(made.end(), key.begin(), key.end());
    return made;
}

struct session_pair {
    noise::session dialer, listener;
};

session_pair sessions() {
    side dialer{{role::dialer, new_identity()}};
    side listener{{role::listener, new_identity()}};
    const auto ends = run(dialer, listener);
    CHECK_FALSE(ends.dialer);
    CHECK_FALSE(ends.listener);
    return {dialer.engine.start_session(), listener.engine.start_session()};
}

}  // namespace

TEST_CASE("noise: both sides learn who the other is, and can talk") {
    const identity one = new_identity(), other = new_identity();
    side dialer{{role::dialer, one, {.expected = other.id()}}};
    side listener{{role::listener, other}};
    const auto ends = run(dialer, listener);
    REQUIRE_FALSE(ends.dialer);
    REQUIRE_FALSE(ends.listener);
    CHECK(dialer.engine.remote_peer() == other.id());
    CHECK(listener.engine.remote_peer() == one.id());
    CHECK(dialer.engine.remote_key() == other.public_key());
    CHECK_FALSE(dialer.engine.muxer());

    auto at_dialer = dialer.engine.start_session(), at_listener = listener.engine.start_session();
    for (auto [from, to] : {std::pair(&at_dialer, &at_listener), {&at_listener, &at_dialer}}) {
        buffer wire;
        from->seal(from_text("hello"), wire);
        bytes text(5);
        CHECK(to->open(std::as_const(wire).data(), text));
        CHECK(text == from_text("hello"));
    }
}

TEST_CASE("noise: sizes on the wire are those of other implementations") {
    side dialer{{role::dialer, new_identity()}};
    side listener{{role::listener, new_identity()}};
    CHECK_FALSE(dialer.advance());
    CHECK(dialer.out.size() == 2 + 32);
    dialer.send_to(listener);
    CHECK_FALSE(listener.advance());
    CHECK(listener.out.size() == 2 + 200);
    listener.send_to(dialer);
    CHECK_FALSE(dialer.advance());
    CHECK(dialer.out.size() == 2 + 168);
    CHECK(dialer.last == progress::complete);
    CHECK(listener.last == progress::needs_input);
}

TEST_CASE("noise: goes on byte by byte, and leaves what comes behind") {
    side dialer{{role::dialer, new_identity()}};
    side listener{{role::listener, new_identity()}};
    const auto trickle = [](side& from, side& to) {
        const bytes sent = contents(from.out);
        from.out.clear();
        for (std::size_t i = 0; i < sent.size(); ++i) {
            to.in.append(std::span(sent).subspan(i, 1));
            REQUIRE_FALSE(to.advance());
            if (i + 1 < sent.size()) CHECK(to.last == progress::needs_input);
        }
    };
    CHECK_FALSE(dialer.advance());
    trickle(dialer, listener);
    trickle(listener, dialer);
    dialer.out.append(from_text("what follows"));
    dialer.send_to(listener);
    CHECK_FALSE(listener.advance());
    CHECK(listener.last == progress::complete);
    CHECK(contents(listener.in) == from_text("what follows"));
}

TEST_CASE("noise: the peer is another than the one that was expected") {
    side dialer{{role::dialer, new_identity(), {.expected = new_identity().id()}}};
    side listener{{role::listener, new_identity()}};
    CHECK(run(dialer, listener).dialer == errc::wrong_peer);

    side open_dialer{{role::dialer, new_identity()}};
    side picky{{role::listener, new_identity(), {.expected = new_identity().id()}}};
    CHECK(run(open_dialer, picky).listener == errc::wrong_peer);
}

TEST_CASE("noise: a muxer that both name is the dialer's first") {
    const auto both = muxers_of({"/a", "/b", "/c"}, {"/c", "/b"});
    CHECK_FALSE(both.ends.dialer);
    CHECK_FALSE(both.ends.listener);
    CHECK(both.dialer == "/b");
    CHECK(both.listener == "/b");
}

TEST_CASE("noise: a side that names no muxer leaves it to be negotiated") {
    for (const auto& r : {muxers_of({}, {"/a"}), muxers_of({"/a"}, {}), muxers_of({}, {})}) {
        CHECK_FALSE(r.ends.dialer);
        CHECK_FALSE(r.ends.listener);
        CHECK_FALSE(r.dialer);
        CHECK_FALSE(r.listener);
    }
}

TEST_CASE("noise: both name muxers, and none is the same") {
    CHECK(muxers_of({"/a"}, {"/b"}).ends.dialer == errc::no_common_muxer);
}

TEST_CASE("noise: a list of more than 100 muxers is none") {
    std::vector<std::string> many(101, "/a");
    CHECK_FALSE(muxers_of({"/a"}, many).dialer);
    many.pop_back();
    CHECK(muxers_of({"/a"}, many).dialer == "/a");
}

TEST_CASE("noise: only who proves to hold a key is its holder") {
    const identity own = new_identity(), other = new_identity();
    const bytes key{own.public_key().encode()};
    const auto payload = [](std::span<const std::byte> k, std::span<const std::byte> proof) {
        protobuf::writer p;
        return p.bytes(1, k).bytes(2, proof).take();
    };
    {
        forger f{new_identity()};
        CHECK(f.present(payload(key, own.sign(statement(f.static_key())))) == no_error);
    }
    {
        forger f{new_identity()};  // of somebody else
        CHECK(f.present(payload(key, other.sign(statement(f.static_key())))) ==
              errc::bad_identity);
    }
    {
        forger f{new_identity()};  // of another static key, as it was recorded
        const auto recorded = own.sign(statement(noise::key_pair{}.public_key));
        CHECK(f.present(payload(key, recorded)) == errc::bad_identity);
    }
    {
        forger f{new_identity()};  // without the words in front
        CHECK(f.present(payload(key, own.sign(f.static_key()))) == errc::bad_identity);
    }
    {
        forger f{new_identity()};
        CHECK(f.present(payload(key, {})) == errc::bad_identity);
    }
    {
        forger f{new_identity()};
        CHECK(f.present(payload({}, {})) == errc::malformed_key);
    }
    {
        forger f{new_identity()};
        CHECK(f.present({}) == errc::malformed_key);
    }
    {
        forger f{new_identity()};
        CHECK(f.present(from_hex("0aff")) == errc::malformed_handshake);
    }
    {
        forger f{new_identity()};  // extensions that are no message
        protobuf::writer p;
        p.bytes(1, key).bytes(2, own.sign(statement(f.static_key()))).bytes(4, from_hex("12ff"));
        CHECK(f.present(p.message()) == errc::malformed_handshake);
    }
    {
        forger f{new_identity()};  // fields of older and later revisions
        protobuf::writer p;
        p.bytes(3, from_hex("00")).bytes(1, key).varint(9, 1);
        p.bytes(2, own.sign(statement(f.static_key())));
        CHECK(f.present(p.message()) == no_error);
    }
}

TEST_CASE("noise: the first message carries nothing") {
    noise::key_pair own;
    noise::handshake_state forged{role::dialer, own};
    buffer message;
    CHECK(forged.write_message(from_text("early"), message));
    side listener{{role::listener, new_identity()}};
    listener.in.append(from_hex("0025"));
    listener.in.append(std::as_const(message).data());
    CHECK(listener.advance() == errc::malformed_handshake);
}

TEST_CASE("noise: handshake messages that are none") {
    for (const char* hex : {"0000", "001f" "00000000000000000000000000000000000000000000000000"
                                    "000000000000"}) {
        side listener{{role::listener, new_identity()}};
        listener.in.append(from_hex(hex));
        CHECK(listener.advance() == errc::malformed_handshake);
    }
    side dialer{{role::dialer, new_identity()}};
    CHECK_FALSE(dialer.advance());
    dialer.in.append(from_hex("0060"));
    dialer.in.append(bytes(96, std::byte{0x55}));
    CHECK(dialer.advance() == errc::bad_handshake);
}

TEST_CASE("noise session: bytes of any number come back, in records of 64 KiB at most") {
    auto [dialer, listener] = sessions();
    for (const std::size_t n : {1u, 2u, 1000u, 65517u, 65518u, 65519u, 65536u, 200'000u}) {
        bytes text(n);
        for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<std::byte>(i * 7 + i / 256);
        buffer wire;
        dialer.seal(text, wire);
        bytes got;
        while (!wire.empty()) {
            const auto size = noise::session::record_size(std::as_const(wire).data());
            REQUIRE(size);
            REQUIRE(*size);
            REQUIRE(**size <= 65536);
            bytes opened(**size - noise::session::overhead);
            REQUIRE(listener.open(std::as_const(wire).data().first(**size), opened));
            got.insert(got.end(), opened.begin(), opened.end());
            wire.consume(**size);
        }
        CHECK((got == text));
    }
    buffer none;
    dialer.seal({}, none);
    CHECK(none.empty());
}

TEST_CASE("noise session: takes a record of the largest size, and one of no bytes") {
    auto [dialer, listener] = sessions();
    CHECK(*noise::session::record_size(from_hex("ffff")) == std::size_t{65537});
    CHECK(*noise::session::record_size(from_hex("0010")) == std::size_t{18});
    CHECK_FALSE(*noise::session::record_size(from_hex("00")));
    CHECK(error_of(noise::session::record_size(from_hex("000f"))) == errc::bad_record);
}

TEST_CASE("noise session: a record that is replayed, dropped, damaged or turned back is refused") {
    const auto opened = [](noise::session& by, std::span<const std::byte> record) {
        bytes text(record.size() - noise::session::overhead);
        return error_of(by.open(record, text));
    };
    const auto records = [](noise::session& by) {
        buffer one, two;
        by.seal(from_text("one"), one);
        by.seal(from_text("two"), two);
        return std::pair(contents(one), contents(two));
    };
    {
        auto [dialer, listener] = sessions();
        const auto [one, two] = records(dialer);
        CHECK(opened(listener, one) == no_error);
        CHECK(opened(listener, one) == errc::bad_record);
        CHECK(opened(listener, two) == errc::bad_record);
    }
    {
        auto [dialer, listener] = sessions();
        CHECK(opened(listener, records(dialer).second) == errc::bad_record);
    }
    {
        auto [dialer, listener] = sessions();
        CHECK(opened(dialer, records(dialer).first) == errc::bad_record);
    }
    auto [dialer, listener] = sessions();
    bytes one = records(dialer).first;
    one.back() ^= std::byte{1};
    CHECK(opened(listener, one) == errc::bad_record);
}
