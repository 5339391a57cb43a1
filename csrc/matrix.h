// Rows times a packed matrix, with what follows done while the sums are still in registers.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <numeric>
#include <type_traits>
#include <utility>

#include "fixed.h"
#include "tiles.h"
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

// Numbers of a column that stand next to each other, to be multiplied with rows of N at once.
template <class N>
constexpr int TOGETHER = std::is_same_v<N, Fixed> ? 4 : std::is_same_v<N, Bfloat16> ? 2 : 1;

// How many numbers of a row are multiplied: whole groups of these, or tiles.
template <class N>
constexpr int64_t deep(int64_t columns) {
#if defined(RECURRA_TILES)
    constexpr int step = std::is_same_v<N, Bfloat16> ? TILE_DEEP : TOGETHER<N>;
#else
    constexpr int step = TOGETHER<N>;
#endif
    return (columns + step - 1) / step * step;
}

// Rows next to each other, each on a register's border, zeros behind them. Rows of bfloat16 that are to be multiplied
// stand like this: a tile reads TILE_ROWS of them at equal distances, and up to `deep` columns.
template <class N>
class Rowwise {
  public:
    Rowwise(int64_t rows, int64_t columns)
        : stride(panels_of(columns, 64) * 64 + 64 / int(sizeof(N))), columns(columns), data_(place(rows)) {
        std::fill_n(data_.get(), place(rows), N{});
    }
    N *row(int64_t k) const { return data_.get() + size_t(k) * stride; }
    // Some more than is needed: rows a power of two apart would share the same few lines of a cache.
    const int64_t stride, columns;

  private:
    size_t place(int64_t rows) const { return size_t(rows ? rows + TILE_ROWS : 0) * stride; }
    Buffer<N> data_;
};

// A matrix (K, P) cut into panels of V * W columns, each panel row after row; to be multiplied with rows of N. Where N is
// Bfloat16, every two numbers of a column stand next to each other, of Fixed every four. Which element stands where is up to the
// caller: that is how the gates of a unit get next to each other.
template <int V, class T = float, class N = float>
class Packed {
  public:
    static constexpr int WIDTH = V * W;
    static constexpr bool SCALED = std::is_same_v<T, int8_t>;
    static_assert(!std::is_same_v<N, Bfloat16> || std::is_same_v<T, Bfloat16>);
    static_assert(!std::is_same_v<N, Fixed> || SCALED);

    // `row_of(p, v, lane)` is the row of `matrix` (rows: columns here) that stands there, or less than 0: zeros.
    template <class S, class Row>
    Packed(const Matrix<S> &matrix, int panels, Row row_of)
        : Packed(int(matrix.columns), panels, [&](int k, int p, int v, int lane) {
              int64_t row = row_of(p, v, lane);
              return row < 0 ? S{} : matrix.values[row * matrix.columns + k];
          }) {
        if constexpr (SCALED) {
            scales_ = Buffer<float>(size_t(panels) * WIDTH);
            totals_ = Buffer<int32_t>(std::is_same_v<N, Fixed> ? size_t(panels) * WIDTH : 0);
            size_t to = 0;
            for (int p = 0; p < panels; p++)
                for (int v = 0; v < V; v++)
                    for (int lane = 0; lane < W; lane++, to++) {
                        int64_t row = row_of(p, v, lane);
                        scales_.get()[to] = row < 0 ? 0.0f : matrix.scales[row];
                        if constexpr (std::is_same_v<N, Fixed>) {
                            const int8_t *values = matrix.values + (row < 0 ? 0 : row * matrix.columns);
                            totals_.get()[to] = std::accumulate(values, values + (row < 0 ? 0 : matrix.columns), int32_t{});
                        }
                    }
        }
    }
    // `of(k, p, v, lane)` is an element of row k, or 0 where there is no such column.
    template <class Of, class = std::enable_if_t<std::is_invocable_v<Of, int, int, int, int>>>
    Packed(int k, int panels, Of of) : rows(int(deep<N>(k))), panels(panels), data_(size_t(rows) * panels * WIDTH) {
        T *to = data_.get();
        for (int p = 0; p < panels; p++)
            for (int first = 0; first < rows; first += TOGETHER<N>)
                for (int v = 0; v < V; v++)
                    for (int lane = 0; lane < W; lane++)
                        for (int i = first; i < first + TOGETHER<N>; i++) *to++ = i < k ? number(of(i, p, v, lane)) : T{};
    }
    // Of rows that stand next to each other: (K, P).
    Packed(const Rowwise<T> &from, int k) : rows(int(deep<N>(k))), panels(panels_of(from.columns, WIDTH)),
                                            data_(size_t(rows) * panels * WIDTH) {
        static_assert(TOGETHER<N> == 2 && WIDTH <= 64);
        const Bfloat16 nothing[WIDTH] = {};
        for (int i = 0; i < rows; i += 2)
            for (int p = 0; p < panels; p++) {
                const Bfloat16 *first = i < k ? from.row(i) + p * WIDTH : nothing;
                const Bfloat16 *second = i + 1 < k ? from.row(i + 1) + p * WIDTH : nothing;
                Bfloat16 *to = data_.get() + size_t(p) * rows * WIDTH + i * WIDTH;
                for (int column = 0; column < WIDTH; column++) {
                    to[2 * column] = first[column];
                    to[2 * column + 1] = second[column];
                }
            }
    }
    const T *panel(int p) const { return data_.get() + size_t(p) * rows * WIDTH; }
    const float *scales(int p) const { return scales_.get() + size_t(p) * WIDTH; }
    const int32_t *totals(int p) const { return totals_.get() + size_t(p) * WIDTH; }  // of the weights of each column

