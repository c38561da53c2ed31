// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/aead.hpp>

#include <catch2/catch_test_macros.hpp>

#include "bytes.hpp"

using namespace copoll::crypto;

namespace {

const bytes key_bytes(chacha20_poly1305::key_size, std::byte{7});
const bytes nonce_bytes(chacha20_poly1305::nonce_size, std::byte{9});
const auto key = first<chacha20_poly1305::key_size>(key_bytes);
const auto nonce = first<chacha20_poly1305::nonce_size>(nonce_bytes);
const bytes associated = from_text("header");

}  // namespace

TEST_CASE("chacha20_poly1305: messages of all lengths come back, with the tag right behind") {
    const chacha20_poly1305 aead{key};
    for (std::size_t n = 0; n < 1100; n = n < 300 ? n + 1 : n + 97) {
        bytes sealed(n + 16);
        for (std::size_t i = 0; i < n; ++i) sealed[i] = static_cast<std::byte>(i);
        const bytes plain{std::span(sealed).first(n)};
        const std::span<std::byte> message = std::span(sealed).first(n);
        const std::span<std::byte, 16> tag = std::span(sealed).last<16>();
        aead.seal(nonce, associated, message, tag);
        if (n >= 16) CHECK(bytes{message} != plain);
        CHECK(aead.open(nonce, associated, message, tag));
        CHECK(bytes{message} == plain);
    }
}

TEST_CASE("chacha20_poly1305: what is damaged does not open, and nothing of it is left") {
    const chacha20_poly1305 aead{key};
    const bytes plain = from_text("some text of more than a block, which is of 64 bytes, so more");
    bytes sealed = plain;
    bytes tag(16);
    aead.seal(nonce, associated, sealed, std::span(tag).first<16>());

    const auto refused = [&](const chacha20_poly1305& with, bytes n, bytes ad, bytes text,
                             bytes t) {
        const result<void> opened = with.open(first<12>(n), ad, text, first<16>(t));
        return !opened && opened.error() == errc::bad_tag && text == bytes(text.size());
    };
    const auto damaged = [](bytes b, std::size_t at) {
        b[at] ^= std::byte{0x80};
        return b;
    };
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        CHECK(refused(aead, nonce_bytes, associated, damaged(sealed, i), tag));
    }
    for (std::size_t i = 0; i < tag.size(); ++i) {
        CHECK(refused(aead, nonce_bytes, associated, sealed, damaged(tag, i)));
    }
    CHECK(refused(aead, damaged(nonce_bytes, 11), associated, sealed, tag));
    CHECK(refused(aead, nonce_bytes, damaged(associated, 0), sealed, tag));
    CHECK(refused(aead, nonce_bytes, {}, sealed, tag));
    const bytes other = damaged(key_bytes, 31);
    CHECK(refused(chacha20_poly1305{first<32>(other)}, nonce_bytes, associated, sealed, tag));
}

TEST_CASE("chacha20_poly1305: no message and no associated data have a tag as well") {
    const chacha20_poly1305 aead{key};
    bytes tag(16);
    aead.seal(nonce, {}, {}, std::span(tag).first<16>());
    CHECK(aead.open(nonce, {}, {}, first<16>(tag)));
    tag[0] ^= std::byte{1};
    CHECK(aead.open(nonce, {}, {}, first<16>(tag)).error() == errc::bad_tag);
}

TEST_CASE("chacha20_poly1305: from one place to another is the same as in place") {
    const chacha20_poly1305 aead{key};
    const bytes plain = from_text("some text of more than a block, which is of 64 bytes, so more");
    bytes in_place = plain, elsewhere(plain.size()), one_tag(16), other_tag(16);
    aead.seal(nonce, associated, in_place, std::span(one_tag).first<16>());
    aead.seal(nonce, associated, plain, elsewhere, std::span(other_tag).first<16>());
    CHECK(elsewhere == in_place);
    CHECK(other_tag == one_tag);

    bytes opened(plain.size());
    CHECK(aead.open(nonce, associated, elsewhere, first<16>(one_tag), opened));
    CHECK(opened == plain);
    one_tag[0] ^= std::byte{1};
    CHECK_FALSE(aead.open(nonce, associated, elsewhere, first<16>(one_tag), opened));
    CHECK(opened == bytes(plain.size()));
    CHECK(elsewhere == in_place);
}
