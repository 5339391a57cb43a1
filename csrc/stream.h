// A network fed step by step: `rows` sequences at once, each with its own state.
//
// The network is stages, one after the other; each reads what the one before gives for a row, and keeps its own state. All
// weights are laid out once, when a stage is added. A step takes the rows in chunks that fit the cache, each through
// all the stages.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "weights.h"

namespace recurra {

// What goes in at one step; one of them is there.
struct StreamInput {
    const float *floats;    // (rows, features)
    const double *doubles;  // (rows, features)
    const int64_t *ids;     // (rows,)
};

// One array of state, (rows, width): of 32-bit floats, of 64-bit floats or of whole numbers; one of them is there.
struct StreamState {
    float *floats;
    double *doubles;
    int64_t *whole;
    int64_t width;
};

enum class PoolingKind : int { last, mean, max };

struct Chunk;  // the rows that go through the stages together, and the memory of one thread

class Stage {
  public:
    Stage(int64_t width, int64_t products) : width(width), products(products) {}
    virtual ~Stage() = default;
    virtual void check(const StreamInput &, int64_t /*rows*/) const {}
    virtual void step(Chunk &chunk) = 0;
    virtual void turn() {}  // when all rows have made the step
    virtual std::vector<StreamState> states() { return {}; }
    const int64_t width;     // numbers that it gives for a row
    const int64_t products;  // multiplications for a row
};

class Stream {
  public:
    Stream(int64_t rows, int threads);
    ~Stream();

    // The first stage is one of these three.
    void numbers(int64_t features);
    // y = clip((x - mean) / scale), 0 where x is missing (NaN); then 1 or 0 for each marked one: missing or not.
    void scaling(int64_t features, const double *means, const double *scales, const bool *marked, float bound);
    // A row of the table for each id; and, where `codes` are given, that of the pair (id before, id), whose code is
    // before * vocabulary + id, in a second table.
    void tokens(int64_t vocabulary, int64_t width, const float *table, int64_t pairs, const int64_t *codes,
                const float *pair_table);
    template <class T>
    void recurrent(const CellWeights<T> &weights);
    void pooling(const std::vector<PoolingKind> &kinds);
    template <class T>
    void affine(int64_t outputs, const Matrix<T> &weights, const float *bias, bool relu);
    void probabilities(bool several);  // softmax; or a sigmoid of each

    int64_t rows() const { return rows_; }
    int64_t inputs() const { return inputs_; }  // features, or 1 where ids go in
    bool reads_ids() const { return reads_ids_; }
    bool reads_doubles() const { return reads_doubles_; }
    int64_t width() const { return stages_.empty() ? inputs_ : stages_.back()->width; }
    std::vector<StreamState> states();

    // Throws std::invalid_argument for an id outside of the vocabulary, before anything is changed.
    void step(const StreamInput &in, float *out);
    bool long_step() const;  // worth letting others run meanwhile

    // Held while a step runs or the state is read or written: a stream belongs to one thread at a time.
    class Hold {
      public:
        explicit Hold(Stream &stream);
        ~Hold() { stream_.busy_.clear(std::memory_order_release); }

      private:
        Stream &stream_;
    };

  private:
    void add(std::unique_ptr<Stage> stage);
    int64_t work() const;  // multiplications of a step
    int at_once() const;   // rows of a chunk
    int parts() const;     // threads that a step takes

    const int64_t rows_;
    const int threads_;
    int64_t inputs_ = 0;
    bool reads_ids_ = false, reads_doubles_ = false;
    std::vector<std::unique_ptr<Stage>> stages_;
    std::vector<Chunk> chunks_;  // one for each thread
    std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
};

}  // namespace recurra
