// What Python sees of parallel cells.
#include "arrays.h"
#include "parallel.h"

namespace recurra {
namespace {

ParallelKind kind_of(const std::string &name) {
    if (name == "mingru") return ParallelKind::mingru;
    if (name == "minlstm") return ParallelKind::minlstm;
    refuse("cell", "mingru or minlstm", name);
}

// What goes forward and what goes backward have in common; `output` tells the sizes.
void take(ParallelLayer &layer, const std::string &cell, bool reverse, int threads, const Maybe &lengths,
          const Array &projected, const Array &h_before, const Array &output) {
    if (output.ndim() != 3) refuse("output", "three axes", std::to_string(output.ndim()));
    if (threads < 1) refuse("threads", "1 or more", std::to_string(threads));
    layer.kind = kind_of(cell);
    const int64_t T = layer.steps = int64_t(output.shape(0)), B = layer.rows = int64_t(output.shape(1));
    const int64_t H = layer.units = int64_t(output.shape(2));
    layer.reverse = reverse;
    layer.threads = threads;
    layer.lengths = data<int64_t>(lengths, "lengths", {B});
    for (int64_t r = 0; layer.lengths && r < B; r++)
        if (layer.lengths[r] < 0 || layer.lengths[r] > T)
            refuse("lengths", "0 to " + std::to_string(T) + " steps", std::to_string(layer.lengths[r]));
    layer.projected = data<float>(projected, "projected", {T, B, gates_of(layer.kind) * H});
    layer.h_before = data<float>(h_before, "h_before", {B, H});
}

void call_forward(const std::string &cell, bool reverse, int threads, const Maybe &lengths, const Array &projected,
                  const Array &h_before, const Array &output, const Array &h_after) {
    ParallelForward f{};
    take(f, cell, reverse, threads, lengths, projected, h_before, output);
    f.output = data<float>(output, "output", {f.steps, f.rows, f.units});
    f.h_after = data<float>(h_after, "h_after", {f.rows, f.units});
    nb::gil_scoped_release released;
    parallel_forward(f);
}

void call_backward(const std::string &cell, bool reverse, int threads, const Maybe &lengths, const Array &projected,
                   const Array &h_before, const Array &output, const Maybe &of_output, const Maybe &of_h_after,
                   const Array &of_projected, const Array &of_h_before) {
    ParallelBackward b{};
    take(b, cell, reverse, threads, lengths, projected, h_before, output);
    const Shape over_time{b.steps, b.rows, b.units}, state{b.rows, b.units};
    b.output = data<float>(output, "output", over_time);
    b.of_output = data<float>(of_output, "of_output", over_time);
    b.of_h_after = data<float>(of_h_after, "of_h_after", state);
    b.of_projected = data<float>(of_projected, "of_projected", {b.steps, b.rows, gates_of(b.kind) * b.units});
    b.of_h_before = data<float>(of_h_before, "of_h_before", state);
    nb::gil_scoped_release released;
    parallel_backward(b);
}

}  // namespace

void add_parallel(nb::module_ &module) {
    module.def("parallel_forward", &call_forward, nb::arg("cell"), nb::arg("reverse"), nb::arg("threads"),
               nb::arg("lengths").none(), nb::arg("projected"), nb::arg("h_before"), nb::arg("output"), nb::arg("h_after"));
    module.def("parallel_backward", &call_backward, nb::arg("cell"), nb::arg("reverse"), nb::arg("threads"),
               nb::arg("lengths").none(), nb::arg("projected"), nb::arg("h_before"), nb::arg("output"),
               nb::arg("of_output").none(), nb::arg("of_h_after").none(), nb::arg("of_projected"), nb::arg("of_h_before"));
}

}  // namespace recurra