    int rows, panels;

  private:
    template <class S>
    static T number(S x) {
        if constexpr (std::is_same_v<S, T>) return x;
        else return rounded(x);
    }
    Buffer<T> data_;
    Buffer<float> scales_;
    Buffer<int32_t> totals_;
};

// One of the products that a sum is made of: rows times a packed matrix, vector v of a panel to sum TO[v].
template <class N, class T, int P, int... TO>
struct Term {
    static_assert(sizeof...(TO) == P);
    const N *const *rows;
    const Packed<P, T, N> &weights;
};

template <int... TO, class N, class T, int P>
Term<N, T, P, TO...> term(const N *const *rows, const Packed<P, T, N> &weights) {
    return {rows, weights};
}

// The sums of row after row, as they are.
template <class N, class T, int P>
auto plain_term(const N *const *rows, const Packed<P, T, N> &weights) {
    if constexpr (P == 4) return term<0, 1, 2, 3>(rows, weights);
    else return term<0, 1, 2>(rows, weights);
}

// sums[r][TO[v]] += row r times a panel, from row `first` on; or, BESIDE, row `first` times each of R panels that follow each
// other. R and P are known and every loop over them is unrolled, so that the sums are in registers all the while.
template <bool BESIDE, int R, int V, class N, class T, int P, int... TO>
inline __attribute__((always_inline)) void multiply(Floats (&sums)[R][V], int first, int p,
                                                    const Term<N, T, P, TO...> &term) {
    constexpr int to[] = {TO...};
    constexpr bool pairs = std::is_same_v<N, Bfloat16>, scaled = Packed<P, T, N>::SCALED;
    Floats kept[R][P];
    const N *row[R];
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
        row[r] = term.rows[BESIDE ? first : first + r];
#pragma GCC unroll 16
        for (int v = 0; v < P; v++) kept[r][v] = scaled ? Floats{} : sums[r][to[v]];
    }
    const T *panel = term.weights.panel(p);
    const int k = term.weights.rows;
    const int64_t apart = int64_t(k) * P * W;  // from a panel to the next
    if constexpr (pairs) {
        for (int i = 0; i < k; i += 2, panel += 2 * P * W) {
            Ints weight[P];
#pragma GCC unroll 16
            for (int v = 0; v < P; v++) weight[v] = load_pairs(panel + 2 * v * W);
#pragma GCC unroll 16
            for (int r = 0; r < R; r++) {
                const Pair x(row[r] + i);
                if constexpr (BESIDE)
#pragma GCC unroll 16
                    for (int v = 0; v < P; v++) weight[v] = load_pairs(panel + r * apart + 2 * v * W);
#pragma GCC unroll 16
                for (int v = 0; v < P; v++) kept[r][v] = dot(x, weight[v], kept[r][v]);
            }
        }
    } else {
        for (int i = 0; i < k; i++, panel += P * W) {
            Floats weight[P];
#pragma GCC unroll 16
            for (int v = 0; v < P; v++) weight[v] = load(panel + v * W);
#pragma GCC unroll 16
            for (int r = 0; r < R; r++) {
                Floats x = splat(row[r][i]);
                if constexpr (BESIDE)
#pragma GCC unroll 16
                    for (int v = 0; v < P; v++) weight[v] = load(panel + r * apart + v * W);
#pragma GCC unroll 16
                for (int v = 0; v < P; v++) kept[r][v] = fma(x, weight[v], kept[r][v]);
            }
        }
    }
