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
    template <class N>
    Rows(const Layer<N> &layer, int part, int parts)
        : lengths_(layer.lengths), steps_(layer.steps), all_(layer.rows), reverse_(layer.reverse) {
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
    int64_t length_of(int64_t row) const { return lengths_ ? lengths_[row] : steps_; }
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
        int64_t t = reverse_ ? length_of(rows_[r]) - 1 - s : s;
        return (size_t(t) * all_ + rows_[r]) * width;
    }

  private:
    const int64_t *lengths_;
    const int64_t steps_, all_;
    const bool reverse_;
    std::vector<int64_t> rows_;
};

template <class N>
void copy(N *to, const N *from, int64_t n) {
    std::copy_n(from, n, to);
}

// To the other number type: rounded, or as floats.
template <class To, class From>
void convert(To *to, const From *from, int64_t n) {
    for_units(1, n, [&](int, int64_t u, int some) { store(to + u, load(from + u, some), some); });
}

// Rows that are about to be multiplied. In bfloat16 they are copied to where products want them.
template <class N>
class Operand {
  public:
    static constexpr bool COPIES = std::is_same_v<N, Bfloat16>;
    // `masked`: take() will be given masks.
    Operand(int64_t rows, int64_t columns, bool masked = false) : rows_(COPIES || masked ? rows : 0, columns) {}
    // What stands at `from` as row k, times the mask where there is one.
    const N *take(int64_t k, const N *from, const float *mask = nullptr) const {
        if (!COPIES && !mask) return from;
        N *to = rows_.row(k);
        if (!mask) copy(to, from, rows_.columns);
        else
            for_units(1, rows_.columns, [&](int, int64_t u, int n) { store(to + u, load(from + u, n) * load(mask + u, n), n); });
        return to;
    }

  private:
    const Rowwise<N> rows_;
};

// Rows `first` to `first + sums` as they are: (sums, width). Gradients of sums times it are one of an input or a state.
template <class N>
Packed<WIDE, N, N> pack_gradients(const float *weights, int64_t width, int64_t first, int64_t sums) {
    return Packed<WIDE, N, N>(int(sums), panels_of(width, WIDE * W), [=](int k, int p, int v, int lane) {
        int64_t column = (int64_t(p) * WIDE + v) * W + lane;
        return column < width ? weights[(first + k) * width + column] : 0.0f;
    });
}

// Weights of more bytes do not fit the second-level cache.
constexpr int64_t LARGE = 3 << 20;
constexpr int ROWS_AHEAD = 256;  // rows of several steps whose products with the input are made at once

