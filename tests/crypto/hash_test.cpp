// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/hash.hpp>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <copoll_crypto/hmac.hpp>

#include "bytes.hpp"

using namespace copoll::crypto;

TEST_CASE("sha256: the examples of FIPS 180-4") {
    CHECK(bytes{sha256::hash(from_text("abc"))} ==
          from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    CHECK(bytes{sha256::hash({})} ==
          from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    CHECK(bytes{sha256::hash(
              from_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))} ==
          from_hex("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
}

TEST_CASE("sha512: the examples of FIPS 180-4") {
    CHECK(bytes{sha512::hash(from_text("abc"))} ==
          from_hex("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                   "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"));
    CHECK(bytes{sha512::hash({})} ==
          from_hex("cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                   "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"));
}

TEMPLATE_TEST_CASE("hash: pieces of any length give what the whole gives", "", sha256, sha512) {
    bytes all(300);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::byte>(i * 7);
    const auto whole = TestType::hash(all);
    for (std::size_t piece = 1; piece < 140; ++piece) {
        TestType h;
        for (std::span<const std::byte> left = all; !left.empty();) {
            const std::size_t n = std::min(piece, left.size());
            h.update(left.first(n));
            left = left.subspan(n);
        }
        CHECK(h.finish() == whole);
    }
}

TEMPLATE_TEST_CASE("hash: starts anew after finish, and a copy goes its own way", "", sha256,
                   sha512) {
    TestType h;
    h.update(from_text("abc"));
    TestType copy = h;
    CHECK(h.finish() == TestType::hash(from_text("abc")));
    CHECK(h.finish() == TestType::hash({}));
    copy.update(from_text("def"));
    CHECK(copy.finish() == TestType::hash(from_text("abcdef")));
}

TEST_CASE("hmac_sha256: case 2 of RFC 4231, whole and in pieces") {
    const bytes expected =
        from_hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(bytes{hmac_sha256::of(from_text("Jefe"), from_text("what do ya want for nothing?"))
                    .bytes()} == expected);
    hmac_sha256 pieces{from_text("Jefe")};
    pieces.update(from_text("what do ya want "));
    hmac_sha256 copy = pieces;
    pieces.update({});
    pieces.update(from_text("for nothing?"));
    CHECK(bytes{pieces.finish().bytes()} == expected);
    copy.update(from_text("for nothing?"));
    CHECK(bytes{copy.finish().bytes()} == expected);
}

TEST_CASE("hkdf_sha256: case 1 of RFC 5869") {
    const auto key = hkdf_sha256::extract(from_hex("000102030405060708090a0b0c"),
                                          bytes(22, std::byte{0x0b}));
    CHECK(bytes{key.bytes()} ==
          from_hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"));
    bytes made(42);
    REQUIRE(hkdf_sha256::expand(key.bytes(), from_hex("f0f1f2f3f4f5f6f7f8f9"), made));
    CHECK(made == from_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                           "34007208d5b887185865"));
}

TEST_CASE("hkdf_sha256: gives 8,160 bytes and no more") {
    const secret<32> key;
    bytes made(hkdf_sha256::longest + 1);
    CHECK(hkdf_sha256::expand(key.bytes(), {}, std::span(made).first(hkdf_sha256::longest)));
    CHECK(hkdf_sha256::expand(key.bytes(), {}, made).error() == errc::too_long);
    CHECK(hkdf_sha256::expand(key.bytes(), {}, {}));
}
