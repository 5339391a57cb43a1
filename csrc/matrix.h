// Rows times a packed matrix, with what follows done while the sums are still in registers.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

#include "vector.h"
#include "weights.h"

namespace recurra {

// Numbers on a cache line's border.
template <class T>
class Buffer {
  public:
    Buffer() = default;
    explicit Buffer(size_t n) {
        size_t bytes = (n * sizeof(T) + 63) / 64 * 64;
        data_.reset(static_cast<T *>(std::aligned_alloc(64, bytes ? bytes : 64)));
        if (!data_) throw std::bad_alloc();
    }
    T *get() const { return data_.get(); }

  private:
    struct Free {
        void operator()(T *p) const { std::free(p); }
    };
    std::unique_ptr<T, Free> data_;
};

inline int panels_of(int64_t columns, int each) { return int((columns + each - 1) / each); }

// A matrix (K, N) cut into panels of V * W columns, each panel row after row. Which element stands where is up
// to the caller: that is how the gates of a unit get next to each other.
template <int V, class T = float>
class Packed {
  public:
    static constexpr int WIDTH = V * W;
    static constexpr bool SCALED = std::is_same_v<T, int8_t>;

    // `row_of(p, v, lane)` is the row of `matrix` (rows: columns here) that stands there, or less than 0: zeros.
    template <class Row>
    Packed(const Matrix<T> &matrix, int panels, Row row_of)
        : Packed(int(matrix.columns), panels,
                 [&](int k, int p, int v, int lane) {
                     int64_t row = row_of(p, v, lane);
                     return row < 0 ? T{} : matrix.values[row * matrix.columns + k];
                 }) {
        if constexpr (SCALED) {
            scales_ = Buffer<float>(size_t(panels) * WIDTH);
            float *to = scales_.get();
            for (int p = 0; p < panels; p++)
                for (int v = 0; v < V; v++)
                    for (int lane = 0; lane < W; lane++) {
                        int64_t row = row_of(p, v, lane);
                        *to++ = row < 0 ? 0.0f : matrix.scales[row];
                    }
        }
    }
    // `of(k, p, v, lane)` is an element of row k, or 0 where there is no such column.
    template <class Of, class = std::enable_if_t<std::is_invocable_v<Of, int, int, int, int>>>
    Packed(int rows, int panels, Of of) : rows(rows), panels(panels), data_(size_t(rows) * panels * WIDTH) {
        T *to = data_.get();
        for (int p = 0; p < panels; p++)
            for (int k = 0; k < rows; k++)
                for (int v = 0; v < V; v++)
                    for (int lane = 0; lane < W; lane++) *to++ = of(k, p, v, lane);
    }
    const T *panel(int p) const { return data_.get() + size_t(p) * rows * WIDTH; }
    const float *scales(int p) const { return scales_.get() + size_t(p) * WIDTH; }

    int rows, panels;

  private:
    Buffer<T> data_;
    Buffer<float> scales_;
};

// sums[r][v] += row r (k numbers) times k rows of a panel. R and V are known and every loop over them is unrolled, so that
// the sums are in registers all the while.
template <int R, int V, class T>
inline __attribute__((always_inline)) void multiply(Floats (&sums)[R][V], const float *const *rows, int k,
                                                    const T *panel) {
    Floats kept[R][V];
    const float *row[R];
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
        row[r] = rows[r];
#pragma GCC unroll 16
        for (int v = 0; v < V; v++) kept[r][v] = sums[r][v];
    }
    for (int i = 0; i < k; i++, panel += V * W) {
        Floats weight[V];
#pragma GCC unroll 16
        for (int v = 0; v < V; v++) weight[v] = load(panel + v * W);
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
            Floats x = splat(row[r][i]);
#pragma GCC unroll 16
            for (int v = 0; v < V; v++) kept[r][v] = fma(x, weight[v], kept[r][v]);
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 16
        for (int v = 0; v < V; v++) sums[r][v] = kept[r][v];
}

// sums[r][v] += row r times panel p.
template <int R, int V, class T>
inline __attribute__((always_inline)) void add_product(Floats (&sums)[R][V], const float *const *rows,
                                                       const Packed<V, T> &weights, int p) {
    if constexpr (Packed<V, T>::SCALED) {
        Floats whole[R][V] = {};
        multiply<R, V>(whole, rows, weights.rows, weights.panel(p));
        for (int v = 0; v < V; v++) {
            Floats scale = load(weights.scales(p) + v * W);
            for (int r = 0; r < R; r++) sums[r][v] = fma(whole[r][v], scale, sums[r][v]);
        }
    } else {
        multiply<R, V>(sums, rows, weights.rows, weights.panel(p));
    }
}

// Calls `with(std::integral_constant<int, R>, first)` for blocks of at most MOST rows, as equal as can be.
template <int MOST, class With>
inline void in_blocks(int rows, With with) {
    static_assert(MOST <= 8);
    int blocks = (rows + MOST - 1) / MOST;
    for (int b = 0, first = 0; b < blocks; b++) {
        int n = (rows - first + blocks - b - 1) / (blocks - b);
        switch (n) {
#define RECURRA_CASE(R) \
    case R:             \
        if constexpr (R <= MOST) with(std::integral_constant<int, R>{}, first); \
        break;
            RECURRA_CASE(1)
            RECURRA_CASE(2)
            RECURRA_CASE(3)
            RECURRA_CASE(4)
            RECURRA_CASE(5)
            RECURRA_CASE(6)
            RECURRA_CASE(7)
            RECURRA_CASE(8)
#undef RECURRA_CASE
        }
        first += n;
    }
}

constexpr int WIDE = 4;  // vectors next to each other where a product has no gates to keep together

// Rows `first` to `first + sums` of a matrix. An input or a state times it are sums.
template <class T>
Packed<WIDE, T> pack_sums(const Matrix<T> &weights, int64_t first, int64_t sums) {
    return Packed<WIDE, T>(weights, panels_of(sums, WIDE * W), [=](int p, int v, int lane) {
        int64_t column = (int64_t(p) * WIDE + v) * W + lane;
        return column < sums ? first + column : int64_t(-1);
    });
}

// to[r] = or += from[r] times the weights, `columns` numbers of it.
template <class T>
void wide_product(const Packed<WIDE, T> &weights, const float *const *from, int rows, int64_t columns,
                  float *const *to, bool add) {
    for (int p = 0; p < weights.panels; p++)
        in_blocks<ACCUMULATORS / WIDE>(rows, [&](auto size, int first) {
            constexpr int R = decltype(size)::value;
            Floats sums[R][WIDE] = {};
            add_product<R, WIDE>(sums, from + first, weights, p);
            for (int r = 0; r < R; r++)
                for (int v = 0; v < WIDE; v++) {
                    int64_t u = (int64_t(p) * WIDE + v) * W;
                    if (u >= columns) break;
                    int n = int(std::min<int64_t>(W, columns - u));
                    float *place = to[first + r] + u;
                    store(place, add ? load(place, n) + sums[r][v] : sums[r][v], n);
                }
        });
}

template <class Each>
void for_units(int rows, int64_t units, Each each) {
    for (int r = 0; r < rows; r++)
        for (int64_t u = 0; u < units; u += W) each(r, u, int(std::min<int64_t>(W, units - u)));
}

}  // namespace recurra
