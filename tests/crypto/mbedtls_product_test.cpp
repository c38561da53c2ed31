// SPDX-License-Identifier: MIT OR Apache-2.0
// Our products give what mbedTLS's own do; on WebAssembly alone there are such.
#if defined(__wasm__)
extern "C" {
#include <bignum_core.h>

void copoll_mbedtls_own_mul(mbedtls_mpi_uint*, const mbedtls_mpi_uint*, size_t,
                            const mbedtls_mpi_uint*, size_t);
}

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <random>
#include <vector>

namespace {

using number = std::vector<mbedtls_mpi_uint>;

void compare(const number& a, const number& b) {
    number ours(a.size() + b.size(), 1), own(a.size() + b.size(), 2);
    mbedtls_mpi_core_mul(ours.data(), a.data(), a.size(), b.data(), b.size());
    copoll_mbedtls_own_mul(own.data(), a.data(), a.size(), b.data(), b.size());
    CHECK(ours == own);
}

}  // namespace

TEST_CASE("mbedtls: products of 256 bits are what they should be") {
    constexpr mbedtls_mpi_uint ones = ~mbedtls_mpi_uint{0};
    const number zero(4), most(4, ones), high{0, 0, 0, ones}, low{ones, 0, 0, 0},
        halves(4, 0xffffffff);
    for (const number& a : {zero, most, high, low, halves})
        for (const number& b : {zero, most, high, low, halves}) compare(a, b);

    std::mt19937_64 random{20261121};
    const auto any = [&](std::size_t limbs) {
        number made(limbs);
        for (auto& limb : made) limb = random();
        return made;
    };
    for (int i = 0; i < 1000; ++i) compare(any(4), any(4));
    for (const std::size_t other : {1u, 3u, 5u, 6u, 32u}) {
        compare(any(other), any(4));
        compare(any(4), any(other));
        compare(any(other), any(other));
    }
}
#endif
