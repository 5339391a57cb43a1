// What Python sees of one instruction set.
#include "arrays.h"
#include "recurrence.h"
#include "workers.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace recurra {

void add_stream(nb::module_ &module);    // stream_module.cpp
void add_parallel(nb::module_ &module);  // parallel_module.cpp

namespace {

constexpr int INTERFACE = 9;  // grows when what Python sees changes

// What a cell has must be there, and what it has not must not.
void check_there(const Maybe &array, const char *name, bool wanted) {
    if (bool(array) != wanted) refuse(name, wanted ? "an array" : "nothing", wanted ? "nothing" : "an array");
}

// What goes forward and what goes backward have in common; `gates` is wanted backward, and may be missing forward.
template <class N>
void take(Layer<N> &layer, const std::string &cell, bool reverse, int threads, const Maybe &lengths,
          const Array &x, const Array &w_ih, const Array &w_hh, const Maybe &mask, const Array &h_before,
          const Maybe &c_before, const Array &output, const Maybe &gates, const Maybe &cells) {
    if (output.ndim() != 3) refuse("output", "three axes", std::to_string(output.ndim()));
    if (w_ih.ndim() != 2) refuse("w_ih", "two axes", std::to_string(w_ih.ndim()));
    if (threads < 1) refuse("threads", "1 or more", std::to_string(threads));
    layer.cell = cell_of(cell);
    const int64_t T = layer.steps = int64_t(output.shape(0)), B = layer.rows = int64_t(output.shape(1));
    const int64_t H = layer.units = int64_t(output.shape(2)), I = layer.inputs = int64_t(w_ih.shape(1));
    const int64_t G = gates_of(layer.cell);
    layer.reverse = reverse;
    layer.threads = int(std::max<int64_t>(1, std::min<int64_t>(threads, B)));
    check_there(c_before, "c_before", G == 4);
    if (G == 1) check_there(gates, "gates", false);
    check_there(cells, "cells", bool(gates));
    layer.lengths = data<int64_t>(lengths, "lengths", {B});
    for (int64_t r = 0; layer.lengths && r < B; r++)
        if (layer.lengths[r] < 0 || layer.lengths[r] > T)
            refuse("lengths", "0 to " + std::to_string(T) + " steps", std::to_string(layer.lengths[r]));
    layer.x = data<N>(x, "x", {T, B, I});
    layer.w_ih = data<float>(w_ih, "w_ih", {G * H, I});
    layer.w_hh = data<float>(w_hh, "w_hh", {G * H, H});
    layer.mask = data<float>(mask, "mask", {B, H});
    layer.h_before = data<N>(h_before, "h_before", {B, H});
    layer.c_before = data<N>(c_before, "c_before", {B, H});
    layer.output = data<N>(output, "output", {T, B, H});
    layer.gates = data<N>(gates, "gates", {T, B, G * H});
    layer.cells = data<N>(cells, "cells", {T, B, H});
}

// Runs with<N>() for the number type of x: what is over time, and the states, are of it.
template <class With>
void for_number(const Array &x, With with) {
    if (is_of<Bfloat16>(x)) with(Bfloat16{});
    else with(float{});
}

void call_forward(const std::string &cell, bool reverse, int threads, const Maybe &lengths, const Array &x,
                  const Array &w_ih, const Array &w_hh, const Maybe &mask, const Array &h_before, const Maybe &c_before,
                  const Array &output, const Maybe &gates, const Maybe &cells, const Maybe &b_ih, const Maybe &b_hh,
                  const Array &h_after, const Maybe &c_after) {
    for_number(x, [&](auto number) {
        using N = decltype(number);
        Forward<N> f{};
        take(f, cell, reverse, threads, lengths, x, w_ih, w_hh, mask, h_before, c_before, output, gates, cells);
        const Shape state{f.rows, f.units}, bias{gates_of(f.cell) * f.units};
        check_there(c_after, "c_after", bool(c_before));
        f.b_ih = data<float>(b_ih, "b_ih", bias);
        f.b_hh = data<float>(b_hh, "b_hh", bias);
        f.h_after = data<N>(h_after, "h_after", state);
        f.c_after = data<N>(c_after, "c_after", state);
        nb::gil_scoped_release released;
        forward(f);
    });
}

void call_backward(const std::string &cell, bool reverse, int threads, const Maybe &lengths, const Array &x,
                   const Array &w_ih, const Array &w_hh, const Maybe &mask, const Array &h_before, const Maybe &c_before,
                   const Array &output, const Maybe &gates, const Maybe &cells, const Maybe &of_output,
                   const Maybe &of_h_after, const Maybe &of_c_after, const Maybe &of_x, const Array &of_h_before,
                   const Maybe &of_c_before, const Maybe &of_w_ih, const Maybe &of_w_hh, const Maybe &of_b_ih,
                   const Maybe &of_b_hh) {
    for_number(x, [&](auto number) {
        using N = decltype(number);
        Backward<N> b{};
        take(b, cell, reverse, threads, lengths, x, w_ih, w_hh, mask, h_before, c_before, output, gates, cells);
        const Shape state{b.rows, b.units}, over_time{b.steps, b.rows, b.units};
        const int64_t sums = gates_of(b.cell) * b.units;
        check_there(gates, "gates", gates_of(b.cell) > 1);
        check_there(of_c_before, "of_c_before", bool(c_before));
        for (auto &[array, name] : {std::pair{&of_w_hh, "of_w_hh"}, {&of_b_ih, "of_b_ih"}, {&of_b_hh, "of_b_hh"}})
            check_there(*array, name, bool(of_w_ih));
        b.of_output = data<N>(of_output, "of_output", over_time);
        b.of_h_after = data<N>(of_h_after, "of_h_after", state);
        b.of_c_after = data<N>(of_c_after, "of_c_after", state);
        b.of_x = data<N>(of_x, "of_x", {b.steps, b.rows, b.inputs});
        b.of_h_before = data<N>(of_h_before, "of_h_before", state);
        b.of_c_before = data<N>(of_c_before, "of_c_before", state);
        b.of_w_ih = data<float>(of_w_ih, "of_w_ih", {sums, b.inputs});
        b.of_w_hh = data<float>(of_w_hh, "of_w_hh", {sums, b.units});
        b.of_b_ih = data<float>(of_b_ih, "of_b_ih", {sums});
        b.of_b_hh = data<float>(of_b_hh, "of_b_hh", {sums});
        nb::gil_scoped_release released;
        backward(b);
    });
}

#if defined(__x86_64__)
// Whether the processor has tiles of bfloat16, and the system lets this process use them.
bool tiles_allowed() {
#if defined(__linux__)
    unsigned a = 7, b = 0, c = 0, d = 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    constexpr unsigned BFLOAT16 = 1u << 22, TILE = 1u << 24;
    constexpr long REQUEST = 0x1023, TILE_DATA = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return (d & BFLOAT16) && (d & TILE) && syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
#else
    return false;
#endif
}
#endif

// The instruction sets of this machine, the best first; a machine may lack what the library was built with.
std::vector<std::string> supported() {
    std::vector<std::string> names;
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    const bool bfloat16 = wide && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni");
    if (bfloat16 && tiles_allowed()) names.push_back("amx");
    if (bfloat16) names.push_back("avx512_bf16");
    if (wide) names.push_back("avx512");
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) names.push_back("avx2");
#endif
    names.push_back("portable");
    names.push_back("amx_imitated");  // built for tests alone
    return names;
}

}  // namespace
}  // namespace recurra

