// See stream.h. Compiled once for each instruction set.
#include "stream.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "cells.h"
#include "matrix.h"
#include "workers.h"

namespace recurra {

struct Chunk {
    explicit Chunk(int most) : at(most), step(most) {}
    // `numbers` of each row, the same memory at every step.
    float *scratch(Buffer<float> &buffer, size_t &size, size_t wanted) {
        if (size < wanted) buffer = Buffer<float>(size = wanted);
        return buffer.get();
    }
    int64_t first = 0;
    int n = 0;
    StreamInput in{};
    std::vector<const float *> at;  // what the stage before gave, for each row
    Step<float> step;
    FixedRows fixed;  // of what a head reads
    Buffer<float> sums, product;
    size_t sums_size = 0, product_size = 0;
};

namespace {

constexpr int MOST = 192;           // rows of a chunk: for each of them all weights are read once
constexpr int FEW = 48;             // the same where the weights are few: all numbers of its rows stay in the cache
constexpr int64_t MANY = 200000;    // weights of a network that are not few
constexpr int64_t WORTH = 4000000;  // multiplications that are worth a thread of their own

Buffer<float> zeros(size_t n) {
    Buffer<float> buffer(n);
    std::fill_n(buffer.get(), n, 0.0f);
    return buffer;
}

std::vector<float> kept(const float *from, int64_t n) {
    return from ? std::vector<float>(from, from + n) : std::vector<float>();
}

const float *there(const std::vector<float> &numbers) { return numbers.empty() ? nullptr : numbers.data(); }

class Numbers : public Stage {
  public:
    explicit Numbers(int64_t features) : Stage(features, 0) {}
    void step(Chunk &chunk) override {
        for (int r = 0; r < chunk.n; r++) chunk.at[r] = chunk.in.floats + (chunk.first + r) * width;
    }
};

class Scaling : public Stage {
  public:
    Scaling(int64_t rows, int64_t features, const double *means, const double *scales, const bool *marked, float bound)
        : Stage(features + std::count(marked, marked + features, true), 0), features_(features),
          means_(means, means + features), scales_(scales, scales + features), bound_(bound),
          output_(zeros(rows * width)) {
        for (int64_t k = 0; k < features; k++)
            if (marked[k]) marked_.push_back(k);
    }
    void check(const StreamInput &in, int64_t rows) const override {
        for (int64_t k = 0; k < rows * features_; k++)
            if (std::isinf(in.floats ? in.floats[k] : in.doubles[k]))
                throw std::invalid_argument("expected finite numbers or NaN for a missing one, found infinity in row " +
                                            std::to_string(k / features_) + ", feature " +
                                            std::to_string(k % features_));
    }
    void step(Chunk &chunk) override {
        for (int r = 0; r < chunk.n; r++) {
            const int64_t begin = (chunk.first + r) * features_;
            float *to = output_.get() + (chunk.first + r) * width;
            auto value = [&](int64_t k) { return chunk.in.floats ? chunk.in.floats[begin + k] : chunk.in.doubles[begin + k]; };
            for (int64_t k = 0; k < features_; k++) {
                // In halves, so that the difference of huge values does not overflow.
                const double scaled = (value(k) / 2 - means_[k] / 2) / (scales_[k] / 2);
                to[k] = std::isnan(scaled) ? 0.0f : float(std::clamp<double>(scaled, -bound_, bound_));
            }
            for (size_t k = 0; k < marked_.size(); k++) to[features_ + k] = std::isnan(value(marked_[k])) ? 1.0f : 0.0f;
            chunk.at[r] = to;
        }
    }