template <class N, class CellStep>
void run_forward(const Forward<N> &f) {
    const int64_t I = f.inputs, H = f.units, G = gates_of(f.cell);
    const bool early = G * H * (I + H) * int64_t(sizeof(N)) > LARGE, before = f.cell == Cell::gru_before;
    const CellStep cell({f.cell, I, H, {f.w_ih, nullptr, I}, {f.w_hh, nullptr, H}, f.b_ih, f.b_hh}, early);
    in_parallel(f.threads, [&](int part, int parts) {
        [[maybe_unused]] const Tiles tiles;
        const Rows rows(f, part, parts);
        Step<N> at(rows.size());
        const int64_t steps = early ? std::max(1, ROWS_AHEAD / std::max(1, rows.size())) : 1, many = steps * rows.size();
        const Buffer<float> sums(early || before ? size_t(many) * G * H : 0), c(f.c_before ? size_t(rows.size()) * H : 0);
        const Operand<N> x(many, I), seen(rows.size(), H, f.mask);
        const Rowwise<N> product(before ? rows.size() : 0, H);
        std::vector<const N *> xs;
        std::vector<float *> made;
        for (int r = 0; r < rows.size(); r++) {
            at.h[r] = f.h_before + rows[r] * H;
            if (f.c_before) convert(at.c[r] = c.get() + r * H, f.c_before + rows[r] * H, H);
            if (before) at.product[r] = product.row(r);
        }
        auto sums_of = [&](int64_t s, int r) { return sums.get() + ((s % steps) * rows.size() + r) * G * H; };
        for (int64_t s = 0; s < rows.longest(); s++) {
            if (early && s % steps == 0) {
                xs.clear(), made.clear();
                for (int64_t q = s; q < std::min(s + steps, rows.longest()); q++)
                    for (int r = 0; r < rows.active(q); r++) {
                        xs.push_back(x.take(int64_t(xs.size()), f.x + rows.at(r, q, I)));
                        made.push_back(sums_of(q, r));
                    }
                cell.ahead.project(xs.data(), int(xs.size()), made.data());
            }
            const int n = rows.active(s);
            for (int r = 0; r < n; r++) {
                if (!early) at.x[r] = x.take(r, f.x + rows.at(r, s, I));
                at.seen[r] = seen.take(r, at.h[r], f.mask ? f.mask + rows[r] * H : nullptr);
                if (early || before) at.sums[r] = sums_of(s, r);
                at.output[r] = f.output + rows.at(r, s, H);
                at.gates[r] = f.gates ? f.gates + rows.at(r, s, G * H) : nullptr;
                at.cells[r] = f.cells ? f.cells + rows.at(r, s, H) : nullptr;
            }
            cell.step(at, n);
            for (int r = 0; r < n; r++) at.h[r] = at.output[r];
        }
        for (int r = 0; r < rows.size(); r++) {
            copy(f.h_after + rows[r] * H, at.h[r], H);
            if (f.c_before) convert(f.c_after + rows[r] * H, at.c[r], H);
            for (int64_t t = rows.length_of(rows[r]); t < f.steps; t++) {
                const size_t place = (size_t(t) * f.rows + rows[r]) * H;
                std::fill_n(f.output + place, H, N{});
                if (f.cells) std::fill_n(f.cells + place, H, N{});
                if (f.gates) std::fill_n(f.gates + G * place, G * H, N{});
            }
        }
    });
}

// One step backward: what stands there, and `dh`, `dc` that come from the step after and go to the one before.
template <class N>
struct StepBack {
    std::vector<const N *> h, c, gates, cells, output, of_output;
    std::vector<const float *> mask;
    std::vector<float *> dh, dc;
    std::vector<N *> of_gates, of_recurrent;
    explicit StepBack(int n)
        : h(n), c(n), gates(n), cells(n), output(n), of_output(n), mask(n), dh(n), dc(n), of_gates(n), of_recurrent(n) {}
    Floats total(int r, int64_t u, int n) const {
        Floats d = load(dh[r] + u, n);
        return of_output[r] ? d + load(of_output[r] + u, n) : d;
    }
    // What a gradient of the state as the recurrent product sees it is for the state.
    Floats of_state(int r, int64_t u, int n, Floats of_seen) const {
        return mask[r] ? of_seen * load(mask[r] + u, n) : of_seen;
    }
    auto add_to_state() const {
        return [this](int r, int64_t u, int n, Floats sum) { store(dh[r] + u, load(dh[r] + u, n) + of_state(r, u, n, sum), n); };
    }
    auto put_to_state() const {
        return [this](int r, int64_t u, int n, Floats sum) { store(dh[r] + u, of_state(r, u, n, sum), n); };
    }
    const N *const *gate_rows() const { return of_gates.data(); }
};

template <class N>
struct RnnBackward {
    explicit RnnBackward(const Backward<N> &b) : b(b), weights(pack_gradients<N>(b.w_hh, b.units, 0, b.units)) {}
    void step(const StepBack<N> &at, int rows) const {
        bool tanh_ = b.cell == Cell::rnn_tanh;
        for_units(rows, b.units, [&](int r, int64_t u, int n) {
            Floats h = load(at.output[r] + u, n), d = at.total(r, u, n);
            store(at.of_gates[r] + u, tanh_ ? d * (1.0f - h * h) : h > 0.0f ? d : Floats{}, n);
        });
        wide_product(weights, at.gate_rows(), rows, b.units, at.put_to_state());
    }
    const Backward<N> &b;
    const Packed<WIDE, N, N> weights;
};

