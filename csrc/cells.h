// One step forward of each cell, for a few rows at once, with weights packed for it: what a layer over time and a
// stream share. `step(at, rows)` reads x, h and c of each row, and writes gates, cells and output.
//
// The products with the input need not wait for the state. Where the weights do not fit the second-level cache, they are made
// `ahead`, for several steps at once, so that the weights are read from further away once for all of these: `project`
// leaves them where the gates will stand, and `step` goes on from there.
#pragma once

#include <vector>

#include "matrix.h"
#include "weights.h"

namespace recurra {

// Where the rows of one step are: `h` and `c` those of the state before it.
struct Step {
    std::vector<const float *> x, h;
    std::vector<float *> gates;   // (G*H,) after their nonlinearity; RNN: what was made ahead
    std::vector<float *> output;  // (H,)
    std::vector<float *> cells;   // (H,) LSTM: cell states; GRU after: W_hn h + b_hn; GRU before: r * h; RNN: not used
    std::vector<const float *> c;
    explicit Step(int rows) : x(rows), h(rows), gates(rows), output(rows), cells(rows), c(rows) {}
};

inline Floats bias_of(const float *bias, int64_t place, int n) { return bias ? load(bias + place, n) : Floats{}; }

// The gates of W units next to each other, G vectors wide.
template <int G, class T>
Packed<G, T> pack_gates(const Matrix<T> &weights, int64_t units, bool at_all = true) {
    return Packed<G, T>(weights, at_all ? panels_of(units, W) : 0, [=](int p, int v, int lane) {
        int64_t u = int64_t(p) * W + lane;
        return u < units ? v * units + u : int64_t(-1);
    });
}

// to[r] = W_ih x[r], without biases: (G*H,).
template <class T>
struct Ahead {
    Ahead(const CellWeights<T> &w, bool ahead) : sums(ahead ? gates_of(w.cell) * w.units : 0), input(pack_sums(w.w_ih, 0, sums)) {}
    void project(const float *const *x, int rows, float *const *to) const { wide_product(input, x, rows, sums, to, false); }
    explicit operator bool() const { return sums > 0; }
    const int64_t sums;
    const Packed<WIDE, T> input;
};

// For every W units and every block of rows: with(R, first row, panel, first unit, units).
template <int G, class With>
void for_blocks(int rows, int64_t units, With with) {
    for (int p = 0; p < panels_of(units, W); p++) {
        const int64_t u = int64_t(p) * W;
        const int n = int(std::min<int64_t>(W, units - u));
        in_blocks<ACCUMULATORS / G>(rows, [&](auto size, int first) { with(size, first, p, u, n); });
    }
}

template <class T>
struct RnnStep {
    explicit RnnStep(const CellWeights<T> &w, bool early = false)
        : w(w), ahead(w, early), input(pack_sums(w.w_ih, 0, early ? 0 : w.units)), state(pack_sums(w.w_hh, 0, w.units)) {}
    void step(const Step &at, int rows) const {
        for (int p = 0; p < state.panels; p++)
            in_blocks<ACCUMULATORS / WIDE>(rows, [&](auto size, int first) {
                constexpr int R = decltype(size)::value;
                Floats sums[R][WIDE];
                auto units_of = [&](int v) { return std::clamp<int64_t>(w.units - (p * WIDE + v) * W, 0, W); };
                for (int v = 0; v < WIDE; v++) {
                    const int64_t u = (p * WIDE + v) * W;
                    const int n = int(units_of(v));
                    Floats bias = n ? bias_of(w.b_ih, u, n) + bias_of(w.b_hh, u, n) : Floats{};
                    for (int r = 0; r < R; r++) sums[r][v] = ahead && n ? bias + load(at.gates[first + r] + u, n) : bias;
                }
                if (!ahead) add_product<R, WIDE>(sums, at.x.data() + first, input, p);
                add_product<R, WIDE>(sums, at.h.data() + first, state, p);
                for (int v = 0; v < WIDE && units_of(v); v++)
                    for (int r = 0; r < R; r++) {
                        Floats h = w.cell == Cell::rnn_tanh ? tanh(sums[r][v]) : sums[r][v] < 0.0f ? Floats{} : sums[r][v];
                        store(at.output[first + r] + (p * WIDE + v) * W, h, int(units_of(v)));
                    }
            });
    }
    CellWeights<T> w;
    Ahead<T> ahead;
    Packed<WIDE, T> input, state;
};

template <class T>
struct LstmStep {
    explicit LstmStep(const CellWeights<T> &w, bool early = false)
        : w(w), ahead(w, early), input(pack_gates<4>(w.w_ih, w.units, !early)), state(pack_gates<4>(w.w_hh, w.units)) {}
    void step(const Step &at, int rows) const {
        const int64_t H = w.units;
        for_blocks<4>(rows, H, [&](auto size, int first, int p, int64_t u, int n) {
            constexpr int R = decltype(size)::value;
            Floats sums[R][4];
            for (int g = 0; g < 4; g++) {
                const int64_t place = g * H + u;
                Floats bias = bias_of(w.b_ih, place, n) + bias_of(w.b_hh, place, n);
                for (int r = 0; r < R; r++) sums[r][g] = ahead ? bias + load(at.gates[first + r] + place, n) : bias;
            }
            if (!ahead) add_product<R, 4>(sums, at.x.data() + first, input, p);
            add_product<R, 4>(sums, at.h.data() + first, state, p);
            for (int r = 0; r < R; r++) {
                float *gates = at.gates[first + r];
                Floats in = sigmoid(sums[r][0]), forget = sigmoid(sums[r][1]);
                Floats candidate = tanh(sums[r][2]), out = sigmoid(sums[r][3]);
                Floats c = fma(forget, load(at.c[first + r] + u, n), in * candidate);
                store(gates + u, in, n);
                store(gates + H + u, forget, n);
                store(gates + 2 * H + u, candidate, n);
                store(gates + 3 * H + u, out, n);
                store(at.cells[first + r] + u, c, n);
                store(at.output[first + r] + u, out * tanh(c), n);
            }
        });
    }
    CellWeights<T> w;
    Ahead<T> ahead;
    Packed<4, T> input, state;
};

template <class T>
struct GruAfterStep {
    explicit GruAfterStep(const CellWeights<T> &w, bool early = false)
        : w(w), ahead(w, early), input(pack_gates<3>(w.w_ih, w.units, !early)), state(pack_gates<3>(w.w_hh, w.units)) {}
    void step(const Step &at, int rows) const {
        const int64_t H = w.units;
        for_blocks<3>(rows, H, [&](auto size, int first, int p, int64_t u, int n) {
            constexpr int R = decltype(size)::value;
            Floats sums[R][3];
            for (int g = 0; g < 3; g++) {
                const int64_t place = g * H + u;
                Floats bias = bias_of(w.b_ih, place, n);
                if (g < 2) bias += bias_of(w.b_hh, place, n);
                for (int r = 0; r < R; r++) sums[r][g] = ahead ? bias + load(at.gates[first + r] + place, n) : bias;
            }
            if (!ahead) add_product<R, 3>(sums, at.x.data() + first, input, p);
            for (int r = 0; r < R; r++) {  // of the candidate, the part of the state is summed by itself
                store(at.gates[first + r] + 2 * H + u, sums[r][2], n);
                sums[r][2] = bias_of(w.b_hh, 2 * H + u, n);
            }
            add_product<R, 3>(sums, at.h.data() + first, state, p);
            for (int r = 0; r < R; r++) {
                float *gates = at.gates[first + r];
                Floats reset = sigmoid(sums[r][0]), update = sigmoid(sums[r][1]);
                Floats candidate = tanh(fma(reset, sums[r][2], load(gates + 2 * H + u, n)));
                store(gates + u, reset, n);
                store(gates + H + u, update, n);
                store(gates + 2 * H + u, candidate, n);
                store(at.cells[first + r] + u, sums[r][2], n);
                Floats h = load(at.h[first + r] + u, n);
                store(at.output[first + r] + u, fma(update, h - candidate, candidate), n);
            }
        });
    }
    CellWeights<T> w;
    Ahead<T> ahead;
    Packed<3, T> input, state;
};

template <class T>
struct GruBeforeStep {
    explicit GruBeforeStep(const CellWeights<T> &w, bool early = false)
        : w(w), ahead(w, early), input(pack_sums(w.w_ih, 0, early ? 0 : 3 * w.units)), gates(pack_sums(w.w_hh, 0, 2 * w.units)),
          candidate(pack_sums(w.w_hh, 2 * w.units, w.units)) {}
    void step(const Step &at, int rows) const {
        const int64_t H = w.units;
        if (!ahead) wide_product(input, at.x.data(), rows, 3 * H, at.gates.data(), false);
        wide_product(gates, at.h.data(), rows, 2 * H, at.gates.data(), true);
        for_units(rows, H, [&](int r, int64_t u, int n) {
            float *gates = at.gates[r] + u;
            auto with_bias = [&](int64_t place) {
                return load(gates + place, n) + bias_of(w.b_ih, place + u, n) + bias_of(w.b_hh, place + u, n);
            };
            Floats reset = sigmoid(with_bias(0));
            store(gates, reset, n);
            store(gates + H, sigmoid(with_bias(H)), n);
            store(at.cells[r] + u, reset * load(at.h[r] + u, n), n);
        });
        std::vector<float *> sums(rows);
        for (int r = 0; r < rows; r++) sums[r] = at.gates[r] + 2 * H;
        wide_product(candidate, at.cells.data(), rows, H, sums.data(), true);
        for_units(rows, H, [&](int r, int64_t u, int n) {
            float *gates = at.gates[r] + u;
            Floats update = load(gates + H, n);
            const int64_t place = 2 * H + u;
            Floats n_ = tanh(load(gates + 2 * H, n) + bias_of(w.b_ih, place, n) + bias_of(w.b_hh, place, n));
            store(gates + 2 * H, n_, n);
            store(at.output[r] + u, fma(update, load(at.h[r] + u, n) - n_, n_), n);
        });
    }
    CellWeights<T> w;
    Ahead<T> ahead;
    Packed<WIDE, T> input, gates, candidate;
};

// Calls `with` with the type that steps the cell.
template <class T, class With>
void for_cell(Cell cell, With with) {
    switch (cell) {
        case Cell::rnn_tanh:
        case Cell::rnn_relu: return with(static_cast<RnnStep<T> *>(nullptr));
        case Cell::gru_after: return with(static_cast<GruAfterStep<T> *>(nullptr));
        case Cell::gru_before: return with(static_cast<GruBeforeStep<T> *>(nullptr));
        case Cell::lstm: return with(static_cast<LstmStep<T> *>(nullptr));
    }
}

}  // namespace recurra
