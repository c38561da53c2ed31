// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/key.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

#include <copoll/p2p/protobuf.hpp>

#include "crypto/bytes.hpp"
#include "p2p/key_vectors.hpp"
#include "support/error_of.hpp"

using namespace copoll::p2p;
using copoll_tests::error_of;
namespace vectors = copoll_tests::key_vectors;

namespace {

std::error_code refusal(std::string_view hex) {
    return error_of(public_key::decode(from_hex(hex)));
}

}  // namespace

TEST_CASE("public_key: the specification's keys of all four kinds, and what they sign") {
    for (const auto* known : vectors::all) {
        INFO(known->name);
        const auto key = public_key::decode(from_hex(known->public_key));
        REQUIRE(error_of(key) == copoll_tests::no_error);
        CHECK(bytes{key->encode()} == from_hex(known->public_key));
        const bytes signature = from_hex(known->signature);
        CHECK(error_of(key->verify(from_text("message"), signature)) == copoll_tests::no_error);
        CHECK(error_of(key->verify(from_text("massage"), signature)) == errc::bad_signature);
        for (const auto* other : vectors::all) {
            if (other == known) continue;
            CHECK(error_of(key->verify(from_text("message"), from_hex(other->signature))) ==
                  errc::bad_signature);
        }
        for (std::size_t n = 0; n < signature.size(); ++n) {
            const auto cut = key->verify(from_text("message"), std::span(signature).first(n));
            CHECK(error_of(cut) == errc::bad_signature);
        }
        bytes longer = signature;
        longer.push_back(std::byte{});
        CHECK(error_of(key->verify(from_text("message"), longer)) == errc::bad_signature);
    }
}

TEST_CASE("public_key: no prefix of a key is one, nor is a key with more behind it") {
    for (const auto* known : vectors::all) {
        const bytes message = from_hex(known->public_key);
        for (std::size_t n = 0; n < message.size(); ++n)
            CHECK(error_of(public_key::decode(std::span(message).first(n))) == errc::malformed_key);
        CHECK(refusal(std::string(known->public_key) + "00") == errc::malformed_key);
    }
}

TEST_CASE("public_key: a key has one encoding only") {
    const std::string key(vectors::ed25519.public_key.substr(8));
    CHECK(refusal("08011220" + key) == copoll_tests::no_error);
    CHECK(refusal("1220" + key + "0801") == errc::malformed_key);          // the other order
    CHECK(refusal("0881001220" + key) == errc::malformed_key);             // longer integers
    CHECK(refusal("080112a000" + key) == errc::malformed_key);
    CHECK(refusal("08011220" + key + "1800") == errc::malformed_key);      // another field
    CHECK(refusal("08010801" "1220" + key) == errc::malformed_key);        // a field twice
}

TEST_CASE("public_key: what is no key, or not taken") {
    CHECK(refusal("0801121f" + std::string(62, '1')) == errc::malformed_key);
    CHECK(refusal("08041220" + std::string(64, '1')) == errc::unsupported_key);
    CHECK(refusal("0802122102" + std::string(64, 'f')) == errc::malformed_key);  // beyond the field
    CHECK(refusal("0802122105" + std::string(64, '1')) == errc::malformed_key);  // no such form
    // the DER of one kind under the name of another
    const std::string ecdsa(vectors::ecdsa.public_key);
    CHECK(refusal("0800" + ecdsa.substr(4)) == errc::unsupported_key);
}

TEST_CASE("private_key: the specification's Ed25519 key") {
    const bytes message = from_hex(vectors::ed25519_private_key);
    const auto key = private_key::decode(message);
    REQUIRE(key);
    CHECK(bytes{key->encode()} == message);
    CHECK(bytes{key->public_key().encode()} == from_hex(vectors::ed25519.public_key));
    CHECK(bytes{key->sign(from_text("message"))} == from_hex(vectors::ed25519.signature));
}

TEST_CASE("private_key: the old form, and one whose halves do not belong together") {
    const std::string seed(vectors::ed25519_private_key.substr(8, 64));
    const std::string own(vectors::ed25519_private_key.substr(72));
    const std::string other(64, '2');
    const auto decoded = [](const std::string& hex) {
        return error_of(private_key::decode(from_hex(hex)));
    };
    CHECK(decoded("08011260" + seed + own + own) == copoll_tests::no_error);
    CHECK(decoded("08011260" + seed + own + other) == errc::malformed_key);
    CHECK(decoded("08011260" + seed + other + other) == errc::malformed_key);
    CHECK(decoded("08011240" + seed + other) == errc::malformed_key);
    CHECK(decoded("08011220" + seed) == errc::malformed_key);
    CHECK(decoded(std::string(vectors::secp256k1_private_key)) == errc::unsupported_key);
}

TEST_CASE("private_key: each generated one is another, and signs what its public key verifies") {
    const auto one = private_key::generate_ed25519();
    const auto other = private_key::generate_ed25519();
    CHECK(one.public_key() != other.public_key());
    CHECK(one.public_key().verify(from_text("x"), one.sign(from_text("x"))));
    CHECK_FALSE(other.public_key().verify(from_text("x"), one.sign(from_text("x"))));
}
