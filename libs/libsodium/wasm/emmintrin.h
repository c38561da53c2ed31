// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

// The intrinsics of SSE2 and SSSE3 that libsodium's ChaCha20 and Poly1305 use, by those of
// WebAssembly: its code for vectors of 128 bits then is what a component runs, as it stands.

#include <stdint.h>
#include <wasm_simd128.h>

typedef v128_t __m128i;

#define _mm_loadu_si128(from) wasm_v128_load(from)
#define _mm_loadl_epi64(from) wasm_v128_load64_zero(from)
#define _mm_storeu_si128(to, v) wasm_v128_store(to, v)
#define _mm_store_si128(to, v) wasm_v128_store(to, v)
#define _mm_storel_epi64(to, v) wasm_v128_store64_lane(to, v, 0)

#define _mm_setzero_si128() wasm_i64x2_const_splat(0)
#define _mm_cvtsi32_si128(x) wasm_i32x4_make(x, 0, 0, 0)
#define _mm_cvtsi128_si32(v) wasm_i32x4_extract_lane(v, 0)
#define _mm_set1_epi32(x) wasm_i32x4_splat((int32_t) (x))
#define _mm_set1_epi64x(x) wasm_i64x2_splat((int64_t) (x))
#define _mm_set_epi64x(high, low) wasm_i64x2_make(low, high)
#define _mm_setr_epi32(a, b, c, d) wasm_i32x4_make(a, b, c, d)
#define _mm_set_epi8(p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a) \
    wasm_i8x16_make(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)

#define _mm_add_epi32(a, b) wasm_i32x4_add(a, b)
#define _mm_add_epi64(a, b) wasm_i64x2_add(a, b)
#define _mm_and_si128(a, b) wasm_v128_and(a, b)
#define _mm_or_si128(a, b) wasm_v128_or(a, b)
#define _mm_xor_si128(a, b) wasm_v128_xor(a, b)
#define _mm_slli_epi32(v, n) wasm_i32x4_shl(v, n)
#define _mm_srli_epi32(v, n) wasm_u32x4_shr(v, n)

#define _mm_slli_epi64(v, n) wasm_i64x2_shl(v, n)
#define _mm_srli_epi64(v, n) wasm_u64x2_shr(v, n)
// of the lanes 0 and 2
#define _mm_mul_epu32(a, b)                                            \
    wasm_u64x2_extmul_low_u32x4(wasm_i32x4_shuffle(a, a, 0, 2, 0, 2), \
                                wasm_i32x4_shuffle(b, b, 0, 2, 0, 2))

#define _mm_unpacklo_epi32(a, b) wasm_i32x4_shuffle(a, b, 0, 4, 1, 5)
#define _mm_unpackhi_epi32(a, b) wasm_i32x4_shuffle(a, b, 2, 6, 3, 7)
#define _mm_unpacklo_epi64(a, b) wasm_i64x2_shuffle(a, b, 0, 2)
#define _mm_unpackhi_epi64(a, b) wasm_i64x2_shuffle(a, b, 1, 3)
#define _MM_SHUFFLE(d, c, b, a) ((d) << 6 | (c) << 4 | (b) << 2 | (a))
#define _mm_shuffle_epi32(v, by)                                                      \
    wasm_i32x4_shuffle(v, v, (by) & 3, (by) >> 2 & 3, (by) >> 4 & 3, (by) >> 6 & 3)
// the same as long as no index is over 15, where SSSE3 would take it modulo 16
#define _mm_shuffle_epi8(v, indices) wasm_i8x16_swizzle(v, indices)
// by n bytes, a constant
#define _mm_srli_si128(v, n)                                                                  \
    wasm_i8x16_shuffle(v, wasm_i64x2_const_splat(0), n, n + 1, n + 2, n + 3, n + 4, n + 5,    \
                       n + 6, n + 7, n + 8, n + 9, n + 10, n + 11, n + 12, n + 13, n + 14,    \
                       n + 15)
