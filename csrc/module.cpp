// What Python sees of one instruction set. Every array is checked here: its number type, device, layout and shape.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>
#include <vector>

#include "recurrence.h"
#include "vector.h"

namespace nb = nanobind;

namespace {

using Array = nb::ndarray<>;
using Maybe = std::optional<Array>;
using Shape = std::vector<int64_t>;

constexpr int INTERFACE = 2;  // grows when the functions below change

std::string words(const Shape &shape) {
    std::string out = "(";
    for (size_t k = 0; k < shape.size(); k++) out += (k ? ", " : "") + std::to_string(shape[k]);
    return out + ")";
}

[[noreturn]] void refuse(const char *name, const std::string &expected, const std::string &found) {
    throw nb::value_error((std::string(name) + ": expected " + expected + ", found " + found).c_str());
}

template <class T>
T *data(const Array &array, const char *name, const Shape &shape) {
    const auto type = nb::dtype<T>();
    if (array.dtype() != type)
        refuse(name, std::is_same_v<T, float> ? "32-bit floats" : "64-bit integers", "another number type");
    if (array.device_type() != nb::device::cpu::value) refuse(name, "an array of the CPU", "one of another device");
    Shape found, strides;
    for (size_t k = 0; k < array.ndim(); k++) found.push_back(int64_t(array.shape(k)));
    if (found != shape) refuse(name, "shape " + words(shape), words(found));
    int64_t stride = 1;
    for (size_t k = array.ndim(); k-- > 0; stride *= found[k])
        if (found[k] > 1 && array.stride(k) != stride) refuse(name, "a dense array", "gaps or another order");
    return static_cast<T *>(array.data());
}

template <class T>
T *data(const Maybe &array, const char *name, const Shape &shape) {
    return array ? data<T>(*array, name, shape) : nullptr;
}

recurra::Cell cell_of(const std::string &name) {
    if (name == "rnn_tanh") return recurra::Cell::rnn_tanh;
    if (name == "rnn_relu") return recurra::Cell::rnn_relu;
    if (name == "gru_after") return recurra::Cell::gru_after;
    if (name == "gru_before") return recurra::Cell::gru_before;
    if (name == "lstm") return recurra::Cell::lstm;
    refuse("cell", "rnn_tanh, rnn_relu, gru_after, gru_before or lstm", name);
}

// What a cell has must be there, and what it has not must not.
void check_there(const Maybe &array, const char *name, bool wanted) {
    if (bool(array) != wanted) refuse(name, wanted ? "an array" : "nothing", wanted ? "nothing" : "an array");
}

void check_lengths(const int64_t *lengths, int64_t rows, int64_t steps) {
    for (int64_t r = 0; lengths && r < rows; r++)
        if (lengths[r] < 0 || lengths[r] > steps)
            refuse("lengths", "0 to " + std::to_string(steps) + " steps", std::to_string(lengths[r]));
}

struct Sizes {
    int64_t steps, rows, inputs, units, gates;
};

Sizes sizes_of(const Array &output, const Array &w_ih, recurra::Cell cell) {
    if (output.ndim() != 3) refuse("output", "three axes", std::to_string(output.ndim()));
    if (w_ih.ndim() != 2) refuse("w_ih", "two axes", std::to_string(w_ih.ndim()));
    return {int64_t(output.shape(0)), int64_t(output.shape(1)), int64_t(w_ih.shape(1)), int64_t(output.shape(2)),
            recurra::gates_of(cell)};
}

int threads_for(int threads, const Sizes &n) {
    if (threads < 1) refuse("threads", "1 or more", std::to_string(threads));
    return int(std::max<int64_t>(1, std::min<int64_t>(threads, n.rows)));
}

void forward(const std::string &cell_name, bool reverse, int threads, const Maybe &lengths, const Array &x,
             const Array &w_ih, const Array &w_hh, const Maybe &b_ih, const Maybe &b_hh, const Maybe &gates,
             const Array &h_before, const Maybe &c_before, const Array &output, const Maybe &cells,
             const Array &h_after, const Maybe &c_after) {
    const auto cell = cell_of(cell_name);
    const bool lstm = cell == recurra::Cell::lstm, gru = recurra::gates_of(cell) == 3;
    const Sizes n = sizes_of(output, w_ih, cell);
    const Shape state{n.rows, n.units}, over_time{n.steps, n.rows, n.units};
    check_there(c_before, "c_before", lstm);
    check_there(c_after, "c_after", lstm);
    check_there(cells, "cells", lstm || gru);
    recurra::Forward f{};
    f.cell = cell, f.steps = n.steps, f.rows = n.rows, f.inputs = n.inputs, f.units = n.units, f.reverse = reverse;
    f.lengths = data<int64_t>(lengths, "lengths", {n.rows});
    f.x = data<float>(x, "x", {n.steps, n.rows, n.inputs});
    f.w_ih = data<float>(w_ih, "w_ih", {n.gates * n.units, n.inputs});
    f.w_hh = data<float>(w_hh, "w_hh", {n.gates * n.units, n.units});
    f.b_ih = data<float>(b_ih, "b_ih", {n.gates * n.units});
    f.b_hh = data<float>(b_hh, "b_hh", {n.gates * n.units});
    f.gates = data<float>(gates, "gates", {n.steps, n.rows, n.gates * n.units});
    f.h_before = data<float>(h_before, "h_before", state);
    f.c_before = data<float>(c_before, "c_before", state);
    f.output = data<float>(output, "output", over_time);
    f.cells = data<float>(cells, "cells", over_time);
    f.h_after = data<float>(h_after, "h_after", state);
    f.c_after = data<float>(c_after, "c_after", state);
    f.threads = threads_for(threads, n);
    check_lengths(f.lengths, n.rows, n.steps);
    nb::gil_scoped_release released;
    recurra::RECURRA_ISA_NAME::forward(f);
}

void backward(const std::string &cell_name, bool reverse, int threads, const Maybe &lengths, const Array &w_ih,
              const Array &w_hh, const Array &gates, const Maybe &cells, const Array &output, const Array &h_before,
              const Maybe &c_before, const Maybe &of_output, const Maybe &of_h_after, const Maybe &of_c_after,
              const Array &of_gates, const Maybe &of_recurrent, const Maybe &of_x, const Array &of_h_before,
              const Maybe &of_c_before) {
    const auto cell = cell_of(cell_name);
    const bool lstm = cell == recurra::Cell::lstm, gru = recurra::gates_of(cell) == 3;
    const Sizes n = sizes_of(output, w_ih, cell);
    const Shape state{n.rows, n.units}, over_time{n.steps, n.rows, n.units};
    const Shape all_gates{n.steps, n.rows, n.gates * n.units};
    check_there(c_before, "c_before", lstm);
    check_there(of_c_before, "of_c_before", lstm);
    check_there(cells, "cells", lstm || gru);
    check_there(of_recurrent, "of_recurrent", cell == recurra::Cell::gru_after);
    recurra::Backward b{};
    b.cell = cell, b.steps = n.steps, b.rows = n.rows, b.inputs = n.inputs, b.units = n.units, b.reverse = reverse;
    b.lengths = data<int64_t>(lengths, "lengths", {n.rows});
    b.w_ih = data<float>(w_ih, "w_ih", {n.gates * n.units, n.inputs});
    b.w_hh = data<float>(w_hh, "w_hh", {n.gates * n.units, n.units});
    b.gates = data<float>(gates, "gates", all_gates);
    b.cells = data<float>(cells, "cells", over_time);
    b.output = data<float>(output, "output", over_time);
    b.h_before = data<float>(h_before, "h_before", state);
    b.c_before = data<float>(c_before, "c_before", state);
    b.of_output = data<float>(of_output, "of_output", over_time);
    b.of_h_after = data<float>(of_h_after, "of_h_after", state);
    b.of_c_after = data<float>(of_c_after, "of_c_after", state);
    b.of_gates = data<float>(of_gates, "of_gates", all_gates);
    b.of_recurrent = data<float>(of_recurrent, "of_recurrent", over_time);
    b.of_x = data<float>(of_x, "of_x", {n.steps, n.rows, n.inputs});
    b.of_h_before = data<float>(of_h_before, "of_h_before", state);
    b.of_c_before = data<float>(of_c_before, "of_c_before", state);
    b.threads = threads_for(threads, n);
    check_lengths(b.lengths, n.rows, n.steps);
    nb::gil_scoped_release released;
    recurra::RECURRA_ISA_NAME::backward(b);
}

// The instruction sets of this machine, the best first; a machine may lack what the library was built with.
std::vector<std::string> supported() {
    std::vector<std::string> names;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        names.push_back("avx512");
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) names.push_back("avx2");
#endif
    names.push_back("portable");
    return names;
}

}  // namespace

