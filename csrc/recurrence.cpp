// See recurrence.h. Compiled once for each instruction set.
#include "recurrence.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <type_traits>
#include <vector>

#include "cells.h"
#include "matrix.h"
#include "outer.h"
#include "workers.h"

namespace recurra {
namespace {

// The rows of one thread, the longest first, so that those that still run are always the first ones.
class Rows {
  public:
    Rows(const Layer &layer, int part, int parts) : layer_(layer) {
        std::vector<int64_t> order(layer.rows);
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(),
                         [&](int64_t a, int64_t b) { return length_of(a) > length_of(b); });
        // Back and forth, so that every thread gets as many steps.
        for (int64_t k = 0; k < layer.rows; k++) {
            int64_t turn = k / parts, place = k % parts;
            if ((turn % 2 ? parts - 1 - place : place) == part) rows_.push_back(order[k]);
        }
    }
    int64_t length_of(int64_t row) const { return layer_.lengths ? layer_.lengths[row] : layer_.steps; }
    int64_t longest() const { return rows_.empty() ? 0 : length_of(rows_[0]); }
    int size() const { return int(rows_.size()); }
    int64_t operator[](int r) const { return rows_[r]; }
    // How many rows have a step number s.
    int active(int64_t s) const {
        int n = size();
        while (n > 0 && length_of(rows_[n - 1]) <= s) n--;
        return n;
    }
    // Where step number s of row r is in an array (T, B, width).
    size_t at(int r, int64_t s, int64_t width) const {
        int64_t t = layer_.reverse ? length_of(rows_[r]) - 1 - s : s;
        return (size_t(t) * layer_.rows + rows_[r]) * width;
    }

