// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/ed25519.hpp>
#include <copoll_crypto/public_key.hpp>
#include <copoll_crypto/x25519.hpp>

#include <catch2/catch_test_macros.hpp>

#include <set>
#include <string>
#include <utility>

#include "bytes.hpp"

using namespace copoll::crypto;

namespace {

// The beginning of a SubjectPublicKeyInfo for a point on P-256, and the curve's base point.
const std::string p256_head = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
const std::string base_point =
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

std::error_code refusal(const result<public_key>& parsed) {
    return parsed ? std::error_code{} : parsed.error();
}

}  // namespace

TEST_CASE("x25519: the repeated function of RFC 7748 §5.2") {
    bytes scalar(32);
    scalar[0] = std::byte{9};
    bytes point = scalar;
    for (int turn = 1; turn <= 1000; ++turn) {
        const auto shared = x25519::agree(x25519::private_key{first<32>(scalar)}, first<32>(point));
        REQUIRE(shared);
        point = std::exchange(scalar, bytes{shared->bytes()});
        if (turn == 1) {
            CHECK(scalar ==
                  from_hex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"));
        }
    }
    CHECK(scalar == from_hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
}

TEST_CASE("x25519: both sides get the same, and a point of low order nothing") {
    const auto alice = x25519::generate();
    const auto bob = x25519::generate();
    const auto one = x25519::agree(alice, x25519::public_key_of(bob));
    const auto other = x25519::agree(bob, x25519::public_key_of(alice));
    REQUIRE(one);
    REQUIRE(other);
    CHECK(*one == *other);
    CHECK(x25519::agree(alice, x25519::public_key{}).error() == errc::low_order_point);
}

TEST_CASE("ed25519: test 2 of RFC 8032 §7.1") {
    const bytes seed = from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    const ed25519::private_key key{first<32>(seed)};
    CHECK(bytes{key.seed()} == seed);
    CHECK(bytes{key.public_key()} ==
          from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"));
    const auto signature = key.sign(from_hex("72"));
    CHECK(bytes{signature} ==
          from_hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                   "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"));
    CHECK(ed25519::verify(key.public_key(), from_hex("72"), signature));
    CHECK(ed25519::verify(key.public_key(), from_hex("73"), signature).error() ==
          errc::bad_signature);
}

TEST_CASE("ed25519: each generated key is another one, and verifies what it signs") {
    const auto one = ed25519::private_key::generate();
    const auto other = ed25519::private_key::generate();
    CHECK(one.public_key() != other.public_key());
    CHECK(ed25519::verify(one.public_key(), {}, one.sign({})));
    CHECK_FALSE(ed25519::verify(other.public_key(), {}, one.sign({})));
}

TEST_CASE("public_key: a point on P-256 is taken, one beside the curve is not") {
    const auto key = public_key::parse(from_hex(p256_head + base_point));
    REQUIRE(key);
    CHECK(key->kind() == key_kind::ecdsa_p256);
    std::string beside = base_point;
    beside.back() = '6';
    CHECK(refusal(public_key::parse(from_hex(p256_head + beside))) == errc::malformed_key);
}

TEST_CASE("public_key: no prefix of a key is one, nor is a key with more behind it") {
    const bytes der = from_hex(p256_head + base_point);
    for (std::size_t n = 0; n < der.size(); ++n) {
        CHECK(refusal(public_key::parse(std::span(der).first(n))));
    }
    bytes longer = der;
    longer.push_back(std::byte{});
    CHECK(refusal(public_key::parse(longer)) == errc::malformed_key);
}

TEST_CASE("public_key: other kinds and short RSA keys are not taken") {
    CHECK(refusal(public_key::parse(from_hex(  // Ed25519
              "302a300506032b65700321003d4017c3e843895a92b70aa74d1b7ebc"
              "9c982ccf2ec4968cc0cd55f12af4660c"))) == errc::unsupported_key);
    CHECK(refusal(public_key::parse(from_hex(  // RSA of 512 bits
              "305c300d06092a864886f70d0101010500034b003048024100" + std::string(127, 'b') + "d" +
              "0203010001"))) == errc::unsupported_key);
}

TEST_CASE("public_key: a signature of no bytes is no signature") {
    const auto key = public_key::parse(from_hex(p256_head + base_point));
    REQUIRE(key);
    CHECK(key->verify({}, {}).error() == errc::bad_signature);
}

TEST_CASE("crypto errc: every error has a message of its own") {
    std::set<std::string> messages;
    for (int value = 1; value <= static_cast<int>(errc::too_long); ++value) {
        messages.insert(make_error_code(static_cast<errc>(value)).message());
    }
    CHECK(messages.size() == static_cast<std::size_t>(errc::too_long));
    CHECK_FALSE(messages.contains(std::error_code{99, category()}.message()));
}