NB_MODULE(RECURRA_ISA_NAME, module) {
    module.attr("INTERFACE") = INTERFACE;
    module.def("supported", &supported);
    module.def("forward", &forward, nb::arg("cell"), nb::arg("reverse"), nb::arg("threads"),
               nb::arg("lengths").none(), nb::arg("x"), nb::arg("w_ih"), nb::arg("w_hh"), nb::arg("b_ih").none(),
               nb::arg("b_hh").none(), nb::arg("gates").none(), nb::arg("h_before"), nb::arg("c_before").none(), nb::arg("output"), nb::arg("cells").none(),
               nb::arg("h_after"), nb::arg("c_after").none());
    module.def("backward", &backward, nb::arg("cell"), nb::arg("reverse"), nb::arg("threads"),
               nb::arg("lengths").none(), nb::arg("w_ih"), nb::arg("w_hh"), nb::arg("gates"), nb::arg("cells").none(),
               nb::arg("output"), nb::arg("h_before"), nb::arg("c_before").none(), nb::arg("of_output").none(),
               nb::arg("of_h_after").none(), nb::arg("of_c_after").none(), nb::arg("of_gates"),
               nb::arg("of_recurrent").none(), nb::arg("of_x").none(), nb::arg("of_h_before"), nb::arg("of_c_before").none());
}