template <class N>
struct LstmBackward {
    explicit LstmBackward(const Backward<N> &b) : b(b), weights(pack_gradients<N>(b.w_hh, b.units, 0, 4 * b.units)) {}
    void step(const StepBack<N> &at, int rows) const {
        const int64_t H = b.units;
        for_units(rows, H, [&](int r, int64_t u, int n) {
            const N *gates = at.gates[r] + u;
            Floats in = load(gates, n), forget = load(gates + H, n);
            Floats candidate = load(gates + 2 * H, n), out = load(gates + 3 * H, n);
            Floats shown = tanh(load(at.cells[r] + u, n)), d = at.total(r, u, n);
            Floats dc = fma(d * out, 1.0f - shown * shown, load(at.dc[r] + u, n));
            N *to = at.of_gates[r] + u;
            store(to, dc * candidate * in * (1.0f - in), n);
            store(to + H, dc * load(at.c[r] + u, n) * forget * (1.0f - forget), n);
            store(to + 2 * H, dc * in * (1.0f - candidate * candidate), n);
            store(to + 3 * H, d * shown * out * (1.0f - out), n);
            store(at.dc[r] + u, dc * forget, n);
        });
        wide_product(weights, at.gate_rows(), rows, H, at.put_to_state());
    }
    const Backward<N> &b;
    const Packed<WIDE, N, N> weights;
};

template <class N>
struct GruAfterBackward {
    explicit GruAfterBackward(const Backward<N> &b)
        : b(b), gates(pack_gradients<N>(b.w_hh, b.units, 0, 2 * b.units)),
          candidate(pack_gradients<N>(b.w_hh, b.units, 2 * b.units, b.units)) {}
    void step(const StepBack<N> &at, int rows) const {
        const int64_t H = b.units;
        for_units(rows, H, [&](int r, int64_t u, int n) {
            const N *gates = at.gates[r] + u;
            Floats reset = load(gates, n), update = load(gates + H, n), n_ = load(gates + 2 * H, n);
            Floats d = at.total(r, u, n);
            Floats of_candidate = d * (1.0f - update) * (1.0f - n_ * n_);
            N *to = at.of_gates[r] + u;
            store(to, of_candidate * load(at.cells[r] + u, n) * reset * (1.0f - reset), n);
            store(to + H, d * (load(at.h[r] + u, n) - n_) * update * (1.0f - update), n);
            store(to + 2 * H, of_candidate, n);
            store(at.of_recurrent[r] + u, of_candidate * reset, n);
            store(at.dh[r] + u, d * update, n);
        });
        wide_products(rows, H, at.add_to_state(), plain_term(at.gate_rows(), gates),
                      plain_term<N>(at.of_recurrent.data(), candidate));
    }
    const Backward<N> &b;
    const Packed<WIDE, N, N> gates, candidate;
};

template <class N>
struct GruBeforeBackward {
    explicit GruBeforeBackward(const Backward<N> &b)
        : b(b), gates(pack_gradients<N>(b.w_hh, b.units, 0, 2 * b.units)),
          candidate(pack_gradients<N>(b.w_hh, b.units, 2 * b.units, b.units)) {}
    void step(const StepBack<N> &at, int rows) const {
        const int64_t H = b.units;
        std::vector<const N *> of_candidate(rows);
        for (int r = 0; r < rows; r++) of_candidate[r] = at.of_gates[r] + 2 * H;
        for_units(rows, H, [&](int r, int64_t u, int n) {
            const N *gates = at.gates[r] + u;
            Floats update = load(gates + H, n), n_ = load(gates + 2 * H, n), d = at.total(r, u, n);
            N *to = at.of_gates[r] + u;
            store(to + H, d * (load(at.h[r] + u, n) - n_) * update * (1.0f - update), n);
            store(to + 2 * H, d * (1.0f - update) * (1.0f - n_ * n_), n);
            store(at.dh[r] + u, d * update, n);
        });
        wide_product(candidate, of_candidate.data(), rows, H, [&](int r, int64_t u, int n, Floats of_product) {
            Floats reset = load(at.gates[r] + u, n), seen = at.of_state(r, u, n, load(at.h[r] + u, n));
            store(at.of_gates[r] + u, of_product * seen * reset * (1.0f - reset), n);
            store(at.dh[r] + u, load(at.dh[r] + u, n) + at.of_state(r, u, n, of_product * reset), n);
        });
        wide_product(gates, at.gate_rows(), rows, H, at.add_to_state());
    }
    const Backward<N> &b;
    const Packed<WIDE, N, N> gates, candidate;
};

