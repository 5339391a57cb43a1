// One layer in one direction over time, forward and backward, on 32-bit floats or on bfloat16.
//
// The products with the input and with the state, the gates and the new state of a step are made in one go: what the
// gates are before their nonlinearity never goes to memory. Backward, the gradients of the gates of some steps stay in the
// cache until those of input and weights are made of them.
//
// Each thread has rows of its own, for the whole sequence: no thread waits for another. The sums of a block of
// rows and of all gates of a few units stay in registers until the gates are done.
//
// In bfloat16, what goes from step to step in memory, and what is multiplied, has 8 bits of precision; sums, gates, a LSTM's
// cell state and gradients of states and weights are 32-bit floats, and weights are rounded when they are laid out.
//
// T steps, B rows, I inputs, H units, G gates; N is float or Bfloat16; all arrays are dense in the order of their axes.
#pragma once

#include <cstdint>

#include "weights.h"

namespace recurra {

template <class N>
struct Layer {
    Cell cell;
    int64_t steps, rows, inputs, units;
    bool reverse;             // from the last valid step of each row to its first
    int threads;
    const int64_t *lengths;   // (B,) 0..T valid steps of each row, or null: T
    const N *x;               // (T, B, I); nothing past the lengths is read
    const float *w_ih;        // (G*H, I)
    const float *w_hh;        // (G*H, H)
    const float *mask;        // (B, H) multiplies the state on its way into the recurrent product, or null
    const N *h_before;        // (B, H)
    const N *c_before;        // (B, H) LSTM
    // What `forward` writes and `backward` reads, zero past the lengths.
    N *output;                // (T, B, H)
    N *gates;                 // (T, B, G*H) after their nonlinearity; null for RNN, and where nobody goes backward
    N *cells;                 // (T, B, H) LSTM: cell states; GRU after: W_hn h + b_hn; GRU before: r * h; null as gates
};

template <class N>
struct Forward : Layer<N> {
    const float *b_ih;        // (G*H,) or null
    const float *b_hh;        // (G*H,) or null
    N *h_after;               // (B, H) after each row's last step
    N *c_after;               // (B, H) LSTM
};

template <class N>
struct Backward : Layer<N> {
    const N *of_output;       // (T, B, H) gradient, or null: 0
    const N *of_h_after;      // (B, H) or null
    const N *of_c_after;      // (B, H) or null
    N *of_x;                  // (T, B, I) zero past the lengths; null: nobody asks
    N *of_h_before;           // (B, H)
    N *of_c_before;           // (B, H) LSTM
    float *of_w_ih;           // (G*H, I); null, as the three that follow: nobody asks
    float *of_w_hh;           // (G*H, H)
    float *of_b_ih;           // (G*H,)
    float *of_b_hh;           // (G*H,)
};

template <class N>
void forward(const Forward<N> &f);
template <class N>
void backward(const Backward<N> &b);

}  // namespace recurra
