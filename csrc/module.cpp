// What Python sees of one instruction set. Every array is checked here: its number type, device, layout and shape.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "recurrence.h"

namespace nb = nanobind;

namespace {

using Array = nb::ndarray<>;
using Maybe = std::optional<Array>;
using Shape = std::vector<int64_t>;

constexpr int INTERFACE = 3;  // grows when the functions below change

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
    Shape found;
    for (size_t k = 0; k < array.ndim(); k++) found.push_back(int64_t(array.shape(k)));
    if (found != shape) refuse(name, "shape " + words(shape), words(found));
    int64_t stride = 1;
    const bool empty = std::find(found.begin(), found.end(), 0) != found.end();
    for (size_t k = array.ndim(); k-- > 0 && !empty; stride *= found[k])
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

// What goes forward and what goes backward have in common; `gates` is wanted backward, and may be missing forward.
void take(recurra::Layer &layer, const std::string &cell, bool reverse, int threads, const Maybe &lengths,
          const Array &w_ih, const Array &w_hh, const Array &h_before, const Maybe &c_before, const Array &output,
          const Maybe &gates, const Maybe &cells) {
    if (output.ndim() != 3) refuse("output", "three axes", std::to_string(output.ndim()));
    if (w_ih.ndim() != 2) refuse("w_ih", "two axes", std::to_string(w_ih.ndim()));
    if (threads < 1) refuse("threads", "1 or more", std::to_string(threads));
    layer.cell = cell_of(cell);
    const int64_t T = layer.steps = int64_t(output.shape(0)), B = layer.rows = int64_t(output.shape(1));
    const int64_t H = layer.units = int64_t(output.shape(2)), I = layer.inputs = int64_t(w_ih.shape(1));
    const int64_t G = recurra::gates_of(layer.cell);
    layer.reverse = reverse;
    layer.threads = int(std::max<int64_t>(1, std::min<int64_t>(threads, B)));
    check_there(c_before, "c_before", G == 4);
    check_there(cells, "cells", G > 1);
    layer.lengths = data<int64_t>(lengths, "lengths", {B});
    for (int64_t r = 0; layer.lengths && r < B; r++)
        if (layer.lengths[r] < 0 || layer.lengths[r] > T)
            refuse("lengths", "0 to " + std::to_string(T) + " steps", std::to_string(layer.lengths[r]));
    layer.w_ih = data<float>(w_ih, "w_ih", {G * H, I});
    layer.w_hh = data<float>(w_hh, "w_hh", {G * H, H});
    layer.h_before = data<float>(h_before, "h_before", {B, H});
    layer.c_before = data<float>(c_before, "c_before", {B, H});
    layer.output = data<float>(output, "output", {T, B, H});
    layer.gates = data<float>(gates, "gates", {T, B, G * H});
    layer.cells = data<float>(cells, "cells", {T, B, H});
}

void forward(const std::string &cell, bool reverse, int threads, const Maybe &lengths, const Array &w_ih,
             const Array &w_hh, const Array &h_before, const Maybe &c_before, const Array &output,
             const Maybe &gates, const Maybe &cells, const Array &x, const Maybe &b_ih, const Maybe &b_hh,
             const Array &h_after, const Maybe &c_after) {
    recurra::Forward f{};
    take(f, cell, reverse, threads, lengths, w_ih, w_hh, h_before, c_before, output, gates, cells);
    const Shape state{f.rows, f.units}, bias{recurra::gates_of(f.cell) * f.units};
    check_there(c_after, "c_after", bool(c_before));
    f.x = data<float>(x, "x", {f.steps, f.rows, f.inputs});
    f.b_ih = data<float>(b_ih, "b_ih", bias);
    f.b_hh = data<float>(b_hh, "b_hh", bias);
    f.h_after = data<float>(h_after, "h_after", state);
    f.c_after = data<float>(c_after, "c_after", state);
    nb::gil_scoped_release released;
    recurra::forward(f);
}

void backward(const std::string &cell, bool reverse, int threads, const Maybe &lengths, const Array &w_ih,
              const Array &w_hh, const Array &h_before, const Maybe &c_before, const Array &output,
              const Maybe &gates, const Maybe &cells, const Maybe &of_output, const Maybe &of_h_after,
              const Maybe &of_c_after, const Array &of_gates, const Maybe &of_recurrent, const Maybe &of_x,
              const Array &of_h_before, const Maybe &of_c_before) {
    recurra::Backward b{};
    take(b, cell, reverse, threads, lengths, w_ih, w_hh, h_before, c_before, output, gates, cells);
    const Shape state{b.rows, b.units}, over_time{b.steps, b.rows, b.units};
    check_there(gates, "gates", true);
    check_there(of_c_before, "of_c_before", bool(c_before));
    check_there(of_recurrent, "of_recurrent", b.cell == recurra::Cell::gru_after);
    b.of_output = data<float>(of_output, "of_output", over_time);
    b.of_h_after = data<float>(of_h_after, "of_h_after", state);
    b.of_c_after = data<float>(of_c_after, "of_c_after", state);
    b.of_gates = data<float>(of_gates, "of_gates", {b.steps, b.rows, recurra::gates_of(b.cell) * b.units});
    b.of_recurrent = data<float>(of_recurrent, "of_recurrent", over_time);
    b.of_x = data<float>(of_x, "of_x", {b.steps, b.rows, b.inputs});
    b.of_h_before = data<float>(of_h_before, "of_h_before", state);
    b.of_c_before = data<float>(of_c_before, "of_c_before", state);
    nb::gil_scoped_release released;
    recurra::backward(b);
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

NB_MODULE(RECURRA_MODULE, module) {
    module.attr("INTERFACE") = INTERFACE;
    module.def("supported", &supported);
    module.def("forward", &forward, nb::arg("cell"), nb::arg("reverse"), nb::arg("threads"),
               nb::arg("lengths").none(), nb::arg("w_ih"), nb::arg("w_hh"), nb::arg("h_before"),
               nb::arg("c_before").none(), nb::arg("output"), nb::arg("gates").none(), nb::arg("cells").none(),
               nb::arg("x"), nb::arg("b_ih").none(), nb::arg("b_hh").none(), nb::arg("h_after"),
               nb::arg("c_after").none());
    module.def("backward", &backward, nb::arg("cell"), nb::arg("reverse"), nb::arg("threads"),
               nb::arg("lengths").none(), nb::arg("w_ih"), nb::arg("w_hh"), nb::arg("h_before"),
               nb::arg("c_before").none(), nb::arg("output"), nb::arg("gates").none(), nb::arg("cells").none(),
               nb::arg("of_output").none(), nb::arg("of_h_after").none(), nb::arg("of_c_after").none(),
               nb::arg("of_gates"), nb::arg("of_recurrent").none(), nb::arg("of_x").none(),
               nb::arg("of_h_before"), nb::arg("of_c_before").none());
}
