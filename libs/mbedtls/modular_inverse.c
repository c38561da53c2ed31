// SPDX-License-Identifier: MIT OR Apache-2.0
// Inverses modulo odd numbers of 256 bits, those of P-256, by division steps in constant time
// (Bernstein and Yang, "Fast constant-time gcd computation and modular inversion", 2019), with the
// start at 1/2 that needs 590 steps. mbedTLS takes one bit of all limbs at a time; here 30 steps
// are found from the low bits alone, and applied to the whole numbers at once as a matrix.
//
// CMakeLists.txt renames mbedTLS's function; the one here has its name, and passes other sizes on.
#include <bignum_core.h>

#include <mbedtls/platform_util.h>

#include <stdint.h>

enum { limbs = 9, limb_bits = 30, rounds = 20, modulus_bits = 256 };
static const int32_t limb_mask = (INT32_C(1) << limb_bits) - 1;

// A number in base 2^30, the last limb with the sign.
typedef struct {
    int32_t v[limbs];
} wide;

// 2^30 times what 30 steps do to the pair (f, g): f' = u f + v g, g' = q f + r g.
typedef struct {
    int32_t u, v, q, r;
} steps;

void copoll_mbedtls_own_gcd_modinv(mbedtls_mpi_uint* gcd, mbedtls_mpi_uint* inverse,
                                   const mbedtls_mpi_uint* a, size_t a_limbs,
                                   const mbedtls_mpi_uint* n, size_t n_limbs,
                                   mbedtls_mpi_uint* scratch);

static wide read(const mbedtls_mpi_uint* from, size_t count) {
    wide made;
    for (size_t i = 0; i < limbs; ++i) {
        const size_t bit = i * limb_bits, at = bit / biL, shift = bit % biL;
        mbedtls_mpi_uint word = at < count ? from[at] >> shift : 0;
        if (shift > biL - limb_bits && at + 1 < count) word |= from[at + 1] << (biL - shift);
        made.v[i] = (int32_t)word & limb_mask;
    }
    return made;
}

// Of a number from 0 to 2^256 - 1.
static void write(mbedtls_mpi_uint* into, const wide* from) {
    for (size_t at = 0; at < modulus_bits / biL; ++at) into[at] = 0;
    for (size_t i = 0; i < limbs; ++i) {
        const size_t bit = i * limb_bits, at = bit / biL, shift = bit % biL;
        const mbedtls_mpi_uint word = (mbedtls_mpi_uint)from->v[i];
        into[at] |= word << shift;
        if (shift > biL - limb_bits && at + 1 < modulus_bits / biL)
            into[at + 1] |= word >> (biL - shift);
    }
}

// All ones if it is negative, else 0.
static int32_t sign_of(const wide* x) { return x->v[limbs - 1] >> 31; }

// -x where `negate` is all ones, and then + n where `add` is.
static void negate_and_add(wide* x, int32_t negate, const wide* n, int32_t add) {
    int32_t carry = 0;
    for (size_t i = 0; i < limbs; ++i) {
        carry += ((x->v[i] ^ negate) - negate) + (n->v[i] & add);
        x->v[i] = i + 1 < limbs ? carry & limb_mask : carry;
        carry >>= limb_bits;
    }
}

// Thirty steps on the low bits. `delta` is the paper's, less a half, negated and less one: negative
// where delta is positive.
static steps find_steps(int32_t* delta, uint32_t f, uint32_t g) {
    uint32_t u = 1, v = 0, q = 0, r = 1;
    int32_t d = *delta;
    for (int i = 0; i < limb_bits; ++i) {
        const uint32_t subtracts = (uint32_t)(d >> 31), odd = -(g & 1);
        g += ((f ^ subtracts) - subtracts) & odd;
        q += ((u ^ subtracts) - subtracts) & odd;
        r += ((v ^ subtracts) - subtracts) & odd;
        const uint32_t swaps = subtracts & odd;
        d = (d ^ (int32_t)swaps) - 1;
        f += g & swaps;
        u += q & swaps;
        v += r & swaps;
        g >>= 1;
        u <<= 1;
        v <<= 1;
    }
    *delta = d;
    return (steps){(int32_t)u, (int32_t)v, (int32_t)q, (int32_t)r};
}

