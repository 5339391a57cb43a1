"""The two ways to run stages: in native code, and in plain PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ...cells.gru import GRUCell
from ...cells.parallel import ParallelCell
from ...cells.rnn import RNNCell
from ..native import native_kernels, why_not_native
from ..recurrence.operator import native_name
from .convolved import Convolved
from .precision import Rounded, rounded
from .stages import (
    Affine,
    Elementwise,
    Numbers,
    Pool,
    Probabilities,
    Recurrent,
    Scaling,
    Stage,
    State,
    Tokens,
)


class Core(Protocol):
    """B rows of stages. Arrays are dense; `x` is (B, I) floats or (B,) ids, and may lack B where it is 1."""

    def step(self, x: np.ndarray, out: np.ndarray) -> None:
        """One step of every row; `out` (B, width) is written.

        Raises:
            ValueError: a number type or a shape that does not fit, or an id that there is not; nothing is changed.
            RuntimeError: another thread is at work with it.
        """
        ...

    def read(self, arrays: list[np.ndarray]) -> None:
        """Copy the state, array by array in the order of the stages, into `arrays`."""
        ...

    def write(self, arrays: list[np.ndarray]) -> None:
        """Copy `arrays` into the state."""
        ...


class ReferenceCore:
    """The stages' own steps, in evaluation mode and without a graph."""

    def __init__(self, stages: Sequence[Stage], rows: int, precision: str):
        self._stages = [stage.in_precision(precision) for stage in stages]
        self._rows, self._precision = rows, precision
        self._states: list[State] = [stage.begin(rows) for stage in self._stages]
        self._busy = Lock()

    @contextmanager
    def _held(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise RuntimeError("this stream is being stepped by another thread")
        try:
            yield
        finally:
            self._busy.release()

    @torch.no_grad()
    def step(self, x: np.ndarray, out: np.ndarray) -> None:
        """See `Core`."""
        first = self._stages[0]
        check_input(first, self._rows, x, self._precision)
        check_shape("out", out, self._rows, self._stages[-1].width)
        y = torch.from_numpy(np.array(x))
        y = y.reshape(self._rows) if isinstance(first, Tokens) else y.reshape(self._rows, -1)
        with self._held():
            after = []
            for stage, state in zip(self._stages, self._states, strict=True):
                weight = a_weight(stage)
                if weight is not None:
                    y = y.to(weight)
                y, now = stage.step(y, state)
                after.append(now)
            out[...] = y.cpu().numpy().reshape(out.shape)
            self._states = after

    def read(self, arrays: list[np.ndarray]) -> None:
        """See `Core`."""
        with self._held():
            for array, tensor in zip(arrays, self._tensors(), strict=True):
                array[...] = tensor.cpu().numpy()

    def write(self, arrays: list[np.ndarray]) -> None:
        """See `Core`."""
        with self._held():
            for array, tensor in zip(arrays, self._tensors(), strict=True):
                tensor.copy_(torch.from_numpy(array))

    def _tensors(self) -> list[Tensor]:
        return [tensor for state in self._states for tensor in state.values()]


def native_core(stages: Sequence[Stage], rows: int, precision: str) -> Any:
    """The stages laid out for the native code."""
    kernels = native_kernels()
    assert kernels is not None, "native_obstacle asks before"
    core = kernels.Stream(rows, torch.get_num_threads())
    for stage in stages:
        match stage:
            case Numbers(width=features):
                core.numbers(features)
            case Scaling():
                core.scaling(stage.means, stage.scales, stage.marked, stage.bound)
            case Tokens():
                core.tokens(_floats(stage.table), _plain(stage.codes), _floats(stage.pair_table))
            case Recurrent(weights=w):
                ih, hh = (_matrix(rounded(t, precision)) for t in (w.w_ih, w.w_hh))
                core.recurrent(native_name(stage.cell), *ih, *hh, _floats(w.b_ih), _floats(w.b_hh))
            case Pool(kinds=kinds):
                core.pooling(list(kinds))
            case Affine():
                weight = _matrix(rounded(stage.weight, precision))
                core.affine(*weight, _floats(stage.bias), stage.relu)
            case Probabilities(several=several):
                core.probabilities(several)
            case _:
                raise AssertionError(f"no native code for {stage}")
    return core


def native_obstacle(stages: Sequence[Stage], precision: str) -> str | None:
    """Why the native code cannot run the stages, in words; None: it can."""
    if (missing := why_not_native()) is not None:
        return missing
    beyond = ["64-bit floats"] if precision == "float64" else []
    for stage in stages:
        if isinstance(stage, Recurrent):
            if isinstance(stage.cell, ParallelCell):
                beyond.append(type(stage.cell).__name__.removesuffix("Cell"))
            elif not isinstance(stage.cell, (RNNCell, GRUCell)):
                beyond += stage.cell.beyond_torch
            beyond += ["layer_norm=True"] if stage.weights.norm_ih is not None else []
            beyond += ["proj_size"] if stage.weights.w_hr is not None else []
            beyond += ["zoneout"] if any(stage.zoneout) else []
        if isinstance(stage, Convolved):
            beyond.append("TCN")
        if isinstance(stage, Elementwise):
            beyond.append(stage.name)
        weight = a_weight(stage)
        if weight is not None and weight.device.type != "cpu":
            beyond.append(f"device={weight.device.type}")
    return f"our native code does not know {', '.join(dict.fromkeys(beyond))}" if beyond else None


def check_input(first: Stage, rows: int, x: np.ndarray, precision: str) -> None:
    """See that `x` is what the first stage reads.

    Raises:
        ValueError: naming x, what was expected and what was found.
    """
    if isinstance(first, Tokens):
        if x.dtype != np.int64:
            raise ValueError(f"x: expected 64-bit integers, found {x.dtype}")
        if x.shape != (rows,) and (rows, x.shape) != (1, ()):
            raise ValueError(f"x: expected shape ({rows},) of ids, found {x.shape}")
        if x.size and not 0 <= x.min() <= x.max() < len(first.table):
            raise ValueError(
                f"x: expected ids from 0 to {len(first.table) - 1}, found {x.min()} to {x.max()}"
            )
        return
    kinds = floats_read(first, precision)
    if x.dtype not in kinds:
        wanted = " or ".join(f"{np.dtype(kind).itemsize * 8}-bit" for kind in kinds)
        raise ValueError(f"x: expected {wanted} floats, found {x.dtype}")
    check_shape("x", x, rows, features_read(first))
    if isinstance(first, Scaling) and np.isinf(x).any():
        raise ValueError("x: expected finite numbers or NaN for a missing one, found infinity")


def floats_read(first: Stage, precision: str) -> list[type]:
    """The number types that features may have."""
    return [np.float32, np.float64] if isinstance(first, Scaling) or precision == "float64" else [np.float32]


def features_read(first: Stage) -> int:
    """Numbers of each row that go in."""
    return len(first.means) if isinstance(first, Scaling) else first.width


def check_shape(name: str, array: np.ndarray, rows: int, width: int) -> None:
    """See that it is (rows, width), or (width,) of one row.

    Raises:
        ValueError: it is not.
    """
    if array.shape != (rows, width) and (rows, array.shape) != (1, (width,)):
        raise ValueError(f"{name}: expected shape {(rows, width)}, found {array.shape}")


def a_weight(stage: Stage) -> Tensor | None:
    """One of its weights, that tells number type and device; None where it has none."""
    match stage:
        case Recurrent(weights=weights):
            return weights.w_hh
        case Affine(weight=weight):
            return weight
        case Convolved():
            return stage.weight
    return None


def _matrix(given: Rounded) -> tuple[np.ndarray, np.ndarray | None]:
    values = given.values.contiguous()
    if values.dtype == torch.bfloat16:  # numpy has none: its bits
        return values.view(torch.int16).numpy().view(np.uint16), None
    return values.numpy(), _plain(given.scales)


def _floats(t: Tensor | None) -> np.ndarray | None:
    return None if t is None else _plain(t.detach().float())


def _plain(t: Tensor | None) -> np.ndarray | None:
    return None if t is None else t.contiguous().numpy()
