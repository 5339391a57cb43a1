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
    OuterSum(int64_t rows, int64_t columns) : rows_(rows), sums_(rows, columns) {}
    // Adds the first k rows of `right` times numbers `from` .. `from + count` of those of `left`, to sums `to` and on.
    void add(const Rowwise &left, int64_t from, int64_t count, int64_t to, const Rowwise &right, int k) {
        for (int first = 0; first < k; first += DEEP) {
            const int deep = std::min(DEEP, k - first);
            in_blocks<WIDE>(int(padded(right.columns) / W), [&](auto wide, int v) {
                in_blocks<ACCUMULATORS / WIDE>(int(count), [&](auto high, int i) {
                    block<decltype(high)::value, decltype(wide)::value>(
                        sums_.row(to + i) + v * W, left.row(first) + from + i, left.stride,
                        right.row(first) + v * W, right.stride, deep);
                });
            });
        }
    }
    const float *row(int64_t i) const { return sums_.row(i); }
    int64_t rows() const { return rows_; }
    int64_t columns() const { return sums_.columns; }

  private:
    static constexpr int DEEP = 128;  // rows of `right` whose numbers of one block stay in the first-level cache

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