static void apply(const steps* t, wide* f, wide* g) {
    int64_t sum_f = 0, sum_g = 0;
    for (size_t i = 0; i < limbs; ++i) {
        const int64_t x = f->v[i], y = g->v[i];
        sum_f += t->u * x + t->v * y;
        sum_g += t->q * x + t->r * y;
        if (i > 0) {  // the lowest limb is 0, which is the division by 2^30
            f->v[i - 1] = (int32_t)sum_f & limb_mask;
            g->v[i - 1] = (int32_t)sum_g & limb_mask;
        }
        sum_f >>= limb_bits;
        sum_g >>= limb_bits;
    }
    f->v[limbs - 1] = (int32_t)sum_f;
    g->v[limbs - 1] = (int32_t)sum_g;
}

// The same modulo n, of numbers above -2n and below n: those below 0 are taken n higher, and then
// so many n are taken away, less than 2^30, that the lowest limb is 0. So it stays in that range.
static void apply_modulo(const steps* t, wide* d, wide* e, const wide* n, uint32_t n_inverse) {
    const int32_t below_d = sign_of(d), below_e = sign_of(e);
    int32_t n_d = (t->u & below_d) + (t->v & below_e);
    int32_t n_e = (t->q & below_d) + (t->r & below_e);
    const uint32_t low_d = (uint32_t)t->u * (uint32_t)d->v[0] + (uint32_t)t->v * (uint32_t)e->v[0];
    const uint32_t low_e = (uint32_t)t->q * (uint32_t)d->v[0] + (uint32_t)t->r * (uint32_t)e->v[0];
    n_d -= (int32_t)((n_inverse * low_d + (uint32_t)n_d) & (uint32_t)limb_mask);
    n_e -= (int32_t)((n_inverse * low_e + (uint32_t)n_e) & (uint32_t)limb_mask);
    int64_t sum_d = 0, sum_e = 0;
    for (size_t i = 0; i < limbs; ++i) {
        const int64_t x = d->v[i], y = e->v[i], m = n->v[i];
        sum_d += t->u * x + t->v * y + n_d * m;
        sum_e += t->q * x + t->r * y + n_e * m;
        if (i > 0) {
            d->v[i - 1] = (int32_t)sum_d & limb_mask;
            e->v[i - 1] = (int32_t)sum_e & limb_mask;
        }
        sum_d >>= limb_bits;
        sum_e >>= limb_bits;
    }
    d->v[limbs - 1] = (int32_t)sum_d;
    e->v[limbs - 1] = (int32_t)sum_e;
}

// Of an odd number modulo 2^32: each turn doubles the bits that are right, five of them at first.
static uint32_t inverse_of_low_bits(uint32_t n) {
    uint32_t x = (3 * n) ^ 2;
    for (int right = 5; right < 32; right *= 2) x *= 2 - n * x;
    return x;
}

void mbedtls_mpi_core_gcd_modinv_odd(mbedtls_mpi_uint* gcd, mbedtls_mpi_uint* inverse,
                                     const mbedtls_mpi_uint* a, size_t a_limbs,
                                     const mbedtls_mpi_uint* n, size_t n_limbs,
                                     mbedtls_mpi_uint* scratch) {
    if (inverse == NULL || n_limbs * biL != modulus_bits || a_limbs > n_limbs) {
        copoll_mbedtls_own_gcd_modinv(gcd, inverse, a, a_limbs, n, n_limbs, scratch);
        return;
    }
    struct {
        wide f, g, d, e;  // f = a d and g = a e, modulo n
        steps t;
        int32_t delta;
    } s = {.g = read(a, a_limbs), .e = {{1}}, .delta = -1};
    const wide modulus = read(n, n_limbs), zero = {{0}};
    const uint32_t n_inverse = inverse_of_low_bits((uint32_t)n[0]);
    s.f = modulus;
    for (int i = 0; i < rounds; ++i) {
        // 32 bits of the numbers: two of them are above the 30 that count
        s.t = find_steps(&s.delta, (uint32_t)s.f.v[0] | (uint32_t)s.f.v[1] << limb_bits,
                         (uint32_t)s.g.v[0] | (uint32_t)s.g.v[1] << limb_bits);
        apply_modulo(&s.t, &s.d, &s.e, &modulus, n_inverse);
        apply(&s.t, &s.f, &s.g);
    }
    // g is 0 now, and f the divisor or its negative
    const int32_t negate = sign_of(&s.f);
    negate_and_add(&s.d, 0, &modulus, sign_of(&s.d));
    negate_and_add(&s.d, negate, &zero, 0);
    negate_and_add(&s.d, 0, &modulus, sign_of(&s.d));
    negate_and_add(&s.f, negate, &zero, 0);
    write(inverse, &s.d);
    write(gcd, &s.f);
    mbedtls_platform_zeroize(&s, sizeof s);
}
