// W floats at once, in the instruction set that this file is compiled for; arithmetic is that of GCC's and Clang's
// vector types. Each instruction set is a library of its own (CMakeLists.txt), so that no code of one ends up in another.
#pragma once

#include <cstdint>
#include <cstring>

#include "weights.h"

#if defined(RECURRA_AVX512) || defined(RECURRA_AVX2)
#include <immintrin.h>
#endif

namespace recurra {

#if defined(RECURRA_AVX512)
constexpr int W = 16;           // floats in a register
constexpr int ACCUMULATORS = 24;  // registers that hold sums; the others hold weights and inputs
#elif defined(RECURRA_AVX2)
constexpr int W = 8;
constexpr int ACCUMULATORS = 12;
#elif defined(RECURRA_TILES_IMITATED)
constexpr int W = 16;  // as wide as a tile
constexpr int ACCUMULATORS = 24;
#else
constexpr int W = 4;
constexpr int ACCUMULATORS = 12;
#endif

typedef float Floats __attribute__((vector_size(4 * W)));
typedef int32_t Ints __attribute__((vector_size(4 * W)));

inline Floats splat(float x) { return x - Floats{}; }  // x - 0 is x, -0 included

inline Floats load(const float *from) {
    Floats v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

inline void store(float *to, Floats v) { std::memcpy(to, &v, sizeof v); }

// The first n of W floats; the others are 0, or stay as they are in memory.
#if defined(RECURRA_AVX512)
inline Floats load(const float *from, int n) {
    return n >= W ? load(from) : Floats(_mm512_maskz_loadu_ps(__mmask16((1u << n) - 1), from));
}

inline void store(float *to, Floats v, int n) {
    if (n >= W) return store(to, v);
    _mm512_mask_storeu_ps(to, __mmask16((1u << n) - 1), __m512(v));
}
#else
inline Floats load(const float *from, int n) {
    if (n >= W) return load(from);
    Floats v{};
    for (int k = 0; k < n; k++) v[k] = from[k];
    return v;
}

inline void store(float *to, Floats v, int n) {
    if (n >= W) return store(to, v);
    for (int k = 0; k < n; k++) to[k] = v[k];
}
#endif

// W numbers of a smaller type, as floats.
#if defined(RECURRA_AVX512)
inline Floats load(const int8_t *from) {
    __m512i whole = _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from)));
    return Floats(_mm512_cvtepi32_ps(whole));
}
#elif defined(RECURRA_AVX2)
inline Floats load(const int8_t *from) {
    __m256i whole = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(from)));
    return Floats(_mm256_cvtepi32_ps(whole));
}
#else
inline Floats load(const int8_t *from) {
    Floats v{};
    for (int k = 0; k < W; k++) v[k] = from[k];
    return v;
}
#endif

typedef uint16_t Halves __attribute__((vector_size(2 * W)));

inline Floats as_floats(Ints bits) {
    Floats v;
    std::memcpy(&v, &bits, sizeof v);
    return v;
}

inline Ints as_bits(Floats v) {
    Ints bits;
    std::memcpy(&bits, &v, sizeof bits);
    return bits;
}

// Written out for each instruction set: of the vector types, GCC makes these slower.
inline Floats load(const Bfloat16 *from) {
#if defined(RECURRA_AVX512)
    return as_floats(Ints(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(from)))) << 16);
#elif defined(RECURRA_AVX2)
    return as_floats(Ints(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from)))) << 16);
#else
    Halves halves;
    std::memcpy(&halves, from, sizeof halves);
    return as_floats(__builtin_convertvector(halves, Ints) << 16);
#endif
}

// To the nearest bfloat16, of two as near the even one; a NaN stays one.
inline Halves rounded(Floats v) {
#if defined(RECURRA_AVX512_BF16)
    __m256bh halves = _mm512_cvtneps_pbh(__m512(v));
    Halves found;
    std::memcpy(&found, &halves, sizeof found);
    return found;
#else
    Ints bits = as_bits(v);
    bits = bits + 0x7fff + ((bits >> 16) & 1);
    bits = v == v ? bits : Ints{} + 0x7fc00000;
#if defined(RECURRA_AVX512)
    return Halves(_mm512_cvtepi32_epi16(__m512i(bits >> 16)));
#else
    return __builtin_convertvector(bits >> 16, Halves);
#endif
#endif
}

