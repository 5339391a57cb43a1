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

// W weights of a smaller number type, as floats.
#if defined(RECURRA_AVX512)
inline Floats load(const Bfloat16 *from) {
    __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(from)));
    return Floats(_mm512_castsi512_ps(_mm512_slli_epi32(bits, 16)));
}

inline Floats load(const int8_t *from) {
    __m512i whole = _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from)));
    return Floats(_mm512_cvtepi32_ps(whole));
}
#elif defined(RECURRA_AVX2)
inline Floats load(const Bfloat16 *from) {
    __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from)));
    return Floats(_mm256_castsi256_ps(_mm256_slli_epi32(bits, 16)));
}

inline Floats load(const int8_t *from) {
    __m256i whole = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(from)));
    return Floats(_mm256_cvtepi32_ps(whole));
}
#else
inline Floats load(const Bfloat16 *from) {
    Floats v{};
    for (int k = 0; k < W; k++) {
        uint32_t bits = uint32_t(from[k].bits) << 16;
        float number;
        std::memcpy(&number, &bits, sizeof number);
        v[k] = number;
    }
    return v;
}

inline Floats load(const int8_t *from) {
    Floats v{};
    for (int k = 0; k < W; k++) v[k] = from[k];
    return v;
}
#endif

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