#pragma GCC unroll 16
    for (int v = 0; v < P; v++) {
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
            if constexpr (scaled) {
                const Floats scale = load(term.weights.scales(BESIDE ? p + r : p) + v * W);
                sums[r][to[v]] = fma(kept[r][v], scale, sums[r][to[v]]);
            } else {
                sums[r][to[v]] = kept[r][v];
            }
    }
}

#if defined(RECURRA_VNNI)
// The same of rows of whole numbers; the sums of upper and lower bytes are exact.
template <bool BESIDE, int R, int V, int P, int... TO>
inline __attribute__((always_inline)) void multiply(Floats (&sums)[R][V], int first, int p,
                                                    const Term<Fixed, int8_t, P, TO...> &term) {
    constexpr int to[] = {TO...};
    const Fixed *row[R];
    Ints upper[R][P], lower[R][P];
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
        row[r] = term.rows[BESIDE ? first : first + r];
#pragma GCC unroll 16
        for (int v = 0; v < P; v++) {
            Ints totals;
            std::memcpy(&totals, term.weights.totals(BESIDE ? p + r : p) + v * W, sizeof totals);
            upper[r][v] = -128 * totals;
            lower[r][v] = Ints{};
        }
    }
    const int8_t *panel = term.weights.panel(p);
    const int64_t apart = int64_t(term.weights.rows) * P * W;
    for (int i = 0; i < term.weights.rows; i += 4, panel += 4 * P * W) {
        Ints weight[P];
#pragma GCC unroll 16
        for (int v = 0; v < P; v++) std::memcpy(&weight[v], panel + 4 * v * W, sizeof weight[v]);
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
            if constexpr (BESIDE)
#pragma GCC unroll 16
                for (int v = 0; v < P; v++) std::memcpy(&weight[v], panel + r * apart + 4 * v * W, sizeof weight[v]);
#pragma GCC unroll 16
            for (int v = 0; v < P; v++) {
                upper[r][v] = dot(row[r]->upper + i, weight[v], upper[r][v]);
                lower[r][v] = dot(row[r]->lower + i, weight[v], lower[r][v]);
            }
        }
    }
#pragma GCC unroll 16
    for (int v = 0; v < P; v++) {
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
            const Floats scale = load(term.weights.scales(BESIDE ? p + r : p) + v * W);
            const Floats sum = fma(splat(256.0f), as_numbers(upper[r][v]), as_numbers(lower[r][v]));
            sums[r][to[v]] = fma(sum, scale * row[r]->scale, sums[r][to[v]]);
        }
    }
}
#endif

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

#if defined(RECURRA_TILES)
// Tile TO[v] += TILE_ROWS rows times vector v of a panel.
template <class T, int P, int... TO>
void multiply_tiles(int first, int rows, int p, const Term<Bfloat16, T, P, TO...> &term) {
    const Bfloat16 *row = term.rows[first], *panel = term.weights.panel(p);
    const int64_t apart = first + 1 < rows ? term.rows[first + 1] - row : 0;
    for (int k = 0; k < term.weights.rows; k += TILE_DEEP, panel += TILE_DEEP * P * W) {
        tile_load<6>(row + k, 2 * apart);
        int v = 0;
        ((tile_load<7>(panel + 2 * W * v++, 4 * P * W), tile_dot<TO, 6, 7>()), ...);
    }
}

template <int V, class Init, class Each, class... Terms, int... VS>
void products_by_tiles(int p, int rows, Init init, Each each, std::integer_sequence<int, VS...>, const Terms &...terms) {
    static_assert(V <= 4 && W == 16);
    alignas(64) float found[V][TILE_ROWS][W];
    for (int first = 0; first < rows; first += TILE_ROWS) {
        (tile_zero<VS>(), ...);
        (multiply_tiles(first, rows, p, terms), ...);
        (tile_store<VS>(found[VS], sizeof found[VS][0]), ...);
        for (int r = first; r < std::min(first + TILE_ROWS, rows); r++) {
            Floats sums[V];
            init(r, sums);
            for (int v = 0; v < V; v++) sums[v] += load(found[v][r - first]);
            each(r, sums);
        }
    }
}
#endif