NB_MODULE(RECURRA_MODULE, module) {
    namespace nb = nanobind;
    module.attr("INTERFACE") = recurra::INTERFACE;
    module.def("supported", &recurra::supported);
    module.def("leave_torchs_threads", &recurra::leave_torchs_threads);
    module.def("forward", &recurra::call_forward, nb::arg("cell"), nb::arg("reverse"), nb::arg("threads"),
               nb::arg("lengths").none(), nb::arg("x"), nb::arg("w_ih"), nb::arg("w_hh"), nb::arg("mask").none(), nb::arg("h_before"),
               nb::arg("c_before").none(), nb::arg("output"), nb::arg("gates").none(), nb::arg("cells").none(),
               nb::arg("b_ih").none(), nb::arg("b_hh").none(), nb::arg("h_after"), nb::arg("c_after").none());
    module.def("backward", &recurra::call_backward, nb::arg("cell"), nb::arg("reverse"), nb::arg("threads"),
               nb::arg("lengths").none(), nb::arg("x"), nb::arg("w_ih"), nb::arg("w_hh"), nb::arg("mask").none(), nb::arg("h_before"),
               nb::arg("c_before").none(), nb::arg("output"), nb::arg("gates").none(), nb::arg("cells").none(),
               nb::arg("of_output").none(), nb::arg("of_h_after").none(), nb::arg("of_c_after").none(),
               nb::arg("of_x").none(), nb::arg("of_h_before"), nb::arg("of_c_before").none(),
               nb::arg("of_w_ih").none(), nb::arg("of_w_hh").none(), nb::arg("of_b_ih").none(),
               nb::arg("of_b_hh").none());
    recurra::add_stream(module);
    recurra::add_parallel(module);
}
