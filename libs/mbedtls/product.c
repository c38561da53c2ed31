// SPDX-License-Identifier: MIT OR Apache-2.0
// Products of two numbers of 256 bits on WebAssembly, which has no product of 64 bits by 64 with
// all its bits: column by column from products of 32 bits, whose halves are summed up apart, so
// that no sum waits for a carry. mbedTLS would go row by row, with a carry in each step.
//
// CMakeLists.txt renames mbedTLS's function; the one here has its name, and passes other sizes on.
#include <bignum_core.h>

#include <stdint.h>

enum { words = 8 };

void copoll_mbedtls_own_mul(mbedtls_mpi_uint* product, const mbedtls_mpi_uint* a, size_t a_limbs,
                            const mbedtls_mpi_uint* b, size_t b_limbs);

void mbedtls_mpi_core_mul(mbedtls_mpi_uint* product, const mbedtls_mpi_uint* a, size_t a_limbs,
                          const mbedtls_mpi_uint* b, size_t b_limbs) {
    if (a_limbs * biL != words * 32 || b_limbs != a_limbs) {
        copoll_mbedtls_own_mul(product, a, a_limbs, b, b_limbs);
        return;
    }
    uint32_t x[words], y[words], z[2 * words];
    for (int i = 0; i < words; ++i) {
        x[i] = (uint32_t)(a[i / 2] >> i % 2 * 32);
        y[i] = (uint32_t)(b[i / 2] >> i % 2 * 32);
    }
    uint64_t carried = 0;
#pragma clang loop unroll(full)
    for (int column = 0; column < 2 * words - 1; ++column) {
        uint64_t low = carried, high = 0;  // of at most 8 products: no overflow
        const int first = column < words ? 0 : column - words + 1;
        const int last = column < words ? column : words - 1;
#pragma clang loop unroll(full)
        for (int i = first; i <= last; ++i) {
            const uint64_t p = (uint64_t)x[i] * y[column - i];
            low += (uint32_t)p;
            high += p >> 32;
        }
        z[column] = (uint32_t)low;
        carried = (low >> 32) + high;
    }
    z[2 * words - 1] = (uint32_t)carried;
    for (int i = 0; i < words; ++i)
        product[i] = (mbedtls_mpi_uint)z[2 * i] | (mbedtls_mpi_uint)z[2 * i + 1] << 32;
}
