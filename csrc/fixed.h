// Rows of floats as whole numbers of 16 bits, to be multiplied with 8-bit weights by instructions that multiply bytes
// (VNNI). A row's largest magnitude becomes 32767, so the rounding is at most 2^-16 of it, 250 times finer than that of the weights.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "vector.h"

namespace recurra {

// x[k] = (256 (upper[k] - 128) + lower[k]) * scale; bytes without sign are what the instruction wants of one side.
struct Fixed {
    float scale;
    const uint8_t *upper, *lower;
};

#if defined(RECURRA_VNNI)
// sum + the four bytes at `bytes`, each times its weight, in every place. Exact: of 32 bits none is lost up to 66,000 numbers.
inline Ints dot(const uint8_t *bytes, Ints weights, Ints sum) {
    int32_t four;
    std::memcpy(&four, bytes, sizeof four);
    return Ints(_mm512_dpbusd_epi32(__m512i(sum), __m512i(four - Ints{}), __m512i(weights)));
}

inline Floats as_numbers(Ints whole) { return __builtin_convertvector(whole, Floats); }

// Made of the rows of one product; the memory is kept for the next.
class FixedRows {
  public:
    const Fixed *const *made_of(const float *const *from, int rows, int64_t columns) {
        const int64_t wide = (columns + W - 1) / W * W;
        if (int(places_.size()) < rows) {
            fixed_.resize(rows);
            places_.resize(rows);
            for (int r = 0; r < rows; r++) places_[r] = &fixed_[r];
        }
        if (int64_t(bytes_.size()) < 2 * wide * rows) bytes_.resize(2 * wide * rows);
        for (int r = 0; r < rows; r++) fixed_[r] = make(from[r], columns, &bytes_[2 * wide * r], &bytes_[2 * wide * r + wide]);
        return places_.data();
    }

  private:
    static Fixed make(const float *from, int64_t columns, uint8_t *upper, uint8_t *lower) {
        __m512i largest = _mm512_setzero_si512();  // magnitudes in the order of their bits; infinity and NaN are above all
        for (int64_t k = 0; k < columns; k += W) {
            const Ints bits = as_bits(load(from + k, some(columns - k))) & 0x7fffffff;
            largest = _mm512_max_epi32(largest, __m512i(bits));
        }
        const int32_t bits = _mm512_reduce_max_epi32(largest);
        float magnitude;
        std::memcpy(&magnitude, &bits, sizeof bits);
        const bool finite = bits < 0x7f800000;
        const float scale = (magnitude > TINY ? magnitude : TINY) / 32767;
        const Floats by = splat(1 / scale);
        for (int64_t k = 0; k < columns; k += W) {
            const __m512i whole = _mm512_cvtps_epi32(__m512(load(from + k, some(columns - k)) * by));
            const __m512i moved = _mm512_add_epi32(whole, _mm512_set1_epi32(32768));
            _mm_storeu_si128(reinterpret_cast<__m128i *>(lower + k), _mm512_cvtepi32_epi8(moved));
            _mm_storeu_si128(reinterpret_cast<__m128i *>(upper + k), _mm512_cvtepi32_epi8(_mm512_srli_epi32(moved, 8)));
        }
        return {finite ? scale : std::numeric_limits<float>::quiet_NaN(), upper, lower};
    }
    static int some(int64_t left) { return int(left < W ? left : W); }

    static constexpr float TINY = 1e-30f;  // what is smaller counts as 0
    std::vector<Fixed> fixed_;
    std::vector<const Fixed *> places_;
    std::vector<uint8_t> bytes_;
};

// What a product of rows of N with weights of T reads.
template <class N, class T>
using Read = std::conditional_t<std::is_same_v<T, int8_t>, Fixed, N>;
#else
struct FixedRows {};

template <class N, class T>
using Read = N;
#endif

// Rows as a product with weights of T reads them: as they are, or made into `place`.
template <class T, class N, class Place>
const Read<N, T> *const *read(const N *const *rows, int n, int64_t columns, Place &place) {
    if constexpr (std::is_same_v<Read<N, T>, N>) return rows;
    else return place.made_of(rows, n, columns);
}

}  // namespace recurra
