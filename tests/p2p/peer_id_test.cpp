// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/peer_id.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <unordered_set>

#include "crypto/bytes.hpp"
#include "p2p/key_vectors.hpp"
#include "support/error_of.hpp"

using namespace copoll::p2p;
using copoll_tests::error_of;
namespace vectors = copoll_tests::key_vectors;

TEST_CASE("peer_id: of the specification's keys, in both texts") {
    for (const auto* known : vectors::all) {
        INFO(known->name);
        const auto key = public_key::decode(from_hex(known->public_key));
        REQUIRE(key);
        const peer_id id = peer_id::of(*key);
        CHECK(id.to_string() == known->peer_id);
        CHECK(id.to_cid() == known->cid);
        for (const auto text : {known->peer_id, known->cid}) {
            const auto parsed = peer_id::parse(text);
            REQUIRE(parsed);
            CHECK(*parsed == id);
        }
        const auto again = peer_id::from_bytes(id.bytes());
        REQUIRE(again);
        CHECK(*again == id);
    }
}

TEST_CASE("peer_id: holds the key if the key is short") {
    const auto ed25519 = peer_id::parse(vectors::ed25519.peer_id);
    const auto rsa = peer_id::parse(vectors::rsa.peer_id);
    REQUIRE(ed25519);
    REQUIRE(rsa);
    const auto key = ed25519->key();
    REQUIRE(key);
    CHECK(bytes{key->encode()} == from_hex(vectors::ed25519.public_key));
    CHECK(error_of(rsa->key()) == copoll::errc::not_supported);
}

TEST_CASE("peer_id: CIDs in all bases") {
    // the same id in base36, base32, base58, and base16 in either case
    const auto id =
        peer_id::parse("k51qzi5uqu5dhb6l8spkdx7yxafegfkee5by8h7lmjh2ehc2sgg34z7c15vzqs");
    REQUIRE(id);
    std::string hex = "0172", upper = "0172";
    for (const std::byte b : id->bytes()) {
        hex += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4];
        hex += "0123456789abcdef"[std::to_integer<unsigned>(b) & 15];
    }
    for (const char c : hex.substr(4)) upper += c >= 'a' ? static_cast<char>(c - 32) : c;
    CHECK(peer_id::parse("f" + hex) == id);
    CHECK(peer_id::parse("F" + upper) == id);
    CHECK(peer_id::parse(id->to_cid()) == id);
    CHECK(peer_id::parse("bafzaajaiaejcalj543iwv2d7pkjt7ykvefrkfu7qjfi6sduakhso4lay6abn2d5u"));
    CHECK(peer_id::parse("bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe") ==
          peer_id::parse("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"));
}

TEST_CASE("peer_id: texts that are none") {
    const std::string good(vectors::ed25519.peer_id);
    for (const std::string& text :
         {std::string{}, std::string("1"), std::string("Qm"), good.substr(0, 40), good + "1",
          good.substr(0, 20) + "0" + good.substr(21),                     // not of base58
          std::string("QmxoHT6iViN5xAjoz1VZ553cL31U9F94ht3QvWR1FrEbZY"),  // a longer digest
          std::string("bafzaajaiaejcalj543iwv2d7pkjt7ykvefrkfu7qjfi6sduakhso4lay6abn2d5"),
          std::string("Bafzaajaiaejcalj543iwv2d7pkjt7ykvefrkfu7qjfi6sduakhso4lay6abn2D5u"),
          std::string("bafybeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe"),  // dag-pb
          std::string("f0172"), std::string("f01720000"), std::string("f017212"),
          "1" + std::string(100'000, '2'), "k" + std::string(100'000, '2'),
          "f0172" + std::string(100'000, '0')}) {
        INFO(text.substr(0, 100));
        CHECK(error_of(peer_id::parse(text)) == errc::malformed_peer_id);
    }
}

TEST_CASE("peer_id: multihashes that are none") {
    for (const std::string hex :
         {"", "00", "0000", "0001", "000102ff", "1220", "122000", "1320", "1221"})
        CHECK(error_of(peer_id::from_bytes(from_hex(hex))) == errc::malformed_peer_id);
    CHECK(error_of(peer_id::from_bytes(from_hex("002b" + std::string(86, '1')))) ==
          errc::malformed_peer_id);
    CHECK(error_of(peer_id::from_bytes(from_hex("121f" + std::string(62, '1')))) ==
          errc::malformed_peer_id);
    CHECK(peer_id::from_bytes(from_hex("1220" + std::string(64, '1'))));
}

TEST_CASE("peer_id: is ordered and hashed by its bytes") {
    const auto one = peer_id::parse(vectors::ed25519.peer_id);
    const auto other = peer_id::parse(vectors::rsa.peer_id);
    CHECK(*one < *other);
    CHECK(*one != *other);
    const std::unordered_set<peer_id> set{*one, *other, *one};
    CHECK(set.size() == 2);
}