// For every row: init(row, sums) gives V sums their first values; to these the products with panel p are added; then
// each(row, sums).
template <int V, class Init, class Each, class N, class T, int P, int... TO, class... More>
inline void products(int p, int rows, Init init, Each each, const Term<N, T, P, TO...> &term, const More &...more) {
#if defined(RECURRA_TILES)
    if constexpr (std::is_same_v<N, Bfloat16>)
        return products_by_tiles<V>(p, rows, init, each, std::make_integer_sequence<int, V>{}, term, more...);
#endif
    // Whole numbers take two registers beside that of their sum.
    in_blocks<std::is_same_v<N, Fixed> ? ACCUMULATORS / V / 3 : ACCUMULATORS / V>(rows, [&](auto size, int first) {
        constexpr int R = decltype(size)::value;
        Floats sums[R][V];
        for (int r = 0; r < R; r++) init(first + r, sums[r]);
        multiply<false>(sums, first, p, term);
        (multiply<false>(sums, first, p, more), ...);
        for (int r = 0; r < R; r++) each(first + r, sums[r]);
    });
}

// The same for all panels: of(p) gives the `init` and `each` of panel p. A row that is alone goes through two panels at once: the
// sums of one panel are too few, and each multiplication would wait for the one before it.
template <int V, class Of, class N, class T, int P, int... TO, class... More>
void all_products(int panels, int rows, Of of, const Term<N, T, P, TO...> &term, const More &...more) {
#if defined(RECURRA_TILES)
    constexpr bool beside = !std::is_same_v<N, Bfloat16>;
#else
    constexpr bool beside = true;
#endif
    int p = 0;
    for (; beside && rows == 1 && p + 2 <= panels; p += 2) {
        const auto one = of(p), two = of(p + 1);
        Floats sums[2][V];
        one.first(0, sums[0]);
        two.first(0, sums[1]);
        multiply<true>(sums, 0, p, term);
        (multiply<true>(sums, 0, p, more), ...);
        one.second(0, sums[0]);
        two.second(0, sums[1]);
    }
    for (; p < panels; p++) {
        const auto those = of(p);
        products<V>(p, rows, those.first, those.second, term, more...);
    }
}

constexpr int WIDE = 4;  // vectors next to each other where a product has no gates to keep together

// Rows `first` to `first + sums` of a matrix. An input or a state times it are sums.
template <class T, class N = float, class S>
Packed<WIDE, T, N> pack_sums(const Matrix<S> &weights, int64_t first, int64_t sums) {
    return Packed<WIDE, T, N>(weights, panels_of(sums, WIDE * W), [=](int p, int v, int lane) {
        int64_t column = (int64_t(p) * WIDE + v) * W + lane;
        return column < sums ? first + column : int64_t(-1);
    });
}

// The sum of some products, `columns` numbers of each row of it: each(row, u, n, sum) for n of them from number u on.
template <class Each, class... Terms>
void wide_products(int rows, int64_t columns, Each each, const Terms &...terms) {
    const auto of = [&](int p) {
        const auto init = [](int, Floats(&sums)[WIDE]) { for (auto &sum : sums) sum = Floats{}; };
        return std::pair(init, [&each, columns, p](int r, const Floats(&sums)[WIDE]) {
            for (int v = 0; v < WIDE; v++) {
                const int64_t u = (int64_t(p) * WIDE + v) * W;
                if (u >= columns) break;
                each(r, u, int(std::min<int64_t>(W, columns - u)), sums[v]);
            }
        });
    };
    all_products<WIDE>(panels_of(columns, WIDE * W), rows, of, terms...);
}

template <class N, class T, class Each>
void wide_product(const Packed<WIDE, T, N> &weights, const N *const *from, int rows, int64_t columns, Each each) {
    if (weights.panels) wide_products(rows, columns, each, plain_term(from, weights));
}

// Two things to do with a sum.
template <class To>
auto put(To *const *to) {
    return [=](int r, int64_t u, int n, Floats sum) { store(to[r] + u, sum, n); };
}

template <class To>
auto add(To *const *to) {
    return [=](int r, int64_t u, int n, Floats sum) { store(to[r] + u, load(to[r] + u, n) + sum, n); };
}

template <class Each>
void for_units(int rows, int64_t units, Each each) {
    for (int r = 0; r < rows; r++)
        for (int64_t u = 0; u < units; u += W) each(r, u, int(std::min<int64_t>(W, units - u)));
}

}  // namespace recurra
