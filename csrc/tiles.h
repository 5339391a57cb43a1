// Tiles of AMX: 16 rows of 64 bytes, multiplied with each other. Tiles 0 to 3 hold sums, 4 to 7 what is multiplied.
//
// With RECURRA_TILES_IMITATED the same is computed without the instructions, so that what is built on tiles can be
// tested on any machine.
#pragma once

#include <cstdint>

#include "weights.h"

#if defined(RECURRA_TILES_IMITATED)
#include <cstring>
#endif

namespace recurra {

constexpr int TILE_ROWS = 16;
constexpr int TILE_DEEP = 32;  // bfloat16 in a row

#if defined(RECURRA_TILES_IMITATED)

struct Tile {
    uint8_t rows[TILE_ROWS][64];
};
inline thread_local Tile tiles[8];

struct Tiles {};

template <int T>
void tile_zero() {
    tiles[T] = {};
}

template <int T>
void tile_load(const void *from, int64_t bytes_apart) {
    for (int r = 0; r < TILE_ROWS; r++) std::memcpy(tiles[T].rows[r], static_cast<const char *>(from) + r * bytes_apart, 64);
}

template <int T>
void tile_store(void *to, int64_t bytes_apart) {
    for (int r = 0; r < TILE_ROWS; r++) std::memcpy(static_cast<char *>(to) + r * bytes_apart, tiles[T].rows[r], 64);
}

// Tile C += A times B: A of rows of 32 numbers; row k of B holds numbers 2 k and 2 k + 1 of each of 16 columns.
template <int C, int A, int B>
void tile_dot() {
    auto number = [](const Tile &tile, int r, int k) {
        uint16_t half;
        std::memcpy(&half, tile.rows[r] + 2 * k, 2);
        const uint32_t bits = uint32_t(half) << 16;
        float x;
        std::memcpy(&x, &bits, 4);
        return x;
    };
    for (int r = 0; r < TILE_ROWS; r++)
        for (int column = 0; column < 16; column++) {
            float sum;
            std::memcpy(&sum, tiles[C].rows[r] + 4 * column, 4);
            for (int k = 0; k < TILE_DEEP; k++)
                sum += number(tiles[A], r, k) * number(tiles[B], k / 2, 2 * column + k % 2);
            std::memcpy(tiles[C].rows[r] + 4 * column, &sum, 4);
        }
}

#elif defined(RECURRA_TILES)

// The instructions are written out: GCC's macros take no numbers of a template, and _tile_loadconfig of GCC 12 names 8 of
// the 64 bytes that it reads, so that a compiler may leave out what is written to the others.

// The tiles of this thread, as long as this stands: all of them whole.
class Tiles {
    struct alignas(64) Layout {
        uint8_t bytes[64];
    };

  public:
    Tiles() {
        Layout layout = {{1}};  // palette 1
        for (int t = 0; t < 8; t++) {
            layout.bytes[16 + 2 * t] = 64;    // of a row
            layout.bytes[48 + t] = TILE_ROWS;
        }
        asm volatile("ldtilecfg %0" ::"m"(layout));
    }
    ~Tiles() { asm volatile("tilerelease"); }
    Tiles(const Tiles &) = delete;
};

template <int T>
void tile_zero() {
    asm volatile("tilezero %%tmm%c0" ::"i"(T));
}

template <int T>
void tile_load(const void *from, int64_t bytes_apart) {
    asm volatile("tileloadd (%0, %1, 1), %%tmm%c2" ::"r"(from), "r"(bytes_apart), "i"(T) : "memory");
}

template <int T>
void tile_store(void *to, int64_t bytes_apart) {
    asm volatile("tilestored %%tmm%c2, (%0, %1, 1)" ::"r"(to), "r"(bytes_apart), "i"(T) : "memory");
}

template <int C, int A, int B>
void tile_dot() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(C), "i"(A), "i"(B));
}

#else

struct Tiles {};

#endif

}  // namespace recurra
