// What Python sees of a stream.
#include <stdexcept>

#include "arrays.h"
#include "stream.h"

namespace recurra {
namespace {

// Calls `with` with the matrix in its own number type; `scales` are there for 8-bit integers alone.
template <class With>
void for_matrix(const Array &weights, const Maybe &scales, const char *name, int64_t rows, With with) {
    if (weights.ndim() != 2) refuse(name, "two axes", std::to_string(weights.ndim()));
    const int64_t columns = int64_t(weights.shape(1));
    const Shape shape{rows, columns};
    const bool whole = weights.dtype() == nb::dtype<int8_t>();
    if (whole != bool(scales)) refuse("scales", whole ? "an array" : "nothing", whole ? "nothing" : "an array");
    if (whole)
        with(Matrix<int8_t>{data<int8_t>(weights, name, shape), data<float>(scales, "scales", {rows}), columns});
    else if (weights.dtype() == nb::dtype<uint16_t>())
        with(Matrix<Bfloat16>{reinterpret_cast<const Bfloat16 *>(data<uint16_t>(weights, name, shape)), nullptr, columns});
    else
        with(Matrix<float>{data<float>(weights, name, shape), nullptr, columns});
}

// The stages follow each other: what one reads must be what the one before gives.
void check_width(const Stream &stream, const char *name, int64_t columns) {
    if (columns != stream.width())
        refuse(name, std::to_string(stream.width()) + " columns", std::to_string(columns));
}

void check_first(const Stream &stream) {
    if (stream.inputs()) throw nb::value_error("what goes in has been said already");
}

void numbers(Stream &stream, int64_t features) {
    check_first(stream);
    if (features < 1) refuse("features", "1 or more", std::to_string(features));
    stream.numbers(features);
}

void scaling(Stream &stream, const Array &means, const Array &scales, const Array &marked, float bound) {
    check_first(stream);
    const int64_t features = means.ndim() ? int64_t(means.shape(0)) : 0;
    if (features < 1) refuse("means", "one or more", "none");
    stream.scaling(features, data<double>(means, "means", {features}), data<double>(scales, "scales", {features}),
                   data<bool>(marked, "marked", {features}), bound);
}

void tokens(Stream &stream, const Array &table, const Maybe &codes, const Maybe &pair_table) {
    check_first(stream);
    if (table.ndim() != 2) refuse("table", "two axes", std::to_string(table.ndim()));
    const int64_t vocabulary = int64_t(table.shape(0)), width = int64_t(table.shape(1));
    if (bool(codes) != bool(pair_table)) refuse("pair_table", codes ? "an array" : "nothing", "the other");
    const int64_t pairs = codes && codes->ndim() ? int64_t(codes->shape(0)) : 0;
    stream.tokens(vocabulary, width, data<float>(table, "table", {vocabulary, width}), pairs,
                  data<int64_t>(codes, "codes", {pairs}), data<float>(pair_table, "pair_table", {pairs, width}));
}

void recurrent(Stream &stream, const std::string &name, const Array &w_ih, const Maybe &ih_scales, const Array &w_hh,
               const Maybe &hh_scales, const Maybe &b_ih, const Maybe &b_hh) {
    const Cell cell = cell_of(name);
    const int64_t rows = w_ih.ndim() ? int64_t(w_ih.shape(0)) : 0, units = rows / gates_of(cell);
    if (!units || rows % gates_of(cell)) refuse("w_ih", "a multiple of the gates as rows", std::to_string(rows));
    for_matrix(w_ih, ih_scales, "w_ih", rows, [&](auto input) {
        using Kind = decltype(input);
        check_width(stream, "w_ih", input.columns);
        for_matrix(w_hh, hh_scales, "w_hh", rows, [&](auto state) {
            if constexpr (std::is_same_v<std::decay_t<Kind>, std::decay_t<decltype(state)>>) {
                if (state.columns != units) refuse("w_hh", std::to_string(units) + " columns", std::to_string(state.columns));
                stream.recurrent(CellWeights<typename std::decay_t<Kind>::Number>{cell, input.columns, units, input, state,
                                                                    data<float>(b_ih, "b_ih", {rows}),
                                                                    data<float>(b_hh, "b_hh", {rows})});
            } else {
                refuse("w_hh", "the number type of w_ih", "another");
            }
        });
    });
}

void pooling(Stream &stream, const std::vector<std::string> &kinds) {
    std::vector<PoolingKind> found;
    for (auto &kind : kinds) {
        if (kind == "last") found.push_back(PoolingKind::last);
        else if (kind == "mean") found.push_back(PoolingKind::mean);
        else if (kind == "max") found.push_back(PoolingKind::max);
        else refuse("kinds", "last, mean or max", kind);
    }
    stream.pooling(found);
}

void affine(Stream &stream, const Array &weights, const Maybe &scales, const Maybe &bias, bool relu) {
    const int64_t outputs = weights.ndim() ? int64_t(weights.shape(0)) : 0;
    for_matrix(weights, scales, "weights", outputs, [&](auto matrix) {
        check_width(stream, "weights", matrix.columns);
        stream.affine(outputs, matrix, data<float>(bias, "bias", {outputs}), relu);
    });
}

// The numbers of a Python object by the buffer protocol, which costs a tenth of what DLPack does.
class Buffered {
  public:
    Buffered(nb::handle object, const char *name, int flags) : name_(name) {
        if (PyObject_GetBuffer(object.ptr(), &view_, flags | PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)) {
            PyErr_Clear();
            refuse(name, flags & PyBUF_WRITABLE ? "a dense array that can be written" : "a dense array",
                   "another object, or gaps, or another order");
        }
    }
    ~Buffered() { PyBuffer_Release(&view_); }
    Buffered(const Buffered &) = delete;
    char kind() const {
        const char *format = view_.format ? view_.format : "B";
        if (*format == '@' || *format == '=' || *format == '<') format++;
        return format[1] ? '?' : *format;
    }
    // (rows, width); or (width,) where there is one row.
    void check(int64_t rows, int64_t width, bool scalars, const char *type) const {
        const bool alone = rows == 1, matrix = view_.ndim == 2 && view_.shape[0] == rows && view_.shape[1] == width;
        const bool vector = view_.ndim == 1 && alone && view_.shape[0] == width;
        const bool ids = scalars && (view_.ndim == 1 ? view_.shape[0] == rows : view_.ndim == 0 && alone);
        if (scalars ? ids : matrix || vector) return;
        Shape found(view_.shape, view_.shape + view_.ndim);
        std::string wanted = scalars ? words({rows}) : alone ? words({width}) + " or " + words({1, width}) : words({rows, width});
        refuse(name_, "shape " + wanted + " of " + type, words(found));
    }
    void *data() const { return view_.buf; }

