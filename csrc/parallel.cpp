// See parallel.h. Compiled once for each instruction set.
#include "parallel.h"

#include <algorithm>
#include <vector>

#include "vector.h"
#include "workers.h"

namespace recurra {
namespace {

constexpr int64_t UNITS = 4 * W;     // units that one thread takes at a time
constexpr int64_t WORTH = 1 << 15;   // numbers that are worth a thread of their own

// W units of a step: share of the old state, share of the candidate, and the candidate.
struct Shares {
    Floats kept, let_in, candidate;
};

// z = sigmoid(l): shares 1 - z and z.
struct MinGru {
    static constexpr int G = 2;
    explicit MinGru(const float *at, int64_t units, int n)
        : shares{sigmoid(-load(at, n)), sigmoid(load(at, n)), load(at + units, n)} {}
    // `of` the gradient of h, `before` the state before it.
    void back(float *to, int64_t units, int n, Floats of, Floats before) const {
        store(to, of * (shares.candidate - before) * shares.let_in * shares.kept, n);
        store(to + units, of * shares.let_in, n);
    }
    const Shares shares;
};

// Shares f / (f + i) and i / (f + i) of sigmoids, by what these divide by: right where both are next to 0. That is over
// the largest of its terms, 1 and e^-l of either logit, so that no exponential is out of range.
struct MinLstm {
    static constexpr int G = 3;
    explicit MinLstm(const float *at, int64_t units, int n)
        : MinLstm(-load(at, n), -load(at + units, n), load(at + 2 * units, n)) {}
    void back(float *to, int64_t units, int n, Floats of, Floats before) const {
        const Floats of_logit = of * (before - shares.candidate) * shares.kept * shares.let_in;
        store(to, -of_logit * (of_i / (one + of_i)), n);
        store(to + units, of_logit * (of_f / (one + of_f)), n);
        store(to + 2 * units, of * shares.let_in, n);
    }

  private:
    MinLstm(Floats i, Floats f, Floats candidate)
        : largest(max(max(i, f), Floats{})), one(exp(-largest)), of_i(exp(i - largest)), of_f(exp(f - largest)),
          sum(2.0f * one + of_i + of_f), shares{(one + of_i) / sum, (one + of_f) / sum, candidate} {}
    const Floats largest, one, of_i, of_f, sum;

  public:
    const Shares shares;
};

// Some units of a row.
struct Part {
    int64_t row, first, last, length;
};

// Calls `with(parts)` in threads, each with parts of its own that stand next to each other at every step.
template <class With>
void in_threads(const ParallelLayer &layer, With with) {
    const int64_t each = (layer.units + UNITS - 1) / UNITS, all = layer.rows * each;
    const int64_t work = layer.steps * layer.rows * layer.units / WORTH;
    const int wanted = int(std::max<int64_t>(1, std::min<int64_t>({layer.threads, all, work})));
    in_parallel(wanted, [&](int thread, int threads) {
        std::vector<Part> parts;
        for (int64_t k = all * thread / threads; k < all * (thread + 1) / threads; k++) {
            const int64_t row = k / each, first = k % each * UNITS;
            parts.push_back({row, first, std::min(layer.units, first + UNITS), layer.lengths ? layer.lengths[row] : layer.steps});
        }
        with(parts);
    });
}

// Whether step t of a row is the first that is read.
bool is_first(const ParallelLayer &layer, const Part &part, int64_t t) {
    return t == (layer.reverse ? part.length - 1 : 0);
}

template <class Cell>
void run_forward(const ParallelForward &f) {
    const int64_t B = f.rows, H = f.units, back = f.reverse ? B * H : -B * H;  // from a state to the one before it
    in_threads(f, [&](const std::vector<Part> &parts) {
        for (int64_t k = 0; k < f.steps; k++) {
            const int64_t t = f.reverse ? f.steps - 1 - k : k;
            for (const Part &part : parts) {
                float *to = f.output + (t * B + part.row) * H;
                if (t >= part.length) {
                    std::fill(to + part.first, to + part.last, 0.0f);
                    continue;
                }
                const float *gates = f.projected + (t * B + part.row) * Cell::G * H;
                const float *before = is_first(f, part, t) ? f.h_before + part.row * H : to + back;
                for (int64_t u = part.first; u < part.last; u += W) {
                    const int n = int(std::min<int64_t>(W, part.last - u));
                    const Shares s = Cell(gates + u, H, n).shares;
                    store(to + u, fma(s.kept, load(before + u, n), s.let_in * s.candidate), n);
                }
            }
        }
        for (const Part &part : parts) {
            const int64_t last = f.reverse ? 0 : part.length - 1;
            const float *from = part.length ? f.output + (last * B + part.row) * H : f.h_before + part.row * H;
            std::copy(from + part.first, from + part.last, f.h_after + part.row * H + part.first);
        }
    });
}

template <class Cell>
void run_backward(const ParallelBackward &b) {
    const int64_t B = b.rows, H = b.units, back = b.reverse ? B * H : -B * H;
    in_threads(b, [&](const std::vector<Part> &parts) {
        for (const Part &part : parts) {  // of_h_before is, on the way, the gradient of the state after the step
            float *of_state = b.of_h_before + part.row * H;
            if (b.of_h_after) std::copy_n(b.of_h_after + part.row * H + part.first, part.last - part.first, of_state + part.first);
            else std::fill(of_state + part.first, of_state + part.last, 0.0f);
        }
        for (int64_t k = 0; k < b.steps; k++) {
            const int64_t t = b.reverse ? k : b.steps - 1 - k;
            for (const Part &part : parts) {
                const int64_t place = t * B + part.row;
                float *to = b.of_projected + place * Cell::G * H, *of_state = b.of_h_before + part.row * H;
                if (t >= part.length) {
                    for (int g = 0; g < Cell::G; g++) std::fill(to + g * H + part.first, to + g * H + part.last, 0.0f);
                    continue;
                }
                const float *gates = b.projected + place * Cell::G * H, *output = b.output + place * H;
                const float *before = is_first(b, part, t) ? b.h_before + part.row * H : output + back;
                for (int64_t u = part.first; u < part.last; u += W) {
                    const int n = int(std::min<int64_t>(W, part.last - u));
                    const Cell cell(gates + u, H, n);
                    Floats of = load(of_state + u, n);
                    if (b.of_output) of += load(b.of_output + place * H + u, n);
                    cell.back(to + u, H, n, of, load(before + u, n));
                    store(of_state + u, of * cell.shares.kept, n);
                }
            }
        }
    });
}

}  // namespace

void parallel_forward(const ParallelForward &f) {
    if (f.kind == ParallelKind::mingru) run_forward<MinGru>(f);
    else run_forward<MinLstm>(f);
}

void parallel_backward(const ParallelBackward &b) {
    if (b.kind == ParallelKind::mingru) run_backward<MinGru>(b);
    else run_backward<MinLstm>(b);
}

}  // namespace recurra
