// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/signed_record.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/p2p/protobuf.hpp>
#include <copoll/p2p/varint.hpp>

#include "crypto/bytes.hpp"
#include "p2p/js_vectors.hpp"
#include "support/error_of.hpp"

using namespace copoll::p2p;
using copoll_tests::error_of;
using copoll_tests::no_error;
namespace js = copoll_tests::js_vectors;

namespace {

identity new_identity() { return identity{private_key::generate_ed25519()}; }

/// That of a seed of 32 bytes in hexadecimal.
identity identity_of(std::string_view seed) {
    auto data = from_hex(seed);
    std::array<std::byte, 32> bytes;
    std::ranges::copy(data, bytes.begin());
    const auto own = copoll::crypto::ed25519::private_key{bytes}.public_key();
    data.insert(data.end(), own.begin(), own.end());
    protobuf::writer message;
    message.varint(1, 1).bytes(2, data);
    return identity{*private_key::decode(message.message())};
}

std::vector<multiaddr> some_addresses() {
    std::vector<multiaddr> made;
    for (const auto text : js::addresses) made.push_back(*multiaddr::parse(text));
    return made;
}

/// An envelope of anything, as anybody may sign it.
struct forgery {
    identity signer = new_identity();
    std::vector<std::byte> payload{};
    std::string_view domain = "libp2p-peer-record";
    bytes type = from_hex("0301");

    std::vector<std::byte> envelope() const {
        copoll::buffer said;
        for (const auto part : {copoll::bytes_of(domain), std::span<const std::byte>(type),
                                std::span<const std::byte>(payload)}) {
            said.append(varint::encoded{part.size()}.bytes());
            said.append(part);
        }
        protobuf::writer w;
        w.bytes(1, signer.public_key().encode()).bytes(2, type).bytes(3, payload);
        w.bytes(5, signer.sign(std::as_const(said).data()));
        return w.take();
    }
};

std::vector<std::byte> record_of(const peer_id& peer, std::span<const bytes> addresses = {}) {
    protobuf::writer w;
    w.bytes(1, peer.bytes()).varint(2, 5);
    for (const bytes& a : addresses) w.bytes(3, a);
    return w.take();
}

}  // namespace

TEST_CASE("signed_record: js-libp2p's envelope is opened, and ours is the same") {
    const bytes envelope = from_hex(js::envelope);
    const auto opened = open_record(envelope);
    REQUIRE(opened);
    CHECK(opened->peer.to_string() == js::peer);
    CHECK(opened->sequence == js::sequence);
    CHECK(opened->addresses == some_addresses());
    // Ed25519 signs the same message in the same way
    CHECK(bytes{seal(identity_of(js::seed), js::sequence, some_addresses())} == envelope);
}

TEST_CASE("signed_record: what was sealed is opened") {
    const identity own = new_identity();
    for (const std::uint64_t sequence : {std::uint64_t{0}, UINT64_MAX}) {
        const auto opened = open_record(seal(own, sequence, some_addresses()));
        REQUIRE(opened);
        CHECK(*opened == peer_record{own.id(), sequence, some_addresses()});
    }
    CHECK(open_record(seal(own, 1, {}))->addresses.empty());
}

TEST_CASE("signed_record: any byte that is changed is noticed") {
    const identity own = new_identity();
    const auto envelope = seal(own, 1, some_addresses());
    for (std::size_t i = 0; i < envelope.size(); ++i) {
        auto changed = envelope;
        changed[i] ^= std::byte{1};
        const auto opened = open_record(changed);
        INFO("byte " << i);
        CHECK_FALSE(opened.has_value());
    }
    for (std::size_t n = 0; n < envelope.size(); ++n)
        CHECK_FALSE(open_record(std::span(envelope).first(n)).has_value());
}

TEST_CASE("signed_record: a bad signature") {
    auto envelope = seal(new_identity(), 1, some_addresses());
    envelope.back() ^= std::byte{1};
    CHECK(error_of(open_record(envelope)) == errc::bad_signature);
}

TEST_CASE("signed_record: the record of another peer") {
    const identity own = new_identity(), other = new_identity();
    forgery f{.signer = other, .payload = record_of(own.id())};
    CHECK(error_of(open_record(f.envelope())) == errc::wrong_peer);
    f.payload = record_of(other.id());
    CHECK(error_of(open_record(f.envelope())) == no_error);
    CHECK(error_of(open_record(f.envelope(), other.id())) == no_error);
    CHECK(error_of(open_record(f.envelope(), own.id())) == errc::wrong_peer);
}

TEST_CASE("signed_record: what was signed for another purpose") {
    const identity own = new_identity();
    forgery f{.signer = own, .payload = record_of(own.id())};
    f.domain = "libp2p-routing-state";
    CHECK(error_of(open_record(f.envelope())) == errc::bad_signature);
    f.domain = "libp2p-peer-record";
    f.type = from_hex("0302");
    CHECK(error_of(open_record(f.envelope())) == errc::malformed_message);
}

TEST_CASE("signed_record: what is none") {
    CHECK(error_of(open_record({})) == errc::malformed_message);
    CHECK(error_of(open_record(from_hex("0a05"))) == errc::malformed_message);
    forgery f;
    f.payload = from_hex("0a0212200801");
    CHECK(error_of(open_record(f.envelope())) == errc::malformed_peer_id);
    f.payload = from_hex("1001");
    CHECK(error_of(open_record(f.envelope())) == errc::malformed_peer_id);
    f.payload = from_hex("ff");
    CHECK(error_of(open_record(f.envelope())) == errc::malformed_message);
    protobuf::writer no_key;
    no_key.bytes(1, from_hex("0801")).bytes(2, from_hex("0301"));
    CHECK(error_of(open_record(no_key.message())) == errc::malformed_key);
}

TEST_CASE("signed_record: addresses that are not understood are skipped, and too many refused") {
    forgery f;
    const bytes good = from_hex("0a080401020304060fa1"), bad = from_hex("0a03ffff7f"),
                empty = from_hex("");
    const std::vector<bytes> some{bad, good, empty};
    f.payload = record_of(f.signer.id(), some);
    const auto opened = open_record(f.envelope());
    REQUIRE(opened);
    REQUIRE(opened->addresses.size() == 1);
    CHECK(opened->addresses[0].to_string() == "/ip4/1.2.3.4/tcp/4001");

    for (const bytes& address : {good, bad}) {
        std::vector<bytes> many(most_record_addresses, address);
        f.payload = record_of(f.signer.id(), many);
        CHECK(error_of(open_record(f.envelope())) == no_error);
        many.push_back(address);
        f.payload = record_of(f.signer.id(), many);
        CHECK(error_of(open_record(f.envelope())) == copoll::errc::message_too_large);
    }
    f.payload.assign(longest_envelope, std::byte{});
    CHECK(error_of(open_record(f.envelope())) == copoll::errc::message_too_large);
}

TEST_CASE("signed_record: numbers go up, also many within a millisecond, and over restarts") {
    record_numbers numbers;
    std::uint64_t last = 0;
    for (int i = 0; i < 10'000; ++i) {
        const auto next = numbers.next();
        REQUIRE(next > last);
        last = next;
    }
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
    record_numbers restarted;
    CHECK(restarted.next() >= static_cast<std::uint64_t>(now));
}