// Several steps backward of the rows of one thread, until they are enough for large products: the gradient of the input,
// and those of the weights, summed over all its blocks.
template <class N>
class Block {
  public:
    Block(const Backward<N> &b, const Packed<WIDE, N, N> &input, int rows)
        : b_(b), input_(input), G_(gates_of(b.cell)), most_(most(b, rows)),
          of_gates_(most_, G_ * b.units), of_recurrent_(b.cell == Cell::gru_after ? most_ : 0, b.units),
          x_(b.of_w_ih ? most_ : 0, b.inputs), h_(b.of_w_ih ? most_ : 0, b.units),
          product_(b.of_w_ih && b.cell == Cell::gru_before ? most_ : 0, b.units), gate_rows_(most_), of_x_(most_),
          of_w_ih(b.of_w_ih ? G_ * b.units : 0, b.inputs, most_), of_w_hh(b.of_w_ih ? G_ * b.units : 0, b.units, most_),
          of_b_ih(G_ * b.units), of_recurrent_bias(b.units) {}

    // Makes place for a step of n rows.
    void make_place(int n) {
        if (count_ + n > most_) finish();
    }
    // Where the gradients of row r of the step go.
    N *of_gates(int r) const { return of_gates_.row(count_ + r); }
    N *of_recurrent(int r) const { return b_.cell == Cell::gru_after ? of_recurrent_.row(count_ + r) : nullptr; }
    // What row r of the step reads.
    void reads(int r, const N *x, const N *h, const float *mask, const N *cells, N *of_x) {
        const int k = count_ + r;
        gate_rows_[k] = of_gates_.row(k);
        of_x_[k] = of_x;
        if (!b_.of_w_ih) return;
        copy(x_.row(k), x, b_.inputs);
        if (!mask) copy(h_.row(k), h, b_.units);
        else
            for_units(1, b_.units, [&](int, int64_t u, int n) { store(h_.row(k) + u, load(h + u, n) * load(mask + u, n), n); });
        if (b_.cell == Cell::gru_before) copy(product_.row(k), cells, b_.units);
    }
    void made(int n) { count_ += n; }