  private:
    Py_buffer view_{};
    const char *name_;
};

void step(Stream &stream, nb::handle x, nb::handle out) {
    const Buffered from(x, "x", 0), to(out, "out", PyBUF_WRITABLE);
    StreamInput in{};
    const char kind = from.kind();
    if (stream.reads_ids()) {
        if (kind != 'l' && kind != 'q') refuse("x", "64-bit integers", "another number type");
        in.ids = static_cast<const int64_t *>(from.data());
    } else if (kind == 'f') {
        in.floats = static_cast<const float *>(from.data());
    } else if (kind == 'd' && stream.reads_doubles()) {
        in.doubles = static_cast<const double *>(from.data());
    } else {
        refuse("x", stream.reads_doubles() ? "32-bit or 64-bit floats" : "32-bit floats", "another number type");
    }
    from.check(stream.rows(), stream.inputs(), stream.reads_ids(), stream.reads_ids() ? "ids" : "floats");
    if (to.kind() != 'f') refuse("out", "32-bit floats", "another number type");
    to.check(stream.rows(), stream.width(), false, "floats");
    const Stream::Hold hold(stream);
    if (stream.long_step()) {
        nb::gil_scoped_release released;
        stream.step(in, static_cast<float *>(to.data()));
    } else {
        stream.step(in, static_cast<float *>(to.data()));
    }
}

// Copies every array of state out of the stream, or into it.
void copy_state(Stream &stream, const std::vector<Array> &arrays, bool out) {
    const Stream::Hold hold(stream);
    const auto states = stream.states();
    if (arrays.size() != states.size()) refuse("state", std::to_string(states.size()) + " arrays", std::to_string(arrays.size()));
    auto copy = [&](auto *inside, const Array &array, int64_t width) {
        using T = std::remove_pointer_t<decltype(inside)>;
        T *outside = data<T>(array, "state", {stream.rows(), width});
        std::copy_n(out ? inside : outside, stream.rows() * width, out ? outside : inside);
    };
    for (size_t k = 0; k < arrays.size(); k++) {
        if (states[k].floats) copy(states[k].floats, arrays[k], states[k].width);
        else if (states[k].doubles) copy(states[k].doubles, arrays[k], states[k].width);
        else copy(states[k].whole, arrays[k], states[k].width);
    }
}

}  // namespace

void add_stream(nb::module_ &module) {
    nb::class_<Stream>(module, "Stream")
        .def("__init__",
             [](Stream *place, int64_t rows, int threads) {
                 if (rows < 1) refuse("rows", "1 or more", std::to_string(rows));
                 if (threads < 1) refuse("threads", "1 or more", std::to_string(threads));
                 new (place) Stream(rows, threads);
             },
             nb::arg("rows"), nb::arg("threads"))
        .def("numbers", &numbers, nb::arg("features"))
        .def("scaling", &scaling, nb::arg("means"), nb::arg("scales"), nb::arg("marked"), nb::arg("bound"))
        .def("tokens", &tokens, nb::arg("table"), nb::arg("codes").none(), nb::arg("pair_table").none())
        .def("recurrent", &recurrent, nb::arg("cell"), nb::arg("w_ih"), nb::arg("ih_scales").none(), nb::arg("w_hh"),
             nb::arg("hh_scales").none(), nb::arg("b_ih").none(), nb::arg("b_hh").none())
        .def("pooling", &pooling, nb::arg("kinds"))
        .def("affine", &affine, nb::arg("weights"), nb::arg("scales").none(), nb::arg("bias").none(), nb::arg("relu"))
        .def("probabilities", &Stream::probabilities, nb::arg("several"))
        .def("step", &step)
        .def("read", [](Stream &stream, const std::vector<Array> &arrays) { copy_state(stream, arrays, true); })
        .def("write", [](Stream &stream, const std::vector<Array> &arrays) { copy_state(stream, arrays, false); });
}

}  // namespace recurra
