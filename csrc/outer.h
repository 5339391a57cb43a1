// Sums of outer products: how the gradients of weights come from those of the sums they are part of.
#pragma once

#include <algorithm>
#include <vector>

#include "matrix.h"

namespace recurra {

inline int64_t padded(int64_t columns) { return (columns + W - 1) / W * W; }

// Rows of numbers next to each other, each on a register's border, zeros behind them.
class Rowwise {
  public:
    Rowwise(int64_t rows, int64_t columns)
        : stride(padded(columns) + W), columns(columns), data_(size_t(rows) * stride) {
        std::fill_n(data_.get(), size_t(rows) * stride, 0.0f);
    }
    float *row(int64_t k) const { return data_.get() + size_t(k) * stride; }
    // One register more than is needed: rows a power of two apart would share the same few lines of a cache.
    const int64_t stride, columns;

  private:
    Buffer<float> data_;
};

// (rows, columns) sums, sum[i][j] = sum over k of left[k][i] * right[k][j].
class OuterSum {
  public:
    static constexpr int DEEP_FAR = 256;  // where the sums are far away
    // Whether the sums are too many for the second-level cache, whatever else is in it.
    static bool is_far(int64_t rows, int64_t columns) { return rows * columns * int64_t(sizeof(float)) > FAR; }

    OuterSum(int64_t rows, int64_t columns) : rows_(rows), sums_(rows, columns) {}
    // Adds the first k rows of `right` times numbers `from` .. `from + count` of those of `left`, to sums `to` and on.
    void add(const Rowwise &left, int64_t from, int64_t count, int64_t to, const Rowwise &right, int k) {
        // Sums that do not fit the second-level cache are visited as seldom as can be.
        const bool far = is_far(rows_, right.columns);
        const int most = far ? DEEP_FAR : DEEP;
        if (far && !tiles_.get()) tiles_ = Buffer<float>(size_t(rows_) * DEEP_FAR);
        for (int first = 0; first < k; first += most) {
            const int deep = std::min(most, k - first);
            if (far) tile(left, first, deep, from, int(count));
            in_blocks<WIDE>(int(padded(right.columns) / W), [&](auto wide, int v) {
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
    static constexpr int64_t FAR = 2 << 20;

    // The numbers of each block of `left` next to each other: far apart, each would be on a page of its own.
    void tile(const Rowwise &left, int first, int deep, int64_t from, int count) {
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
    Rowwise sums_;
    Buffer<float> tiles_;
};

// to[i] += the first k rows of `from`, added up.
inline void add_columns(const Rowwise &from, int k, std::vector<float> &to) {
    for (int64_t u = 0; u < from.columns; u += W) {
        Floats sum{};
        for (int i = 0; i < k; i++) sum += load(from.row(i) + u);
        const int n = int(std::min<int64_t>(W, from.columns - u));
        store(to.data() + u, load(to.data() + u, n) + sum, n);
    }
}

}  // namespace recurra
