// One layer in one direction over time, forward and backward, on 32-bit floats.
//
// What needs no state, W_ih x + b_ih, is one large matrix product and is made outside, by whoever is best at it;
// so are the gradients of the weights, from the gradients that `backward` leaves. What is here is what must go step
// by step: W_hh h, the gates, the new state.
//
// Each thread has rows of its own, for the whole sequence: no thread waits for another. The sums of a block of
// rows and of all gates of a few units stay in registers until the gates are done.
//
// T steps, B rows, H units, G gates; all arrays are dense in the order of their axes.
#pragma once

#include <cstdint>

#include "vector.h"

namespace recurra {

enum class Cell : int { rnn_tanh, rnn_relu, gru_after, gru_before, lstm };

constexpr int gates_of(Cell cell) {
    return cell == Cell::lstm ? 4 : cell == Cell::gru_after || cell == Cell::gru_before ? 3 : 1;
}

// The cells' equations stand in src/recurra/cells; the order of the gates is that of torch: LSTM i, f, g, o; GRU r, z, n.
struct Forward {
    Cell cell;
    int64_t steps, rows, units;
    bool reverse;             // from the last valid step of each row to its first
    const int64_t *lengths;   // (B,) 0..T valid steps of each row, or null: T
    const float *weights;     // (G*H, H) W_hh
    const float *bias;        // (G*H,) b_hh, or null
    float *gates;             // (T, B, G*H) in: W_ih x + b_ih; out: the gates, after their nonlinearity
    const float *h_before;    // (B, H)
    const float *c_before;    // (B, H) LSTM
    float *output;            // (T, B, H) zero past the lengths
    float *cells;             // (T, B, H) LSTM: the cell states; GRU after: W_hn h + b_hn; GRU before: r * h; else null; zero past the lengths
    float *h_after;           // (B, H) after each row's last step
    float *c_after;           // (B, H) LSTM
    int threads;
};

struct Backward {
    Cell cell;
    int64_t steps, rows, units;
    bool reverse;
    const int64_t *lengths;
    const float *weights;     // (G*H, H)
    const float *gates;       // as `forward` left them
    const float *cells;       // likewise
    const float *output;      // likewise
    const float *h_before;    // (B, H)
    const float *c_before;    // (B, H)
    const float *of_output;   // (T, B, H) gradient, or null: 0
    const float *of_h_after;  // (B, H) or null
    const float *of_c_after;  // (B, H) or null
    float *of_gates;          // (T, B, G*H) gradient of W_ih x + b_ih; zero past the lengths
    float *of_recurrent;      // (T, B, H) GRU after: gradient of W_hn h + b_hn; else null
    float *of_h_before;       // (B, H)
    float *of_c_before;       // (B, H) LSTM
    int threads;
};

namespace RECURRA_ISA_NAME {
void forward(const Forward &f);
void backward(const Backward &b);
}  // namespace RECURRA_ISA_NAME

}  // namespace recurra
