"""One step of a stream, called from Python, beside ONNX Runtime and torch: one sequence, and a thousand at once.

    pip install onnx onnxruntime
    python benchmarks/streaming.py [--repeats K] [64 128 256 512]

One thread each. All get the same weights, and their outputs over twenty steps are compared before anything is timed
(weights of fewer bits: by how much they differ). ONNX Runtime is called in its fastest way, with inputs, outputs and
states bound to memory once; a stream takes a NumPy array and a preallocated one. They take turns; shown are medians,
and the medians of the ratios of neighbours (theirs / ours). Close everything else first.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from trials import machine, table

import recurra

STEPS = 20
PRECISIONS = ("float32", "bfloat16", "int8")
# Where the gates that torch has in this order stand in ONNX.
ORDER = {"GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2)}


class Onnx:
    """A layer in ONNX Runtime, one step at a time, its state bound to itself."""

    def __init__(self, name: str, layer: torch.nn.Module, batch: int):
        units = layer.hidden_size
        given = {key: value.detach().numpy() for key, value in layer.named_parameters()}

        def gates(array: np.ndarray) -> np.ndarray:
            parts = np.split(array, len(ORDER[name]))
            return np.concatenate([parts[k] for k in ORDER[name]])

        weights = {
            "W": gates(given["weight_ih_l0"])[None],
            "R": gates(given["weight_hh_l0"])[None],
            "B": np.concatenate([gates(given["bias_ih_l0"]), gates(given["bias_hh_l0"])])[None],
        }
        states = ("h", "c")[: 2 if name == "LSTM" else 1]
        options = {"hidden_size": units} | ({"linear_before_reset": 1} if name == "GRU" else {})
        node = helper.make_node(
            name,
            ["x", "W", "R", "B", "", *(f"{s}0" for s in states)],
            ["y", *(f"{s}1" for s in states)],
            **options,
        )

        def value(label: str, *shape: int):
            return helper.make_tensor_value_info(label, TensorProto.FLOAT, shape)

        graph = helper.make_graph(
            [node],
            name,
            [value("x", 1, batch, units), *(value(f"{s}0", 1, batch, units) for s in states)],
            [value("y", 1, 1, batch, units), *(value(f"{s}1", 1, batch, units) for s in states)],
            [numpy_helper.from_array(array, label) for label, array in weights.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
        model.ir_version = 8
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self.x, self.y = (np.zeros((batch, units), np.float32) for _ in range(2))
        self.states = [[np.zeros((1, batch, units), np.float32) for _ in states] for _ in range(2)]
        self.bindings = []
        for turn in range(2):  # the state after a step is the one before the next
            binding = self.session.io_binding()
            binding.bind_input("x", "cpu", 0, np.float32, (1, batch, units), self.x.ctypes.data)
            binding.bind_output("y", "cpu", 0, np.float32, (1, 1, batch, units), self.y.ctypes.data)
            for s, before, after in zip(states, self.states[turn], self.states[1 - turn], strict=True):
                shape = (1, batch, units)
                binding.bind_input(f"{s}0", "cpu", 0, np.float32, shape, before.ctypes.data)
                binding.bind_output(f"{s}1", "cpu", 0, np.float32, shape, after.ctypes.data)
            self.bindings.append(binding)
        self.turn = 0

    def step(self) -> None:
        self.session.run_with_iobinding(self.bindings[self.turn])
        self.turn = 1 - self.turn


def torch_step(name: str, layer: torch.nn.Module, x: torch.Tensor) -> Callable[[], torch.Tensor]:
    """A step of torch's cell with the weights of `layer`."""
    cell = getattr(torch.nn, f"{name}Cell")(layer.input_size, layer.hidden_size)
    cell.load_state_dict({key.removesuffix("_l0"): value for key, value in layer.state_dict().items()})
    state: list = [None]

    @torch.inference_mode()
    def step() -> torch.Tensor:
        state[0] = cell(x, state[0])
        return state[0][0] if name == "LSTM" else state[0]

    return step


def microseconds(step: Callable[[], object], count: int) -> float:
    begin = time.perf_counter()
    for _ in range(count):
        step()
    return 1e6 * (time.perf_counter() - begin) / count


def compare(name: str, units: int, batch: int, repeats: int) -> list[str]:
    """A row of the table."""
    torch.manual_seed(0)
    layer = getattr(recurra, name)(units, units)
    inputs = np.random.default_rng(0).standard_normal((STEPS, batch, units), dtype=np.float32)
    onnx = Onnx(name, layer, batch)
    x = torch.from_numpy(onnx.x)
    of_torch = torch_step(name, layer, x)
    streams = {precision: layer.stream(batch, precision=precision) for precision in PRECISIONS}
    off = dict.fromkeys(PRECISIONS, 0.0)
    for given in inputs:
        onnx.x[...] = given
        onnx.step()
        assert np.abs(of_torch().numpy() - onnx.y).max() < 1e-4, (
            f"{name} {units}: torch and ONNX Runtime differ"
        )
        for precision, stream in streams.items():
            off[precision] = max(off[precision], float(np.abs(stream.step(given) - onnx.y).max()))
    assert off["float32"] < 1e-4, f"{name} {units}: ours and ONNX Runtime differ by {off['float32']}"
    given, out = inputs[0], np.empty((batch, units), np.float32)

    def ours(stream) -> Callable[[], object]:
        return lambda: stream.step(given, out)

    steps = {"torch": of_torch, "onnx": onnx.step, **{p: ours(stream) for p, stream in streams.items()}}
    count = max(2, 400 // batch)
    times = [{key: microseconds(step, count) for key, step in steps.items()} for _ in range(repeats)]

    def middle(key: str) -> float:
        return statistics.median(time[key] for time in times)

    row = [name, str(units), f"{middle('torch'):.1f}", f"{middle('onnx'):.1f}"]
    for precision in PRECISIONS:
        ratio = statistics.median(time["onnx"] / time[precision] for time in times)
        row += [f"{middle(precision):.1f} ({ratio:.1f}x)"]
    if batch > 1:
        row += [f"{batch / middle('onnx') * 1e6:,.0f}", f"{batch / middle('float32') * 1e6:,.0f}"]
    else:
        row += [f"{off['bfloat16']:.4f}", f"{off['int8']:.4f}"]
    return row


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("units", type=int, nargs="*", default=[64, 128, 256, 512])
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{machine()}; torch {torch.__version__}; ONNX Runtime {onnxruntime.__version__}; 1 thread\n")
    columns = ["layer", "units", "torch cell", "ONNX Runtime", *(f"ours, {p}" for p in PRECISIONS)]
    for batch, more in (
        (1, ["largest difference, bfloat16", "int8"]),
        (1000, ["steps a second, ONNX Runtime", "ours, float32"]),
    ):
        print(f"{batch:,} at once, microseconds a step\n")
        rows = [
            compare(name, units, batch, given.repeats if batch == 1 else max(3, given.repeats // 5))
            for units in given.units
            for name in ("GRU", "LSTM")
        ]
        print(table([*columns, *more], rows), "\n", flush=True)


if __name__ == "__main__":
    main()