  private:
    const int64_t features_;
    const std::vector<double> means_, scales_;
    std::vector<int64_t> marked_;
    const float bound_;
    const Buffer<float> output_;
};

class Tokens : public Stage {
  public:
    Tokens(int64_t rows, int64_t vocabulary, int64_t width, const float *table, int64_t pairs, const int64_t *codes,
           const float *pair_table)
        : Stage(width, 0), vocabulary_(vocabulary), table_(table, table + vocabulary * width),
          codes_(codes, codes + (codes ? pairs : 0)), pair_table_(pair_table, pair_table + (codes ? pairs * width : 0)),
          before_(codes ? rows : 0), output_(codes ? rows * width : 0) {}
    void check(const StreamInput &in, int64_t rows) const override {
        for (int64_t r = 0; r < rows; r++)
            if (in.ids[r] < 0 || in.ids[r] >= vocabulary_)
                throw std::invalid_argument("expected ids from 0 to " + std::to_string(vocabulary_ - 1) + ", found " +
                                            std::to_string(in.ids[r]) + " in row " + std::to_string(r));
    }
    void step(Chunk &chunk) override {
        for (int r = 0; r < chunk.n; r++) {
            const int64_t row = chunk.first + r, id = chunk.in.ids[row];
            const float *vector = table_.data() + id * width;
            chunk.at[r] = vector;
            if (before_.empty()) continue;
            const int64_t code = before_[row] * vocabulary_ + id;
            before_[row] = id;
            const auto place = std::lower_bound(codes_.begin(), codes_.end(), code);
            if (place == codes_.end() || *place != code) continue;
            const float *pair = pair_table_.data() + (place - codes_.begin()) * width;
            float *to = output_.get() + row * width;
            for (int64_t k = 0; k < width; k++) to[k] = vector[k] + pair[k];
            chunk.at[r] = to;
        }
    }
    std::vector<StreamState> states() override {
        if (before_.empty()) return {};
        return {{nullptr, nullptr, before_.data(), 1}};
    }

  private:
    const int64_t vocabulary_;
    const std::vector<float> table_;
    const std::vector<int64_t> codes_;
    const std::vector<float> pair_table_;
    std::vector<int64_t> before_;
    const Buffer<float> output_;
};

template <class CellStep, class T>
class Recurrent : public Stage {
  public:
    Recurrent(int64_t rows, const CellWeights<T> &w)
        : Stage(w.units, gates_of(w.cell) * w.units * (w.inputs + w.units)),
          b_ih_(kept(w.b_ih, gates_of(w.cell) * w.units)), b_hh_(kept(w.b_hh, gates_of(w.cell) * w.units)),
          cell_({w.cell, w.inputs, w.units, w.w_ih, w.w_hh, there(b_ih_), there(b_hh_)}),
          h_(zeros(rows * w.units)), next_(zeros(rows * w.units)),
          c_(zeros(w.cell == Cell::lstm ? rows * w.units : 0)) {}
    void step(Chunk &chunk) override {
        const int64_t H = width, G = gates_of(cell_.w.cell);
        const bool before = cell_.w.cell == Cell::gru_before;
        Step<float> &at = chunk.step;
        float *sums = before ? chunk.scratch(chunk.sums, chunk.sums_size, size_t(MOST) * G * H) : nullptr;
        float *product = before ? chunk.scratch(chunk.product, chunk.product_size, size_t(MOST) * H) : nullptr;
        for (int r = 0; r < chunk.n; r++) {
            const int64_t row = (chunk.first + r) * H;
            at.x[r] = chunk.at[r];
            at.h[r] = at.seen[r] = h_.get() + row;
            at.c[r] = G == 4 ? c_.get() + row : nullptr;
            chunk.at[r] = at.output[r] = next_.get() + row;
            at.sums[r] = before ? sums + r * G * H : nullptr;
            at.product[r] = before ? product + r * H : nullptr;
        }
        cell_.step(at, chunk.n);
    }
    void turn() override { std::swap(h_, next_); }
    std::vector<StreamState> states() override {
        std::vector<StreamState> found{{h_.get(), nullptr, nullptr, width}};
        if (cell_.w.cell == Cell::lstm) found.push_back({c_.get(), nullptr, nullptr, width});
        return found;
    }

