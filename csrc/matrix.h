// Rows times a packed matrix, with what follows done while the sums are still in registers.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "vector.h"

namespace recurra {

struct Free {
    void operator()(float *p) const { std::free(p); }
};

// Floats on a cache line's border.
class Buffer {
  public:
    explicit Buffer(size_t n) {
        size_t bytes = (n * sizeof(float) + 63) / 64 * 64;
        data_.reset(static_cast<float *>(std::aligned_alloc(64, bytes ? bytes : 64)));
        if (!data_) throw std::bad_alloc();
    }
    float *get() const { return data_.get(); }

  private:
    std::unique_ptr<float, Free> data_;
};

// A matrix (K, N) cut into panels of V * W columns, each panel row after row. Which element stands where is up
// to the caller: that is how the gates of a unit get next to each other.
template <int V>
class Packed {
  public:
    static constexpr int WIDTH = V * W;

    // `of(k, p, v, lane)` is an element of row k, or 0 where there is no such column.
    template <class Of>
    Packed(int rows, int panels, Of of) : rows(rows), panels(panels), data_(size_t(rows) * panels * WIDTH) {
        float *to = data_.get();
        for (int p = 0; p < panels; p++)
            for (int k = 0; k < rows; k++)
                for (int v = 0; v < V; v++)
                    for (int lane = 0; lane < W; lane++) *to++ = of(k, p, v, lane);
    }
    const float *panel(int p, int k = 0) const { return data_.get() + (size_t(p) * rows + k) * WIDTH; }

    int rows, panels;

  private:
    Buffer data_;
};

// sums[r][v] += row r (k numbers) times k rows of a panel. R and V are known and every loop over them is unrolled, so that
// the sums are in registers all the while.
template <int R, int V>
inline __attribute__((always_inline)) void multiply(Floats (&sums)[R][V], const float *const *rows, int k,
                                                    const float *panel) {
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

}  // namespace recurra