  private:
    const Layer &layer_;
    std::vector<int64_t> rows_;
};

void copy(float *to, const float *from, int64_t n) { std::copy_n(from, n, to); }

// Rows `first` to `first + sums` as they are: (sums, width). Gradients of sums times it are one of an input or a state.
Packed<WIDE> pack_gradients(const float *weights, int64_t width, int64_t first, int64_t sums) {
    return Packed<WIDE>(int(sums), panels_of(width, WIDE * W), [=](int k, int p, int v, int lane) {
        int64_t column = (int64_t(p) * WIDE + v) * W + lane;
        return column < width ? weights[(first + k) * width + column] : 0.0f;
    });
}

// Weights of more bytes do not fit the second-level cache.
constexpr int64_t LARGE = 3 << 20;
constexpr int ROWS_AHEAD = 256;  // rows of several steps whose products with the input are made at once

template <class CellStep>
void run_forward(const Forward &f) {
    const int64_t I = f.inputs, H = f.units, G = gates_of(f.cell);
    const bool early = G * H * (I + H) * int64_t(sizeof(float)) > LARGE;
    const CellStep cell({f.cell, I, H, {f.w_ih, nullptr, I}, {f.w_hh, nullptr, H}, f.b_ih, f.b_hh}, early);
    in_parallel(f.threads, [&](int part, int parts) {
        const Rows rows(f, part, parts);
        Step at(rows.size());
        const int64_t steps = early ? std::max(1, ROWS_AHEAD / std::max(1, rows.size())) : 1;
        const Buffer<float> scratch(f.gates ? 0 : size_t(steps) * rows.size() * G * H);
        auto gates = [&](int64_t s, int r) {
            return f.gates ? f.gates + rows.at(r, s, G * H) : scratch.get() + ((s % steps) * rows.size() + r) * G * H;
        };
        std::vector<const float *> x;
        std::vector<float *> sums;
        for (int r = 0; r < rows.size(); r++) {
            at.h[r] = f.h_before + rows[r] * H;
            at.c[r] = f.c_before ? f.c_before + rows[r] * H : nullptr;
        }
        for (int64_t s = 0; s < rows.longest(); s++) {
            if (early && s % steps == 0) {
                x.clear(), sums.clear();
                for (int64_t q = s; q < std::min(s + steps, rows.longest()); q++)
                    for (int r = 0; r < rows.active(q); r++) {
                        x.push_back(f.x + rows.at(r, q, I));
                        sums.push_back(gates(q, r));
                    }
                cell.ahead.project(x.data(), int(x.size()), sums.data());
            }
            const int n = rows.active(s);
            for (int r = 0; r < n; r++) {
                at.x[r] = f.x + rows.at(r, s, I);
                at.gates[r] = gates(s, r);
                at.output[r] = f.output + rows.at(r, s, H);
                at.cells[r] = f.cells ? f.cells + rows.at(r, s, H) : nullptr;
            }
            cell.step(at, n);
            for (int r = 0; r < n; r++) {
                at.h[r] = at.output[r];
                if (f.c_before) at.c[r] = at.cells[r];
            }
        }
        for (int r = 0; r < rows.size(); r++) {
            copy(f.h_after + rows[r] * H, at.h[r], H);
            if (f.c_before) copy(f.c_after + rows[r] * H, at.c[r], H);
            for (int64_t t = rows.length_of(rows[r]); t < f.steps; t++) {
                const size_t place = (size_t(t) * f.rows + rows[r]) * H;
                std::fill_n(f.output + place, H, 0.0f);
                if (f.cells) std::fill_n(f.cells + place, H, 0.0f);
                if (f.gates) std::fill_n(f.gates + G * place, G * H, 0.0f);
            }
        }
    });
}

// One step backward: what stands there, and `dh`, `dc` that come from the step after and go to the one before.
struct StepBack {
    std::vector<const float *> h, c, gates, cells, of_output;
    std::vector<float *> dh, dc, of_gates, of_recurrent;
    explicit StepBack(int n)
        : h(n), c(n), gates(n), cells(n), of_output(n), dh(n), dc(n), of_gates(n), of_recurrent(n) {}
    Floats total(int r, int64_t u, int n) const {
        Floats d = load(dh[r] + u, n);
        return of_output[r] ? d + load(of_output[r] + u, n) : d;
    }
    const float *const *gate_rows() const { return of_gates.data(); }
};

struct RnnBackward {
    explicit RnnBackward(const Backward &b) : b(b), weights(pack_gradients(b.w_hh, b.units, 0, b.units)) {}
    // The output is needed, not the gates.
    void step(const StepBack &at, const std::vector<const float *> &output, int rows) const {
        bool tanh_ = b.cell == Cell::rnn_tanh;
        for_units(rows, b.units, [&](int r, int64_t u, int n) {
            Floats h = load(output[r] + u, n), d = at.total(r, u, n);
            store(at.of_gates[r] + u, tanh_ ? d * (1.0f - h * h) : h > 0.0f ? d : Floats{}, n);
        });
        wide_product(weights, at.gate_rows(), rows, b.units, at.dh.data(), false);
    }
    const Backward &b;
    Packed<WIDE> weights;
};

struct LstmBackward {
    explicit LstmBackward(const Backward &b) : b(b), weights(pack_gradients(b.w_hh, b.units, 0, 4 * b.units)) {}
    void step(const StepBack &at, const std::vector<const float *> &, int rows) const {
        const int64_t H = b.units;
        for_units(rows, H, [&](int r, int64_t u, int n) {
            const float *gates = at.gates[r] + u;
            Floats in = load(gates, n), forget = load(gates + H, n);
            Floats candidate = load(gates + 2 * H, n), out = load(gates + 3 * H, n);
            Floats shown = tanh(load(at.cells[r] + u, n)), d = at.total(r, u, n);
            Floats dc = fma(d * out, 1.0f - shown * shown, load(at.dc[r] + u, n));
            float *to = at.of_gates[r] + u;
            store(to, dc * candidate * in * (1.0f - in), n);
            store(to + H, dc * load(at.c[r] + u, n) * forget * (1.0f - forget), n);
            store(to + 2 * H, dc * in * (1.0f - candidate * candidate), n);
            store(to + 3 * H, d * shown * out * (1.0f - out), n);
            store(at.dc[r] + u, dc * forget, n);
        });
        wide_product(weights, at.gate_rows(), rows, H, at.dh.data(), false);
    }
    const Backward &b;
    Packed<WIDE> weights;
};

struct GruAfterBackward {
    explicit GruAfterBackward(const Backward &b)
        : b(b), gates(pack_gradients(b.w_hh, b.units, 0, 2 * b.units)),
          candidate(pack_gradients(b.w_hh, b.units, 2 * b.units, b.units)) {}
    void step(const StepBack &at, const std::vector<const float *> &, int rows) const {
        const int64_t H = b.units;
        for_units(rows, H, [&](int r, int64_t u, int n) {
            const float *gates = at.gates[r] + u;
            Floats reset = load(gates, n), update = load(gates + H, n), n_ = load(gates + 2 * H, n);
            Floats d = at.total(r, u, n);
            Floats of_candidate = d * (1.0f - update) * (1.0f - n_ * n_);
            float *to = at.of_gates[r] + u;
            store(to, of_candidate * load(at.cells[r] + u, n) * reset * (1.0f - reset), n);
            store(to + H, d * (load(at.h[r] + u, n) - n_) * update * (1.0f - update), n);
            store(to + 2 * H, of_candidate, n);
            store(at.of_recurrent[r] + u, of_candidate * reset, n);
            store(at.dh[r] + u, d * update, n);
        });
        wide_product(gates, at.gate_rows(), rows, H, at.dh.data(), true);
        wide_product(candidate, at.of_recurrent.data(), rows, H, at.dh.data(), true);
    }
    const Backward &b;
    Packed<WIDE> gates, candidate;
};

struct GruBeforeBackward {
    explicit GruBeforeBackward(const Backward &b)
        : b(b), gates(pack_gradients(b.w_hh, b.units, 0, 2 * b.units)),
          candidate(pack_gradients(b.w_hh, b.units, 2 * b.units, b.units)) {}
    void step(const StepBack &at, const std::vector<const float *> &, int rows) const {
        const int64_t H = b.units;
        std::vector<const float *> of_candidate(rows);
        for (int r = 0; r < rows; r++) of_candidate[r] = at.of_gates[r] + 2 * H;
        for_units(rows, H, [&](int r, int64_t u, int n) {
            const float *gates = at.gates[r] + u;
            Floats update = load(gates + H, n), n_ = load(gates + 2 * H, n), d = at.total(r, u, n);
            float *to = at.of_gates[r] + u;
            store(to + H, d * (load(at.h[r] + u, n) - n_) * update * (1.0f - update), n);
            store(to + 2 * H, d * (1.0f - update) * (1.0f - n_ * n_), n);
            store(at.dh[r] + u, d * update, n);
        });
        // The gradient of r * h waits where that of the reset gate will stand.
        wide_product(candidate, of_candidate.data(), rows, H, at.of_gates.data(), false);
        for_units(rows, H, [&](int r, int64_t u, int n) {
            Floats reset = load(at.gates[r] + u, n), of_product = load(at.of_gates[r] + u, n);
            store(at.of_gates[r] + u, of_product * load(at.h[r] + u, n) * reset * (1.0f - reset), n);
            store(at.dh[r] + u, load(at.dh[r] + u, n) + of_product * reset, n);
        });
        wide_product(gates, at.gate_rows(), rows, H, at.dh.data(), true);
    }
    const Backward &b;
    Packed<WIDE> gates, candidate;
};

// Several steps backward of the rows of one thread, until they are enough for large products: the gradient of the input,
// and those of the weights, summed over all its blocks.
class Block {
  public:
    Block(const Backward &b, const Packed<WIDE> &input, int rows)
        : b_(b), input_(input), G_(gates_of(b.cell)), most_(most(b, rows)),
          of_gates_(most_, G_ * b.units), of_recurrent_(b.cell == Cell::gru_after ? most_ : 0, b.units),
          x_(b.of_w_ih ? most_ : 0, b.inputs), h_(b.of_w_ih ? most_ : 0, b.units),
          product_(b.of_w_ih && b.cell == Cell::gru_before ? most_ : 0, b.units), gate_rows_(most_), of_x_(most_),
          of_w_ih(b.of_w_ih ? G_ * b.units : 0, b.inputs), of_w_hh(b.of_w_ih ? G_ * b.units : 0, b.units),
          of_b_ih(G_ * b.units), of_recurrent_bias(b.units) {}