  private:
    const std::vector<float> b_ih_, b_hh_;
    const CellStep cell_;
    Buffer<float> h_, next_, c_;
};

// Each kind's numbers next to each other, in the order asked for. The mean is carried in 64 bits: in 32 it stands still
// after some ten millions of steps, each of which would move it by less than its last digit.
class Pooling : public Stage {
  public:
    Pooling(int64_t rows, int64_t features, const std::vector<PoolingKind> &kinds)
        : Stage(features * kinds.size(), 0), features_(features), kinds_(kinds), steps_(rows),
          mean_(rows * features), output_(zeros(rows * width)), max_(zeros(rows * features)) {}
    void step(Chunk &chunk) override {
        for (int r = 0; r < chunk.n; r++) {
            const int64_t row = chunk.first + r;
            const float *from = chunk.at[r];
            const double steps = double(++steps_[row]);
            double *mean = mean_.data() + row * features_;
            float *most = max_.get() + row * features_;
            float *to = output_.get() + row * width;
            for (auto kind : kinds_) {
                for (int64_t k = 0; k < features_; k++)
                    if (kind == PoolingKind::last) to[k] = from[k];
                    else if (kind == PoolingKind::mean) to[k] = float(mean[k] += (from[k] - mean[k]) / steps);
                    else to[k] = most[k] = steps > 1 ? std::max(most[k], from[k]) : from[k];
                to += features_;
            }
            chunk.at[r] = output_.get() + row * width;
        }
    }
    std::vector<StreamState> states() override {
        return {{nullptr, nullptr, steps_.data(), 1},
                {nullptr, mean_.data(), nullptr, features_},
                {max_.get(), nullptr, nullptr, features_}};
    }

  private:
    const int64_t features_;
    const std::vector<PoolingKind> kinds_;
    std::vector<int64_t> steps_;
    std::vector<double> mean_;
    const Buffer<float> output_, max_;
};

template <class T>
class Affine : public Stage {
  public:
    Affine(int64_t rows, int64_t outputs, const Matrix<T> &weights, const float *bias, bool relu)
        : Stage(outputs, outputs * weights.columns), bias_(kept(bias, outputs)), relu_(relu),
          inputs_(weights.columns), weights_(pack_sums<T, Read<float, T>>(weights, 0, outputs)),
          output_(zeros(rows * outputs)), places_(rows) {
        for (int64_t r = 0; r < rows; r++) places_[r] = output_.get() + r * outputs;
    }
    void step(Chunk &chunk) override {
        float *const *to = places_.data() + chunk.first;
        wide_product(weights_, read<T>(chunk.at.data(), chunk.n, inputs_, chunk.fixed), chunk.n, width, put(to));
        for_units(chunk.n, width, [&](int r, int64_t u, int n) {
            Floats sum = load(to[r] + u, n) + bias_of(there(bias_), u, n);
            store(to[r] + u, relu_ ? max(sum, Floats{}) : sum, n);
        });
        for (int r = 0; r < chunk.n; r++) chunk.at[r] = to[r];
    }

  private:
    const std::vector<float> bias_;
    const bool relu_;
    const int64_t inputs_;
    const Packed<WIDE, T, Read<float, T>> weights_;
    const Buffer<float> output_;
    std::vector<float *> places_;
};

class Probabilities : public Stage {
  public:
    Probabilities(int64_t rows, int64_t width, bool several)
        : Stage(width, 0), several_(several), output_(zeros(rows * width)) {}
    void step(Chunk &chunk) override {
        for (int r = 0; r < chunk.n; r++) {
            const float *from = chunk.at[r];
            float *to = output_.get() + (chunk.first + r) * width;
            const Floats highest = splat(several_ ? 0.0f : *std::max_element(from, from + width));
            for_units(1, width, [&](int, int64_t u, int n) {
                Floats x = load(from + u, n);
                store(to + u, several_ ? sigmoid(x) : exp(x - highest), n);
            });
            if (!several_) {
                double sum = 0;
                for (int64_t k = 0; k < width; k++) sum += to[k];
                for (int64_t k = 0; k < width; k++) to[k] = float(to[k] / sum);
            }
            chunk.at[r] = to;
        }
    }

