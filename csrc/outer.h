// Sums of outer products: how the gradients of weights come from those of the sums they are part of.
#pragma once

#include <algorithm>
#include <vector>

#include "matrix.h"

namespace recurra {

// Sums that do not fit the second-level cache, whatever else is in it, are visited as seldom as can be.
inline bool is_far(int64_t rows, int64_t columns) { return rows * columns * int64_t(sizeof(float)) > (2 << 20); }
constexpr int DEEP_FAR = 256;  // rows of a visit to such sums, at least

// (rows, columns) sums, sum[i][j] = sum over k of left[k][i] * right[k][j], of at most `most` k at once.
template <class N>
class OuterSum;

template <>
class OuterSum<float> {
  public:
    OuterSum(int64_t rows, int64_t columns, int64_t /*most*/) : rows_(rows), sums_(rows, columns) {}
    // Adds the first k rows of `right` times numbers `from` .. `from + count` of those of `left`, to sums `to` and on.
    void add(const Rowwise<float> &left, int64_t from, int64_t count, int64_t to, const Rowwise<float> &right, int k) {
        const bool far = is_far(rows_, right.columns);
        const int most = far ? DEEP_FAR : DEEP;
        if (far && !tiles_.get()) tiles_ = Buffer<float>(size_t(rows_) * DEEP_FAR);
        for (int first = 0; first < k; first += most) {
            const int deep = std::min(most, k - first);
            if (far) tile(left, first, deep, from, int(count));
            in_blocks<WIDE>(panels_of(right.columns, W), [&](auto wide, int v) {
                in_blocks<HIGH>(int(count), [&](auto high, int i) {
                    constexpr int R = decltype(high)::value;
                    block<R, decltype(wide)::value>(
                        sums_.row(to + i) + v * W, far ? tiles_.get() + size_t(i) * deep : left.row(first) + from + i,
                        far ? R : left.stride, right.row(first) + v * W, right.stride, deep);
                });
            });
        }
    }
    const float *row(int64_t i) const { return sums_.row(i); }
    int64_t rows() const { return rows_; }
    int64_t columns() const { return sums_.columns; }

  private:
    static constexpr int HIGH = ACCUMULATORS / WIDE;
    static constexpr int DEEP = 128;  // rows of `right` whose numbers of one block stay in the first-level cache

    // The numbers of each block of `left` next to each other: far apart, each would be on a page of its own.
    void tile(const Rowwise<float> &left, int first, int deep, int64_t from, int count) {
        constexpr int FEW = 16;
        for (int begin = 0; begin < deep; begin += FEW)
            in_blocks<HIGH>(count, [&](auto high, int i) {
                constexpr int R = decltype(high)::value;
                for (int k = begin; k < std::min(begin + FEW, deep); k++)
                    std::copy_n(left.row(first + k) + from + i, R, tiles_.get() + size_t(i) * deep + k * R);
            });
    }

    template <int R, int V>
    void block(float *to, const float *left, int64_t left_stride, const float *right, int64_t right_stride, int k) const {
        Floats sums[R][V];
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
#pragma GCC unroll 16
            for (int v = 0; v < V; v++) sums[r][v] = load(to + r * sums_.stride + v * W);
        for (int i = 0; i < k; i++, left += left_stride, right += right_stride) {
            Floats other[V];
#pragma GCC unroll 16
            for (int v = 0; v < V; v++) other[v] = load(right + v * W);
#pragma GCC unroll 16
            for (int r = 0; r < R; r++) {
                Floats x = splat(left[r]);
#pragma GCC unroll 16
                for (int v = 0; v < V; v++) sums[r][v] = fma(x, other[v], sums[r][v]);
            }
        }
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
#pragma GCC unroll 16
            for (int v = 0; v < V; v++) store(to + r * sums_.stride + v * W, sums[r][v]);
    }

    int64_t rows_;
    Rowwise<float> sums_;
    Buffer<float> tiles_;
};

// W rows of W numbers, rows for columns: blocks of 1, 2, .. W / 2 rows and columns change places.
template <int D, int... LANES>
inline void exchange(Ints &a, Ints &b, std::integer_sequence<int, LANES...>) {
    const Ints first = a, second = b;
    a = __builtin_shufflevector(first, second, ((LANES & D) ? W + LANES - D : LANES)...);
    b = __builtin_shufflevector(first, second, ((LANES & D) ? W + LANES : LANES + D)...);
}

template <int D = W / 2>
inline void transpose(Ints (&rows)[W]) {
#pragma GCC unroll 16
    for (int i = 0; i < W; i++)
        if (!(i & D)) exchange<D>(rows[i], rows[i + D], std::make_integer_sequence<int, W>{});
    if constexpr (D > 1) transpose<D / 2>(rows);
}

// Of bfloat16, the sums are the rows of `left`, turned, times the columns of `right`.
template <>
class OuterSum<Bfloat16> {
  public:
    OuterSum(int64_t rows, int64_t columns, int64_t most) : sums_(rows, columns), turned_(rows, most), from_(rows), to_(rows) {
        for (int64_t i = 0; i < rows; i++) from_[i] = turned_.row(i);
    }
    void add(const Rowwise<Bfloat16> &left, int64_t from, int64_t count, int64_t to, const Rowwise<Bfloat16> &right, int k) {
        turn(left, from, count, k);
        for (int64_t i = 0; i < count; i++) to_[i] = sums_.row(to + i);
        wide_product(Packed<WIDE, Bfloat16, Bfloat16>(right, k), from_.data(), int(count), right.columns, recurra::add(to_.data()));
    }
    const float *row(int64_t i) const { return sums_.row(i); }
    int64_t columns() const { return sums_.columns; }

  private:
    void turn(const Rowwise<Bfloat16> &left, int64_t from, int64_t count, int k) {
        auto halves = [&](int row, int64_t column) {
            Halves found{};
            if (row < k) std::memcpy(&found, left.row(row) + from + column, sizeof found);
            return __builtin_convertvector(found, Ints);
        };
        for (int first = 0; first < k; first += 2 * W)
            for (int64_t column = 0; column < count; column += W) {
                Ints pairs[W];
                for (int i = 0; i < W; i++)
                    pairs[i] = halves(first + 2 * i, column) | halves(first + 2 * i + 1, column) << 16;
                transpose(pairs);
                for (int i = 0; i < std::min<int64_t>(W, count - column); i++)
                    std::memcpy(turned_.row(column + i) + first, &pairs[i], sizeof pairs[i]);
            }
    }

    Rowwise<float> sums_;
    Rowwise<Bfloat16> turned_;
    std::vector<const Bfloat16 *> from_;
    std::vector<float *> to_;
};

// to[i] += the first k rows of `from`, added up.
template <class N>
void add_columns(const Rowwise<N> &from, int k, std::vector<float> &to) {
    for (int64_t u = 0; u < from.columns; u += W) {
        Floats sum{};
        for (int i = 0; i < k; i++) sum += load(from.row(i) + u);
        const int n = int(std::min<int64_t>(W, from.columns - u));
        store(to.data() + u, load(to.data() + u, n) + sum, n);
    }
}

}  // namespace recurra
