// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/secret.hpp>

#include <catch2/catch_test_macros.hpp>

#include <copoll_crypto/random.hpp>

#include <memory>
#include <new>
#include <set>
#include <type_traits>

#include "bytes.hpp"

using namespace copoll::crypto;

namespace {

const bytes text = from_text("0123456789abcdef");
const bytes zeros(16);

}  // namespace

TEST_CASE("secret: wipes itself when it goes out of scope") {
    alignas(secret<16>) std::array<std::byte, sizeof(secret<16>)> place{};
    auto* kept = new (place.data()) secret<16>{first<16>(text)};
    CHECK(bytes{kept->bytes()} == text);
    std::destroy_at(kept);
    CHECK(bytes{place} == zeros);
}

TEST_CASE("secret: one that was moved from is wiped") {
    secret<16> from{first<16>(text)};
    secret<16> to{std::move(from)};
    CHECK(bytes{to.bytes()} == text);
    CHECK(bytes{from.bytes()} == zeros);

    from = std::move(to);
    CHECK(bytes{from.bytes()} == text);
    CHECK(bytes{to.bytes()} == zeros);
}

TEST_CASE("secret: is not copied by accident") {
    STATIC_CHECK(!std::is_copy_constructible_v<secret<16>>);
    STATIC_CHECK(!std::is_convertible_v<std::span<const std::byte, 16>, secret<16>>);
    const secret<16> one{first<16>(text)};
    const secret<16> two{one.bytes()};
    CHECK(one == two);
}

TEST_CASE("equal: finds a difference of one bit anywhere, and one of length") {
    for (std::size_t i = 0; i < text.size(); ++i) {
        bytes other = text;
        other[i] ^= std::byte{1};
        CHECK_FALSE(equal(text, other));
    }
    CHECK(equal(text, bytes{text}));
    CHECK_FALSE(equal(text, std::span(text).first(15)));
    CHECK(equal({}, {}));
}

TEST_CASE("random: bytes come from the host, in pieces of any length") {
    for (const std::size_t n : {0u, 1u, 255u, 256u, 257u, 1000u}) {
        bytes made(n + 1);
        fill_random(std::span(made).first(n));
        CHECK(made[n] == std::byte{});
        if (n >= 255) CHECK(std::set(made.begin(), made.end()).size() > 64);
    }
    CHECK_FALSE(random_secret<32>() == random_secret<32>());
}
