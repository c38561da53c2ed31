// SPDX-License-Identifier: MIT OR Apache-2.0
// Our modular inverses give what mbedTLS's own do.
extern "C" {
#include <bignum_core.h>

void copoll_mbedtls_own_gcd_modinv(mbedtls_mpi_uint*, mbedtls_mpi_uint*, const mbedtls_mpi_uint*,
                                   size_t, const mbedtls_mpi_uint*, size_t, mbedtls_mpi_uint*);
}

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace {

constexpr std::size_t bits_of_limb = sizeof(mbedtls_mpi_uint) * 8;

/// 32 bits each, the lowest first.
using number = std::vector<std::uint32_t>;
using native = std::vector<mbedtls_mpi_uint>;

native to_limbs(const number& words) {
    native made((words.size() * 32 + bits_of_limb - 1) / bits_of_limb);
    for (std::size_t i = 0; i < words.size(); ++i)
        made[i * 32 / bits_of_limb] |= mbedtls_mpi_uint{words[i]} << i * 32 % bits_of_limb;
    return made;
}

struct answer {
    native gcd, inverse;
    friend bool operator==(const answer&, const answer&) = default;
};

template <class Function>
answer ask(Function* function, const native& a, const native& n) {
    answer got{native(n.size()), native(n.size())};
    native scratch(5 * n.size());
    function(got.gcd.data(), got.inverse.data(), a.data(), a.size(), n.data(), n.size(),
             scratch.data());
    native one(n.size());
    one[0] = 1;
    if (got.gcd != one) got.inverse.clear();  // there is none
    return got;
}

void compare(const number& a, const number& n) {
    const native x = to_limbs(a), modulus = to_limbs(n);
    const answer ours = ask(mbedtls_mpi_core_gcd_modinv_odd, x, modulus);
    const answer own = ask(copoll_mbedtls_own_gcd_modinv, x, modulus);
    CHECK(ours == own);
}

number below(std::mt19937& random, const number& n) {
    number made(n.size());
    for (auto& word : made) word = static_cast<std::uint32_t>(random());
    while (made.back() >= n.back() && made.back() > 0) made.back() >>= 1;
    if (n.back() == 0) made.back() = 0;
    return made;
}

const number p256_field{0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 0, 1, 0xffffffff};
const number p256_order{0xfc632551, 0xf3b9cac2, 0xa7179e84, 0xbce6faad,
                        0xffffffff, 0xffffffff, 0,          0xffffffff};
const number largest(8, 0xffffffff);

}  // namespace

TEST_CASE("mbedtls: inverses of the numbers at the edges are what they should be") {
    for (const number& n : {p256_field, p256_order, largest}) {
        number most = n;
        most[0] -= 1;
        compare(number(8), n);
        compare(n, n);
        compare(most, n);
        for (unsigned bit = 0; bit < 256; ++bit) {
            number power(8);
            power[bit / 32] = 1u << bit % 32;
            compare(power, n);
            if (power[7] == 0) {
                power[0] -= 1;  // borrows from nothing but when it is 2^0: many ones, or a few
                compare(power, n);
            }
        }
    }
}

TEST_CASE("mbedtls: inverses of random numbers are what they should be") {
    std::mt19937 random{20261121};
    for (int i = 0; i < 2000; ++i) {
        compare(below(random, p256_field), p256_field);
        compare(below(random, p256_order), p256_order);
        number n = below(random, largest);
        n[0] |= 1;
        n[7] |= 1u << i % 32;
        compare(below(random, n), n);
        number short_one = below(random, n);
        short_one.resize(2);
        compare(short_one, n);  // of fewer limbs than the modulus
    }
}

TEST_CASE("mbedtls: where there is no inverse, the divisor is what it should be") {
    std::mt19937 random{1};
    for (const std::uint32_t factor : {3u, 5u, 255u, 65537u}) {
        for (int i = 0; i < 100; ++i) {
            const auto multiple = [&](bool odd) {
                number made(8);
                std::uint64_t carry = 0;
                for (std::size_t w = 0; w < 7; ++w) {
                    auto word = static_cast<std::uint32_t>(random());
                    if (w == 0 && odd) word |= 1;
                    carry += std::uint64_t{word} * factor;
                    made[w] = static_cast<std::uint32_t>(carry);
                    carry >>= 32;
                }
                made[7] = static_cast<std::uint32_t>(carry);
                return made;
            };
            number a = multiple(false), n = multiple(true);
            if (n[7] < a[7] || (n[7] == a[7] && n[6] < a[6])) a[7] = a[6] = 0;
            compare(a, n);
        }
    }
}

TEST_CASE("mbedtls: a modulus of another size is its own affair") {
    std::mt19937 random{2};
    for (const std::size_t words : {2u, 6u, 10u, 12u, 64u}) {
        number n = below(random, number(words, 0xffffffff));
        n[0] |= 1;
        n.back() |= 0x80000000;
        number a = below(random, n);
        compare(a, n);
    }
}