    // Makes place for a step of n rows.
    void make_place(int n) {
        if (count_ + n > most_) finish();
    }
    // Where the gradients of row r of the step go.
    float *of_gates(int r) const { return of_gates_.row(count_ + r); }
    float *of_recurrent(int r) const { return b_.cell == Cell::gru_after ? of_recurrent_.row(count_ + r) : nullptr; }
    // What row r of the step reads.
    void reads(int r, const float *x, const float *h, const float *cells, float *of_x) {
        const int k = count_ + r;
        gate_rows_[k] = of_gates_.row(k);
        of_x_[k] = of_x;
        if (!b_.of_w_ih) return;
        copy(x_.row(k), x, b_.inputs);
        copy(h_.row(k), h, b_.units);
        if (b_.cell == Cell::gru_before) copy(product_.row(k), cells, b_.units);
    }
    void made(int n) { count_ += n; }

    void finish() {
        const int64_t H = b_.units;
        if (b_.of_x) wide_product(input_, gate_rows_.data(), count_, b_.inputs, of_x_.data(), false);
        if (b_.of_w_ih) {
            of_w_ih.add(of_gates_, 0, G_ * H, 0, x_, count_);
            add_columns(of_gates_, count_, of_b_ih);
            of_w_hh.add(of_gates_, 0, (G_ == 3 ? 2 : G_) * H, 0, h_, count_);
            if (b_.cell == Cell::gru_before) of_w_hh.add(of_gates_, 2 * H, H, 2 * H, product_, count_);
            if (b_.cell == Cell::gru_after) {
                of_w_hh.add(of_recurrent_, 0, H, 2 * H, h_, count_);
                add_columns(of_recurrent_, count_, of_recurrent_bias);
            }
        }
        count_ = 0;
    }

