"""One step of a stream, called from Python."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

import recurra
from recurra.bench.layers import GATES
from recurra.bench.measurement import OURS, Measurement, in_turns
from recurra.errors import RecurraError

PRECISIONS = ("float32", "bfloat16", "int8")
STEPS = 20
_FLOAT = 1e-4
# Where the gates that torch has in this order stand in ONNX.
_ORDER = {"GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2), "RNN": (0,)}


def measure_streaming(cell: str, units: int, *, batch: int = 1, repeats: int) -> Measurement:
    """Ours, with weights of each precision, beside torch's cell and, where it is installed, ONNX Runtime.

    One step of `batch` sequences, with as many inputs as units, one thread each. ONNX Runtime is called in its
    fastest way, with inputs, outputs and states bound to memory once; a stream takes a NumPy array and a preallocated
    one. Twenty steps are compared first.

    Args:
        cell: "RNN", "GRU" or "LSTM".
        repeats: turns.

    Raises:
        RecurraError: results differ.
    """
    torch.manual_seed(0)
    layer = getattr(recurra, cell)(units, units)
    inputs = np.random.default_rng(0).standard_normal((STEPS, batch, units), dtype=np.float32)
    given, out = np.empty((batch, units), np.float32), np.empty((batch, units), np.float32)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        steps: dict[str, Callable[[], Any]] = {"torch": _torch_step(cell, layer, torch.from_numpy(given))}
        if has_onnx():
            steps["ONNX Runtime"] = OnnxStep(cell, layer, given)
        for precision in PRECISIONS:
            stream = layer.stream(batch, precision=precision)
            steps[OURS if precision == "float32" else f"recurra, {precision}"] = _ours(stream, given, out)
        off = dict.fromkeys(steps, 0.0)
        for x in inputs:
            given[...] = x
            results = {peer: np.array(step()) for peer, step in steps.items()}
            for peer, result in results.items():
                off[peer] = max(off[peer], float(np.abs(result - results["torch"]).max()))
        for peer in set(off) & {OURS, "torch", "ONNX Runtime"}:
            if not off[peer] <= _FLOAT:
                raise RecurraError(
                    f"the results of {peer} and torch differ by {off[peer]:.2g}",
                    where=f"{cell}, {units} units",
                )
        seconds, ratios = in_turns(steps, repeats=repeats, count=max(2, 400 // batch))
    finally:
        torch.set_num_threads(threads)
    weights = GATES[cell] * units * 2 * units
    return Measurement(
        "streaming step", cell, units, batch, seconds, ratios, weights * batch, 4 * weights, off
    )


def has_onnx() -> bool:
    """Whether ONNX Runtime, and what makes a file for it, are installed."""
    return all(find_spec(name) is not None for name in ("onnx", "onnxruntime"))


class OnnxStep:
    """A layer in ONNX Runtime, a step at each call; its state is bound to itself.

    Args:
        x: (B, I), read at each call.
    """

    def __init__(self, cell: str, layer: torch.nn.Module, x: np.ndarray):
        import onnxruntime  # pyright: ignore[reportMissingImports]
        from onnx import TensorProto, helper, numpy_helper  # pyright: ignore[reportMissingImports]

        batch, units = x.shape
        given = {name: value.detach().numpy() for name, value in layer.named_parameters()}

        def gates(array: np.ndarray) -> np.ndarray:
            parts = np.split(array, len(_ORDER[cell]))
            return np.concatenate([parts[k] for k in _ORDER[cell]])

        weights = {
            "W": gates(given["weight_ih_l0"])[None],
            "R": gates(given["weight_hh_l0"])[None],
            "B": np.concatenate([gates(given["bias_ih_l0"]), gates(given["bias_hh_l0"])])[None],
        }
        states = ("h", "c")[: 2 if cell == "LSTM" else 1]
        variant: dict[str, Any] = {"linear_before_reset": 1} if cell == "GRU" else {}
        before, after = ([f"{s}{k}" for s in states] for k in range(2))
        node = helper.make_node(
            cell, ["x", *weights, "", *before], ["y", *after], hidden_size=units, **variant
        )

        def value(name: str, *shape: int) -> Any:
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        graph = helper.make_graph(
            [node],
            cell,
            [value("x", 1, batch, units), *(value(name, 1, batch, units) for name in before)],
            [value("y", 1, 1, batch, units), *(value(name, 1, batch, units) for name in after)],
            [numpy_helper.from_array(array, name) for name, array in weights.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
        model.ir_version = 8
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._x, self._y = x, np.zeros((batch, units), np.float32)
        self._states = [[np.zeros((1, batch, units), np.float32) for _ in states] for _ in range(2)]
        self._bindings = []
        for turn in range(2):  # the state after a step is the one before the next
            binding = self._session.io_binding()
            binding.bind_input("x", "cpu", 0, np.float32, (1, batch, units), x.ctypes.data)
            binding.bind_output("y", "cpu", 0, np.float32, (1, 1, batch, units), self._y.ctypes.data)
            shape = (1, batch, units)
            for name, array in zip(before, self._states[turn], strict=True):
                binding.bind_input(name, "cpu", 0, np.float32, shape, array.ctypes.data)
            for name, array in zip(after, self._states[1 - turn], strict=True):
                binding.bind_output(name, "cpu", 0, np.float32, shape, array.ctypes.data)
            self._bindings.append(binding)
        self._turn = 0

    def __call__(self) -> np.ndarray:
        """(B, H), the same memory at each call."""
        self._session.run_with_iobinding(self._bindings[self._turn])
        self._turn = 1 - self._turn
        return self._y


def _torch_step(cell: str, layer: torch.nn.Module, x: torch.Tensor) -> Callable[[], np.ndarray]:
    units: Any = layer.hidden_size
    module = getattr(torch.nn, f"{cell}Cell")(units, units)
    module.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    state: list[Any] = [None]

    @torch.inference_mode()
    def step() -> np.ndarray:
        state[0] = module(x, state[0])
        return (state[0][0] if cell == "LSTM" else state[0]).numpy()

    return step


def _ours(stream: Any, x: np.ndarray, out: np.ndarray) -> Callable[[], np.ndarray]:
    return lambda: stream.step(x, out)
