// One step forward of each cell, for a few rows at once, with weights packed for it: what a layer over time and a
// stream share. `step(at, rows)` reads x, h and c of each row, and writes c, output and, where they are to be kept, gates and
// cells.
//
// N is the number type of what goes in and comes out, T that of the packed weights; sums, biases and a LSTM's c are floats.
//
// The products with the input need not wait for the state. Where the weights do not fit the second-level cache, they are made
// `ahead`, for several steps at once, so that the weights are read from further away once for all of these: `project`
// leaves them in `sums`, and `step` goes on from there.
#pragma once

#include <array>
#include <vector>

#include "matrix.h"
#include "weights.h"

namespace recurra {

// Where the rows of one step are.
template <class N>
struct Step {
    std::vector<const N *> x, h;  // (I,), and (H,) the state before
    std::vector<const N *> seen;  // (H,) the same as the recurrent product sees it: some units of it may be hidden
    std::vector<float *> c;       // (H,) of a LSTM: the cell state before, then the one after
    std::vector<N *> output;      // (H,)
    std::vector<N *> gates;       // (G*H,) after their nonlinearity, or null
    std::vector<N *> cells;       // (H,) LSTM: cell state; GRU after: W_hn h + b_hn; GRU before: r * seen; or null
    std::vector<float *> sums;    // (G*H,) what was made ahead; GRU before: used in any case
    std::vector<N *> product;     // (H,) GRU before: a place for r * seen
    explicit Step(int rows)
        : x(rows), h(rows), seen(rows), c(rows), output(rows), gates(rows), cells(rows), sums(rows), product(rows) {}

    // Rows as products with weights of T read them.
    template <class T>
    auto read_x(int rows, int64_t inputs) const { return read<T>(x.data(), rows, inputs, fixed_x_); }
    template <class T>
    auto read_seen(int rows, int64_t units) const { return read<T>(seen.data(), rows, units, fixed_state_); }
    template <class T>
    auto read_product(int rows, int64_t units) const { return read<T>(product.data(), rows, units, fixed_state_); }

    // Number v of W for unit u of the gates, where they are kept.
    template <class... Values>
    void keep_gates(int r, int64_t u, int n, int64_t units, Values... values) const {
        if (!gates[r]) return;
        N *to = gates[r] + u;
        ((store(to, values, n), to += units), ...);
    }
    void keep_cell(int r, int64_t u, int n, Floats value) const {
        if (cells[r]) store(cells[r] + u, value, n);
    }