  private:
    static constexpr int64_t NUMBERS = 131072;  // of gates' gradients that stay in the second-level cache
    // Rows of a block: a step of them all, and enough to be worth a visit to sums that are far away.
    static int64_t most(const Backward &b, int64_t rows) {
        const int64_t sums = gates_of(b.cell) * b.units;
        const int64_t least = OuterSum::is_far(sums, std::max(b.inputs, b.units)) ? OuterSum::DEEP_FAR : 64;
        return std::max(rows, std::clamp<int64_t>(NUMBERS / sums, least, 512));
    }

    const Backward &b_;
    const Packed<WIDE> &input_;
    const int64_t G_, most_;
    const Rowwise of_gates_, of_recurrent_, x_, h_, product_;
    std::vector<const float *> gate_rows_;
    std::vector<float *> of_x_;
    int count_ = 0;

  public:
    OuterSum of_w_ih, of_w_hh;
    std::vector<float> of_b_ih, of_recurrent_bias;
};

// Adds up what the threads have summed.
void add_up(const Backward &b, const std::vector<std::unique_ptr<Block>> &blocks) {
    const int64_t rows = gates_of(b.cell) * b.units;
    auto total = [&](auto number) {
        float sum = 0;
        for (auto &block : blocks) sum += number(*block);
        return sum;
    };
    in_parallel(rows * (b.inputs + b.units) > 100000 ? b.threads : 1, [&](int part, int parts) {
        for (int64_t i = part; i < rows; i += parts) {
            for (int64_t j = 0; j < b.inputs; j++)
                b.of_w_ih[i * b.inputs + j] = total([&](Block &block) { return block.of_w_ih.row(i)[j]; });
            for (int64_t j = 0; j < b.units; j++)
                b.of_w_hh[i * b.units + j] = total([&](Block &block) { return block.of_w_hh.row(i)[j]; });
            b.of_b_ih[i] = b.of_b_hh[i] = total([&](Block &block) { return block.of_b_ih[i]; });
            if (b.cell == Cell::gru_after && i >= 2 * b.units)
                b.of_b_hh[i] = total([&](Block &block) { return block.of_recurrent_bias[i - 2 * b.units]; });
        }
    });
}

template <class CellBackward>
void run_backward(const Backward &b) {
    const CellBackward cell(b);
    const int64_t I = b.inputs, H = b.units, G = gates_of(b.cell);
    const Packed<WIDE> input = pack_gradients(b.w_ih, I, 0, b.of_x ? G * H : 0);
    const bool lstm = b.cell == Cell::lstm;
    std::vector<std::unique_ptr<Block>> blocks(b.threads);
    in_parallel(b.threads, [&](int part, int parts) {
        const Rows rows(b, part, parts);
        StepBack at(rows.size());
        std::vector<const float *> output(rows.size());
        blocks[part] = std::make_unique<Block>(b, input, rows.size());
        Block &block = *blocks[part];
        for (int r = 0; r < rows.size(); r++) {
            const int64_t begin = rows[r] * H;
            at.dh[r] = b.of_h_before + begin;
            if (b.of_h_after) copy(at.dh[r], b.of_h_after + begin, H);
            else std::fill_n(at.dh[r], H, 0.0f);
            if (lstm) {
                at.dc[r] = b.of_c_before + begin;
                if (b.of_c_after) copy(at.dc[r], b.of_c_after + begin, H);
                else std::fill_n(at.dc[r], H, 0.0f);
            }
            for (int64_t t = rows.length_of(rows[r]); b.of_x && t < b.steps; t++)
                std::fill_n(b.of_x + (size_t(t) * b.rows + rows[r]) * I, I, 0.0f);
        }
        for (int64_t s = rows.longest() - 1; s >= 0; s--) {
            const int n = rows.active(s);
            block.make_place(n);
            for (int r = 0; r < n; r++) {
                at.gates[r] = b.gates ? b.gates + rows.at(r, s, G * H) : nullptr;
                at.of_gates[r] = block.of_gates(r);
                at.of_recurrent[r] = block.of_recurrent(r);
                at.of_output[r] = b.of_output ? b.of_output + rows.at(r, s, H) : nullptr;
                at.cells[r] = b.cells ? b.cells + rows.at(r, s, H) : nullptr;
                at.h[r] = s ? b.output + rows.at(r, s - 1, H) : b.h_before + rows[r] * H;
                if (lstm) at.c[r] = s ? b.cells + rows.at(r, s - 1, H) : b.c_before + rows[r] * H;
                output[r] = b.output + rows.at(r, s, H);
                const size_t input = rows.at(r, s, I);
                block.reads(r, b.x + input, at.h[r], at.cells[r], b.of_x ? b.of_x + input : nullptr);
            }
            cell.step(at, output, n);
            block.made(n);
        }
        block.finish();
    });
    if (b.of_w_ih) add_up(b, blocks);
}

}  // namespace

void forward(const Forward &f) {
    for_cell<float>(f.cell, [&](auto *cell) { run_forward<std::remove_pointer_t<decltype(cell)>>(f); });
}

void backward(const Backward &b) {
    switch (b.cell) {
        case Cell::rnn_tanh:
        case Cell::rnn_relu: return run_backward<RnnBackward>(b);
        case Cell::gru_after: return run_backward<GruAfterBackward>(b);
        case Cell::gru_before: return run_backward<GruBeforeBackward>(b);
        case Cell::lstm: return run_backward<LstmBackward>(b);
    }
}

}  // namespace recurra