inline Bfloat16 rounded(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    if (x != x) return {0x7fc0};
    return {uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

inline void store(Bfloat16 *to, Floats v) {
    Halves halves = rounded(v);
    std::memcpy(to, &halves, sizeof halves);
}

// The first n of W, as above.
inline Floats load(const Bfloat16 *from, int n) {
    if (n >= W) return load(from);
#if defined(RECURRA_AVX512)
    __m256i halves = _mm256_maskz_loadu_epi16(__mmask16((1u << n) - 1), from);
    return as_floats(Ints(_mm512_cvtepu16_epi32(halves)) << 16);
#else
    Bfloat16 some[W] = {};
    std::memcpy(some, from, size_t(n) * sizeof *from);
    return load(some);
#endif
}

inline void store(Bfloat16 *to, Floats v, int n) {
    Halves halves = rounded(v);
    if (n >= W) return void(std::memcpy(to, &halves, sizeof halves));
#if defined(RECURRA_AVX512)
    _mm256_mask_storeu_epi16(to, __mmask16((1u << n) - 1), __m256i(halves));
#else
    std::memcpy(to, &halves, size_t(n) * sizeof *to);
#endif
}

// a * b + c, rounded once where the machine can. The compiler is told not to do so by itself (-ffp-contract=off): it would
// choose differently for blocks of different heights, and a row's numbers would depend on its neighbours.
inline Floats fma(Floats a, Floats b, Floats c) {
#if defined(RECURRA_AVX512)
    return Floats(_mm512_fmadd_ps(__m512(a), __m512(b), __m512(c)));
#elif defined(RECURRA_AVX2)
    return Floats(_mm256_fmadd_ps(__m256(a), __m256(b), __m256(c)));
#else
    return a * b + c;
#endif
}

// Two bfloat16 next to each other, the same ones in every place.
struct Pair {
    explicit Pair(const Bfloat16 *from) {
        int32_t two;
        std::memcpy(&two, from, sizeof two);
        bits = two - Ints{};
#if !defined(RECURRA_AVX512_BF16)
        first = as_floats(bits << 16);
        second = as_floats(bits & int32_t(0xffff0000));
#endif
    }
    Ints bits;
#if !defined(RECURRA_AVX512_BF16)
    Floats first, second;
#endif
};

// W pairs of weights.
inline Ints load_pairs(const Bfloat16 *from) {
    Ints pairs;
    std::memcpy(&pairs, from, sizeof pairs);
    return pairs;
}

// sum + first of x * first of weights + second of x * second of weights. A product of two bfloat16 is exact in a float.
inline Floats dot(const Pair &x, Ints weights, Floats sum) {
#if defined(RECURRA_AVX512_BF16)
    return Floats(_mm512_dpbf16_ps(__m512(sum), (__m512bh)(x.bits), (__m512bh)(weights)));
#else
    sum = fma(x.first, as_floats(weights << 16), sum);
    return fma(x.second, as_floats(weights & int32_t(0xffff0000)), sum);
#endif
}

inline Floats min(Floats a, Floats b) { return a > b ? b : a; }  // a NaN in a stays
inline Floats max(Floats a, Floats b) { return a < b ? b : a; }

// c0 x^n + .. + cn, written out: a loop over the coefficients would stay one.
inline Floats polynomial(Floats, Floats sum) { return sum; }

template <class... More>
inline Floats polynomial(Floats x, Floats sum, float next, More... more) {
    return polynomial(x, fma(sum, x, splat(next)), more...);
}

// 1 / x for 1 <= x < 2^126, to 1 unit in the last place or two: faster than a division where there is a first guess.
inline Floats reciprocal(Floats x) {
#if defined(RECURRA_AVX512)
    Floats guess = Floats(_mm512_rcp14_ps(__m512(x)));
    return fma(guess, fma(-x, guess, splat(1.0f)), guess);
#else
    return 1.0f / x;
#endif
}

// e^x to 1 unit in the last place or two: e^x = 2^n e^r with |r| <= ln(2) / 2, e^r by the polynomial of Cephes' expf.
// Beyond +-87 it is what it is there.
inline Floats exp(Floats x) {
    x = max(min(x, splat(87.0f)), splat(-87.0f));
    const Floats rounder = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to whole numbers
    Floats shifted = fma(x, splat(1.44269504088896341f), rounder);
    Floats n = shifted - rounder;
    Floats r = fma(n, splat(-0.693359375f), x);
    r = fma(n, splat(2.12194440e-4f), r);
    Floats p = polynomial(r, splat(1.9875691500e-4f), 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f,
                          1.6666665459e-1f, 5.0000001201e-1f);
    p = fma(p, r * r, r) + 1.0f;
    Ints bits, base;
    std::memcpy(&bits, &shifted, sizeof bits);
    std::memcpy(&base, &rounder, sizeof base);
    bits = (bits - base + 127) << 23;
    Floats power;
    std::memcpy(&power, &bits, sizeof power);
    return p * power;
}

inline Floats sigmoid(Floats x) { return reciprocal(1.0f + exp(-x)); }

// Near 0 by the polynomial of Cephes' tanhf, which keeps the relative precision there; else 1 - 2 / (e^2x + 1).
inline Floats tanh(Floats x) {
    Floats size = x < 0.0f ? -x : x;
    Floats square = x * x;
    Floats p = polynomial(square, splat(-5.70498872745e-3f), 2.06390887954e-2f, -5.37397155531e-2f,
                          1.33314422036e-1f, -3.33332819422e-1f);
    Floats near = fma(p * square, x, x);
    Floats far = 1.0f - 2.0f * reciprocal(exp(size + size) + 1.0f);
    far = x < 0.0f ? -far : far;
    return size < 0.625f ? near : (x == x ? far : x);
}

}  // namespace recurra
