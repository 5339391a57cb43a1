// The weights of a cell as they come: which cell, which numbers, in which number type.
#pragma once

#include <cstdint>

namespace recurra {

enum class Cell : int { rnn_tanh, rnn_relu, gru_after, gru_before, lstm };

constexpr int gates_of(Cell cell) {
    return cell == Cell::lstm ? 4 : cell == Cell::gru_after || cell == Cell::gru_before ? 3 : 1;
}

struct Bfloat16 {
    uint16_t bits;  // the upper half of a 32-bit float
};

// (rows, columns), in float, Bfloat16 or int8_t; of the last, row n stands for `values` times scales[n].
template <class T>
struct Matrix {
    using Number = T;
    const T *values;
    const float *scales;  // (rows,) or null: 1
    int64_t columns;
};

// The cells' equations stand in src/recurra/cells; the order of the gates is that of torch: LSTM i, f, g, o; GRU r, z, n.
template <class T>
struct CellWeights {
    Cell cell;
    int64_t inputs, units;
    Matrix<T> w_ih;     // (G*H, I)
    Matrix<T> w_hh;     // (G*H, H)
    const float *b_ih;  // (G*H,) or null
    const float *b_hh;  // (G*H,) or null
};

}  // namespace recurra
