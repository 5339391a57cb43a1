// What Python gives is checked here: number type, device, layout and shape of every array.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "weights.h"

namespace recurra {

namespace nb = nanobind;

using Array = nb::ndarray<>;
using Maybe = std::optional<Array>;
using Shape = std::vector<int64_t>;

inline std::string words(const Shape &shape) {
    std::string out = "(";
    for (size_t k = 0; k < shape.size(); k++) out += (k ? ", " : "") + std::to_string(shape[k]);
    return out + ")";
}

[[noreturn]] inline void refuse(const char *name, const std::string &expected, const std::string &found) {
    throw nb::value_error((std::string(name) + ": expected " + expected + ", found " + found).c_str());
}

template <class T>
const char *number_type() {
    if (std::is_same_v<T, float>) return "32-bit floats";
    if (std::is_same_v<T, Bfloat16>) return "bfloat16";
    if (std::is_same_v<T, double>) return "64-bit floats";
    if (std::is_same_v<T, bool>) return "true or false";
    return sizeof(T) == 8 ? "64-bit integers" : sizeof(T) == 2 ? "unsigned 16-bit integers" : "8-bit integers";
}

template <class T>
bool is_of(const Array &array) {
    if constexpr (std::is_same_v<T, Bfloat16>)
        return array.dtype() == nb::dlpack::dtype{uint8_t(nb::dlpack::dtype_code::Bfloat), 16, 1};
    else
        return array.dtype() == nb::dtype<T>();
}

template <class T>
T *data(const Array &array, const char *name, const Shape &shape) {
    if (!is_of<T>(array)) refuse(name, number_type<T>(), "another number type");
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

inline Cell cell_of(const std::string &name) {
    if (name == "rnn_tanh") return Cell::rnn_tanh;
    if (name == "rnn_relu") return Cell::rnn_relu;
    if (name == "gru_after") return Cell::gru_after;
    if (name == "gru_before") return Cell::gru_before;
    if (name == "lstm") return Cell::lstm;
    refuse("cell", "rnn_tanh, rnn_relu, gru_after, gru_before or lstm", name);
}

}  // namespace recurra