    void finish() {
        const int64_t H = b_.units;
        if (b_.of_x) wide_product(input_, gate_rows_.data(), count_, b_.inputs, put(of_x_.data()));
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
    static constexpr int64_t BYTES = 1 << 19;  // of gates' gradients that stay in the second-level cache
    // Rows of a block: a step of them all, and enough to be worth a visit to sums that are far away.
    static int64_t most(const Backward<N> &b, int64_t rows) {
        const int64_t sums = gates_of(b.cell) * b.units;
        const int64_t least = is_far(sums, std::max(b.inputs, b.units)) ? DEEP_FAR : 64;
        return std::max(rows, std::clamp<int64_t>(BYTES / int64_t(sizeof(N)) / sums, least, 512));
    }

    const Backward<N> &b_;
    const Packed<WIDE, N, N> &input_;
    const int64_t G_, most_;
    const Rowwise<N> of_gates_, of_recurrent_, x_, h_, product_;
    std::vector<const N *> gate_rows_;
    std::vector<N *> of_x_;
    int count_ = 0;

  public:
    OuterSum<N> of_w_ih, of_w_hh;
    std::vector<float> of_b_ih, of_recurrent_bias;
};

// Adds up what the threads have summed.
template <class N>
void add_up(const Backward<N> &b, const std::vector<std::unique_ptr<Block<N>>> &blocks) {
    const int64_t rows = gates_of(b.cell) * b.units;
    auto total = [&](auto number) {
        float sum = 0;
        for (auto &block : blocks) sum += number(*block);
        return sum;
    };
    in_parallel(rows * (b.inputs + b.units) > 100000 ? b.threads : 1, [&](int part, int parts) {
        for (int64_t i = part; i < rows; i += parts) {
            for (int64_t j = 0; j < b.inputs; j++)
                b.of_w_ih[i * b.inputs + j] = total([&](Block<N> &block) { return block.of_w_ih.row(i)[j]; });
            for (int64_t j = 0; j < b.units; j++)
                b.of_w_hh[i * b.units + j] = total([&](Block<N> &block) { return block.of_w_hh.row(i)[j]; });
            b.of_b_ih[i] = b.of_b_hh[i] = total([&](Block<N> &block) { return block.of_b_ih[i]; });
            if (b.cell == Cell::gru_after && i >= 2 * b.units)
                b.of_b_hh[i] = total([&](Block<N> &block) { return block.of_recurrent_bias[i - 2 * b.units]; });
        }
    });
}

template <class N, class CellBackward>
void run_backward(const Backward<N> &b) {
    const CellBackward cell(b);
    const int64_t I = b.inputs, H = b.units, G = gates_of(b.cell);
    const Packed<WIDE, N, N> input = pack_gradients<N>(b.w_ih, I, 0, b.of_x ? G * H : 0);
    const bool lstm = b.cell == Cell::lstm;
    std::vector<std::unique_ptr<Block<N>>> blocks(b.threads);
    in_parallel(b.threads, [&](int part, int parts) {
        [[maybe_unused]] const Tiles tiles;
        const Rows rows(b, part, parts);
        StepBack<N> at(rows.size());
        const Buffer<float> of_states(size_t(lstm ? 2 : 1) * rows.size() * H);
        blocks[part] = std::make_unique<Block<N>>(b, input, rows.size());
        Block<N> &block = *blocks[part];
        auto begin = [&](float *to, const N *from, int r) {
            if (from) convert(to, from + rows[r] * H, H);
            else std::fill_n(to, H, 0.0f);
            return to;
        };
        for (int r = 0; r < rows.size(); r++) {
            at.dh[r] = begin(of_states.get() + r * H, b.of_h_after, r);
            if (lstm) at.dc[r] = begin(of_states.get() + (rows.size() + r) * H, b.of_c_after, r);
            at.mask[r] = b.mask ? b.mask + rows[r] * H : nullptr;
            for (int64_t t = rows.length_of(rows[r]); b.of_x && t < b.steps; t++)
                std::fill_n(b.of_x + (size_t(t) * b.rows + rows[r]) * I, I, N{});
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
                at.output[r] = b.output + rows.at(r, s, H);
                const size_t input = rows.at(r, s, I);
                block.reads(r, b.x + input, at.h[r], at.mask[r], at.cells[r], b.of_x ? b.of_x + input : nullptr);
            }
            cell.step(at, n);
            block.made(n);
        }
        block.finish();
        for (int r = 0; r < rows.size(); r++) {
            convert(b.of_h_before + rows[r] * H, at.dh[r], H);
            if (lstm) convert(b.of_c_before + rows[r] * H, at.dc[r], H);
        }
    });
    if (b.of_w_ih) add_up(b, blocks);
}

}  // namespace

template <class N>
void forward(const Forward<N> &f) {
    for_cell<N, N, float>(f.cell, [&](auto *cell) { run_forward<N, std::remove_pointer_t<decltype(cell)>>(f); });
}

template <class N>
void backward(const Backward<N> &b) {
    switch (b.cell) {
        case Cell::rnn_tanh:
        case Cell::rnn_relu: return run_backward<N, RnnBackward<N>>(b);
        case Cell::gru_after: return run_backward<N, GruAfterBackward<N>>(b);
        case Cell::gru_before: return run_backward<N, GruBeforeBackward<N>>(b);
        case Cell::lstm: return run_backward<N, LstmBackward<N>>(b);
    }
}

template void forward(const Forward<float> &);
template void forward(const Forward<Bfloat16> &);
template void backward(const Backward<float> &);
template void backward(const Backward<Bfloat16> &);

}  // namespace recurra