  private:
    mutable FixedRows fixed_x_, fixed_state_;
};

inline Floats bias_of(const float *bias, int64_t place, int n) { return bias ? load(bias + place, n) : Floats{}; }

// The gates of W units next to each other, G vectors wide.
template <int G, class T, class N, class S>
Packed<G, T, Read<N, T>> pack_gates(const Matrix<S> &weights, int64_t units, bool at_all = true) {
    return Packed<G, T, Read<N, T>>(weights, at_all ? panels_of(units, W) : 0, [=](int p, int v, int lane) {
        int64_t u = int64_t(p) * W + lane;
        return u < units ? v * units + u : int64_t(-1);
    });
}

// to[r] = W_ih x[r], without biases: (G*H,).
template <class N, class T>
struct Ahead {
    template <class S>
    Ahead(const CellWeights<S> &w, bool ahead)
        : sums(ahead ? gates_of(w.cell) * w.units : 0), input(pack_sums<T, Read<N, T>>(w.w_ih, 0, sums)) {}
    void project(const N *const *x, int rows, float *const *to) const {
        static_assert(std::is_same_v<Read<N, T>, N>);
        wide_product(input, x, rows, sums, put(to));
    }
    explicit operator bool() const { return sums > 0; }
    const int64_t sums;
    const Packed<WIDE, T, Read<N, T>> input;
};

// What every cell's step has: S is the number type that the weights come in.
template <class N, class T, class S>
struct CellStep {
    CellStep(const CellWeights<S> &w, bool early) : w(w), ahead(w, early) {}
    // b_ih + b_hh of W units of a gate.
    Floats bias(int64_t place, int n) const { return bias_of(w.b_ih, place, n) + bias_of(w.b_hh, place, n); }
    // The first value of a sum: its bias, and what was made ahead.
    Floats first(const Step<N> &at, int r, int64_t place, int n, Floats bias) const {
        return ahead ? bias + load(at.sums[r] + place, n) : bias;
    }
    const CellWeights<S> w;
    const Ahead<N, T> ahead;
};

template <class N, class T, class S>
struct RnnStep : CellStep<N, T, S> {
    explicit RnnStep(const CellWeights<S> &w, bool early = false)
        : CellStep<N, T, S>(w, early), input(pack_sums<T, Read<N, T>>(w.w_ih, 0, early ? 0 : w.units)),
          state(pack_sums<T, Read<N, T>>(w.w_hh, 0, w.units)) {}
    void step(const Step<N> &at, int rows) const {
        const int64_t H = this->w.units;
        const bool is_tanh = this->w.cell == Cell::rnn_tanh;
        const auto by_input = plain_term(at.template read_x<T>(this->ahead ? 0 : rows, this->w.inputs), input);
        const auto by_state = plain_term(at.template read_seen<T>(rows, H), state);
        const auto of = [&, this](int p) {
            const auto units_of = [=](int v) { return int(std::clamp<int64_t>(H - (p * WIDE + v) * W, 0, W)); };
            std::array<Floats, WIDE> bias;
            for (int v = 0; v < WIDE; v++) bias[v] = units_of(v) ? this->bias((p * WIDE + v) * W, units_of(v)) : Floats{};
            const auto init = [=, &at](int r, Floats(&sums)[WIDE]) {
                for (int v = 0; v < WIDE; v++)
                    sums[v] = units_of(v) ? this->first(at, r, (p * WIDE + v) * W, units_of(v), bias[v]) : Floats{};
            };
            const auto each = [=, &at](int r, const Floats(&sums)[WIDE]) {
                for (int v = 0; v < WIDE && units_of(v); v++) {
                    Floats h = is_tanh ? tanh(sums[v]) : sums[v] < 0.0f ? Floats{} : sums[v];
                    store(at.output[r] + (p * WIDE + v) * W, h, units_of(v));
                }
            };
            return std::pair(init, each);
        };
        if (this->ahead) all_products<WIDE>(state.panels, rows, of, by_state);
        else all_products<WIDE>(state.panels, rows, of, by_input, by_state);
    }
    const Packed<WIDE, T, Read<N, T>> input, state;
};

template <class N, class T, class S>
struct LstmStep : CellStep<N, T, S> {
    explicit LstmStep(const CellWeights<S> &w, bool early = false)
        : CellStep<N, T, S>(w, early), input(pack_gates<4, T, N>(w.w_ih, w.units, !early)),
          state(pack_gates<4, T, N>(w.w_hh, w.units)) {}
    void step(const Step<N> &at, int rows) const {
        const int64_t H = this->w.units;
        const auto by_input = plain_term(at.template read_x<T>(this->ahead ? 0 : rows, this->w.inputs), input);
        const auto by_state = plain_term(at.template read_seen<T>(rows, H), state);
        const auto of = [&, this](int p) {
            const int64_t u = int64_t(p) * W;
            const int n = int(std::min<int64_t>(W, H - u));
            std::array<Floats, 4> bias;
            for (int g = 0; g < 4; g++) bias[g] = this->bias(g * H + u, n);
            const auto init = [=, &at](int r, Floats(&sums)[4]) {
                for (int g = 0; g < 4; g++) sums[g] = this->first(at, r, g * H + u, n, bias[g]);
            };
            const auto each = [=, &at](int r, const Floats(&sums)[4]) {
                Floats in = sigmoid(sums[0]), forget = sigmoid(sums[1]), candidate = tanh(sums[2]), out = sigmoid(sums[3]);
                Floats c = fma(forget, load(at.c[r] + u, n), in * candidate);
                store(at.c[r] + u, c, n);
                at.keep_gates(r, u, n, H, in, forget, candidate, out);
                at.keep_cell(r, u, n, c);
                store(at.output[r] + u, out * tanh(c), n);
            };
            return std::pair(init, each);
        };
        if (this->ahead) all_products<4>(state.panels, rows, of, by_state);
        else all_products<4>(state.panels, rows, of, by_input, by_state);
    }
    const Packed<4, T, Read<N, T>> input, state;
};

template <class N, class T, class S>
struct GruAfterStep : CellStep<N, T, S> {
    explicit GruAfterStep(const CellWeights<S> &w, bool early = false)
        : CellStep<N, T, S>(w, early), input(pack_gates<3, T, N>(w.w_ih, w.units, !early)),
          state(pack_gates<3, T, N>(w.w_hh, w.units)) {}
    void step(const Step<N> &at, int rows) const {
        const int64_t H = this->w.units;
        const auto by_input = term<0, 1, 2>(at.template read_x<T>(this->ahead ? 0 : rows, this->w.inputs), input);
        const auto by_state = term<0, 1, 3>(at.template read_seen<T>(rows, H), state);
        const auto of = [&, this](int p) {
            const int64_t u = int64_t(p) * W;
            const int n = int(std::min<int64_t>(W, H - u));
            // r, z, and of n what comes from the input and what from the state.
            const std::array<Floats, 4> bias{this->bias(u, n), this->bias(H + u, n), bias_of(this->w.b_ih, 2 * H + u, n),
                                    bias_of(this->w.b_hh, 2 * H + u, n)};
            const auto init = [=, &at](int r, Floats(&sums)[4]) {
                for (int g = 0; g < 3; g++) sums[g] = this->first(at, r, g * H + u, n, bias[g]);
                sums[3] = bias[3];
            };
            const auto each = [=, &at](int r, const Floats(&sums)[4]) {
                Floats reset = sigmoid(sums[0]), update = sigmoid(sums[1]);
                Floats candidate = tanh(fma(reset, sums[3], sums[2]));
                at.keep_gates(r, u, n, H, reset, update, candidate);
                at.keep_cell(r, u, n, sums[3]);
                store(at.output[r] + u, fma(update, load(at.h[r] + u, n) - candidate, candidate), n);
            };
            return std::pair(init, each);
        };
        if (this->ahead) all_products<4>(state.panels, rows, of, by_state);
        else all_products<4>(state.panels, rows, of, by_input, by_state);
    }
    const Packed<3, T, Read<N, T>> input, state;
};

template <class N, class T, class S>
struct GruBeforeStep : CellStep<N, T, S> {
    explicit GruBeforeStep(const CellWeights<S> &w, bool early = false)
        : CellStep<N, T, S>(w, early), input(pack_sums<T, Read<N, T>>(w.w_ih, 0, early ? 0 : 3 * w.units)),
          gates(pack_sums<T, Read<N, T>>(w.w_hh, 0, 2 * w.units)), candidate(pack_sums<T, Read<N, T>>(w.w_hh, 2 * w.units, w.units)) {}
    void step(const Step<N> &at, int rows) const {
        const int64_t H = this->w.units;
        if (!this->ahead) wide_product(input, at.template read_x<T>(rows, this->w.inputs), rows, 3 * H, put(at.sums.data()));
        wide_product(gates, at.template read_seen<T>(rows, H), rows, 2 * H, add(at.sums.data()));
        for_units(rows, H, [&](int r, int64_t u, int n) {
            Floats reset = sigmoid(load(at.sums[r] + u, n) + this->bias(u, n));
            Floats product = reset * load(at.seen[r] + u, n);
            store(at.product[r] + u, product, n);
            if (at.gates[r]) store(at.gates[r] + u, reset, n);
            at.keep_cell(r, u, n, product);
        });
        wide_product(candidate, at.template read_product<T>(rows, H), rows, H, [&](int r, int64_t u, int n, Floats sum) {
            const float *sums = at.sums[r] + u;
            Floats update = sigmoid(load(sums + H, n) + this->bias(H + u, n));
            Floats n_ = tanh(sum + load(sums + 2 * H, n) + this->bias(2 * H + u, n));
            if (at.gates[r]) {
                store(at.gates[r] + H + u, update, n);
                store(at.gates[r] + 2 * H + u, n_, n);
            }
            store(at.output[r] + u, fma(update, load(at.h[r] + u, n) - n_, n_), n);
        });
    }
    const Packed<WIDE, T, Read<N, T>> input, gates, candidate;
};

// Calls `with` with the type that steps the cell: rows of N, weights packed as T from those of S.
template <class N, class T, class S, class With>
void for_cell(Cell cell, With with) {
    switch (cell) {
        case Cell::rnn_tanh:
        case Cell::rnn_relu: return with(static_cast<RnnStep<N, T, S> *>(nullptr));
        case Cell::gru_after: return with(static_cast<GruAfterStep<N, T, S> *>(nullptr));
        case Cell::gru_before: return with(static_cast<GruBeforeStep<N, T, S> *>(nullptr));
        case Cell::lstm: return with(static_cast<LstmStep<N, T, S> *>(nullptr));
    }
}

}  // namespace recurra