  private:
    const bool several_;
    const Buffer<float> output_;
};

}  // namespace

Stream::Stream(int64_t rows, int threads) : rows_(rows), threads_(threads) {}
Stream::~Stream() = default;

void Stream::add(std::unique_ptr<Stage> stage) { stages_.push_back(std::move(stage)); }

void Stream::numbers(int64_t features) {
    inputs_ = features;
    add(std::make_unique<Numbers>(features));
}

void Stream::scaling(int64_t features, const double *means, const double *scales, const bool *marked, float bound) {
    inputs_ = features;
    reads_doubles_ = true;
    add(std::make_unique<Scaling>(rows_, features, means, scales, marked, bound));
}

void Stream::tokens(int64_t vocabulary, int64_t width, const float *table, int64_t pairs, const int64_t *codes,
                    const float *pair_table) {
    inputs_ = 1;
    reads_ids_ = true;
    add(std::make_unique<Tokens>(rows_, vocabulary, width, table, pairs, codes, pair_table));
}

template <class T>
void Stream::recurrent(const CellWeights<T> &weights) {
    for_cell<float, T, T>(weights.cell, [&](auto *cell) {
        add(std::make_unique<Recurrent<std::remove_pointer_t<decltype(cell)>, T>>(rows_, weights));
    });
}

void Stream::pooling(const std::vector<PoolingKind> &kinds) { add(std::make_unique<Pooling>(rows_, width(), kinds)); }

template <class T>
void Stream::affine(int64_t outputs, const Matrix<T> &weights, const float *bias, bool relu) {
    add(std::make_unique<Affine<T>>(rows_, outputs, weights, bias, relu));
}

void Stream::probabilities(bool several) { add(std::make_unique<Probabilities>(rows_, width(), several)); }

template void Stream::recurrent(const CellWeights<float> &);
template void Stream::recurrent(const CellWeights<Bfloat16> &);
template void Stream::recurrent(const CellWeights<int8_t> &);
template void Stream::affine(int64_t, const Matrix<float> &, const float *, bool);
template void Stream::affine(int64_t, const Matrix<Bfloat16> &, const float *, bool);
template void Stream::affine(int64_t, const Matrix<int8_t> &, const float *, bool);

std::vector<StreamState> Stream::states() {
    std::vector<StreamState> found;
    for (auto &stage : stages_)
        for (auto &state : stage->states()) found.push_back(state);
    return found;
}

int64_t Stream::work() const {
    int64_t sum = 0;
    for (auto &stage : stages_) sum += stage->products;
    return sum * rows_;
}

int Stream::at_once() const { return work() / rows_ > MANY ? MOST : FEW; }

bool Stream::long_step() const { return work() > WORTH / 4; }

int Stream::parts() const {
    const int64_t chunks = (rows_ + at_once() - 1) / at_once();
    return int(std::max<int64_t>(1, std::min<int64_t>({threads_, chunks, work() / WORTH})));
}

void Stream::step(const StreamInput &in, float *out) {
    stages_.front()->check(in, rows_);
    const int wanted = parts(), most = at_once();
    while (int(chunks_.size()) < wanted) chunks_.emplace_back(int(std::min<int64_t>(most, rows_)));
    in_parallel(wanted, [&](int part, int parts) {
        Chunk &chunk = chunks_[part];
        chunk.in = in;
        for (int64_t first = int64_t(part) * most; first < rows_; first += int64_t(parts) * most) {
            chunk.first = first;
            chunk.n = int(std::min<int64_t>(most, rows_ - first));
            for (auto &stage : stages_) stage->step(chunk);
            for (int r = 0; r < chunk.n; r++) std::copy_n(chunk.at[r], width(), out + (first + r) * width());
        }
    });
    for (auto &stage : stages_) stage->turn();
}

Stream::Hold::Hold(Stream &stream) : stream_(stream) {
    if (stream_.busy_.test_and_set(std::memory_order_acquire))
        throw std::runtime_error("this stream is being stepped by another thread");
}

}  // namespace recurra
