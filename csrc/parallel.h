// Cells whose gates do not see the state, over time, forward and backward, on 32-bit floats: h_t = a_t h_{t-1} + b_t with a
// and b of what the input's product gave. Gates are never written to memory; backward they are made anew.
//
// The sums over time are made step by step, and units side by side: a step is a few instructions, so nothing is won by
// chunks of time, and every number is read and written once.
//
// T steps, B rows, H units, G gates; all arrays are dense in the order of their axes.
#pragma once

#include <cstdint>

namespace recurra {

enum class ParallelKind : int { mingru, minlstm };  // equations in src/recurra/cells; gates z, n and i, f, g

constexpr int gates_of(ParallelKind kind) { return kind == ParallelKind::mingru ? 2 : 3; }

struct ParallelLayer {
    ParallelKind kind;
    int64_t steps, rows, units;
    bool reverse;            // from the last valid step of each row to its first
    int threads;
    const int64_t *lengths;  // (B,) 0..T valid steps of each row, or null: T
    const float *projected;  // (T, B, G*H) W_ih x + b_ih; nothing past the lengths is read
    const float *h_before;   // (B, H)
};

struct ParallelForward : ParallelLayer {
    float *output;   // (T, B, H), zero past the lengths
    float *h_after;  // (B, H) after each row's last step
};

struct ParallelBackward : ParallelLayer {
    const float *output;      // (T, B, H) as `parallel_forward` gave it
    const float *of_output;   // (T, B, H) gradient, or null: 0
    const float *of_h_after;  // (B, H) or null
    float *of_projected;      // (T, B, G*H), zero past the lengths
    float *of_h_before;       // (B, H)
};

void parallel_forward(const ParallelForward &f);
void parallel_backward(const ParallelBackward &b);

}  // namespace recurra
