"""What a stream is made of: stages one after the other, each with its step in plain PyTorch, the reference.

A stage reads what the one before gives for each of B rows, and keeps a state of its own: name -> (B, width).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ...cells.base import Cell, Weights
from .precision import rounded

State = dict[str, Tensor]


class Stage(Protocol):
    """One stage.

    Attributes:
        width: numbers that it gives for each row.
    """

    @property
    def width(self) -> int: ...

    def begin(self, rows: int) -> State:
        """The state before the first step."""
        ...

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """What it gives, and the state after it."""
        ...

    def in_precision(self, precision: str) -> Stage:
        """The same with its matrices rounded."""
        ...


def copied(stage: Any) -> Any:
    """The same stage with tensors of its own, which no training changes."""

    def of(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.detach().clone()
        if isinstance(value, tuple):
            parts = [of(part) for part in value]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        return value

    return replace(stage, **{field.name: of(getattr(stage, field.name)) for field in fields(stage)})


def fingerprint(stages: Sequence[Any]) -> str:
    """SHA-256 of what stages compute with, whatever device they are on: two networks that differ have two."""
    digest = sha256()

    def add(value: Any) -> None:
        if isinstance(value, Tensor):
            value = value.detach().cpu().contiguous()
            digest.update(f"{value.dtype}{tuple(value.shape)}".encode())
            value = value.view(-1).view(torch.uint8).numpy()
        if isinstance(value, np.ndarray):
            digest.update(np.ascontiguousarray(value).tobytes())
        elif isinstance(value, tuple):
            for part in value:
                add(part)
        elif not callable(value):  # a function has a name beside it
            digest.update(repr(value).encode())

    for stage in stages:
        digest.update(type(stage).__name__.encode())
        for field in fields(stage):
            add(getattr(stage, field.name))
    return digest.hexdigest()


@dataclass(frozen=True)
class Stateless:
    """What a stage without state and without matrices shares with others of its kind."""

    def begin(self, rows: int) -> State:
        """None."""
        return {}

    def in_precision(self, precision: str) -> Stage:
        """Itself."""
        return self  # pyright: ignore[reportReturnType]


@dataclass(frozen=True)
class Numbers(Stateless):
    """First stage: features (B, I) as they are."""

    width: int

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """X."""
        return x, state


@dataclass(frozen=True)
class Scaling(Stateless):
    """First stage: features (B, I) as people measure them, brought to the scale of the training part.

    y = clip((x - mean) / scale, -bound, bound), 0 where x is missing (NaN); behind them, of every marked feature,
    whether it is missing.

    Args:
        means, scales: (I,) float64.
        marked: (I,) bool.
        bound: the largest y.
    """

    means: np.ndarray
    scales: np.ndarray
    marked: np.ndarray
    bound: float

    @property
    def width(self) -> int:
        """I and the marks."""
        return len(self.means) + int(self.marked.sum())

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Y."""
        means, scales = torch.from_numpy(self.means), torch.from_numpy(self.scales)
        x = x.double()
        missing = x.isnan()
        y = ((x / 2 - means / 2) / (scales / 2)).clamp(-self.bound, self.bound).masked_fill(missing, 0)
        return torch.cat([y.float(), missing[:, torch.from_numpy(self.marked)].float()], 1), state


@dataclass(frozen=True)
class Tokens:
    """First stage: ids (B,) to vectors, y = E[w_t] + P[w_{t-1}, w_t].

    Args:
        table: E, (V, E).
        codes: (P,) int64, rising: w_{t-1} V + w_t of each pair that has a vector; None: no pairs.
        pair_table: (P, E), P[w_{t-1}, w_t] of each of them; of all others it is 0.
    """

    table: Tensor
    codes: Tensor | None = None
    pair_table: Tensor | None = None

    @property
    def width(self) -> int:
        """E."""
        return self.table.size(1)

    def begin(self, rows: int) -> State:
        """The id before, 0 (padding) at the beginning; only where pairs are looked at."""
        return {} if self.codes is None else {"token": torch.zeros(rows, 1, dtype=torch.int64)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """The vectors (B, E)."""
        ids = x.to(self.table.device)
        vectors = self.table[ids].to(torch.promote_types(self.table.dtype, torch.float32))
        if self.codes is None or self.pair_table is None:
            return vectors, state
        wanted = state["token"][:, 0].to(ids.device) * len(self.table) + ids
        at = torch.searchsorted(self.codes, wanted).clamp(max=len(self.codes) - 1)
        known = (self.codes[at] == wanted)[:, None]
        return vectors + torch.where(known, self.pair_table[at], 0), {"token": ids[:, None]}

    def in_precision(self, precision: str) -> Stage:
        """Itself: a vector is looked up, not multiplied."""
        return self


@dataclass(frozen=True)
class Recurrent:
    """A cell: one layer in one direction.

    Args:
        name: of the layer, as in the names of its weights: "l0".
        cell: the equations.
        weights: of the cell.
        zoneout: for each state, the share of its old value that every unit keeps.
        initial: (units,) for each state, before the first step; None: zeros.
    """

    name: str
    cell: Cell
    weights: Weights
    zoneout: tuple[float, ...] = ()
    initial: tuple[Tensor, ...] | None = None

    @property
    def width(self) -> int:
        """The units of h."""
        return self.weights.w_hh.size(1)

    def begin(self, rows: int) -> State:
        """H and, of a LSTM, c: (B, units)."""
        units = self.weights.w_hh.size(0) // len(self.cell.gates)
        first = self.initial or tuple(
            self.weights.w_hh.new_zeros(n) for n in (self.width, units)[: len(self.cell.states)]
        )
        return {
            f"{of}_{self.name}": value.detach().expand(rows, -1).clone()
            for of, value in zip(self.cell.states, first, strict=True)
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """The new h, and the new state."""
        before = tuple(state.values())
        after, _ = self.cell.step(self.cell.project(x, self.weights), before, self.weights)
        if self.zoneout:
            after = tuple(
                torch.lerp(new, old, k) for new, old, k in zip(after, before, self.zoneout, strict=True)
            )
        return after[0], dict(zip(state, after, strict=True))

    def in_precision(self, precision: str) -> Stage:
        """With every matrix rounded; what is added or multiplied number by number stays."""
        dtype = torch.float64 if precision == "float64" else torch.float32
        kept = {
            name: None if t is None else t.detach().to(dtype) for name, t in self.weights._asdict().items()
        }
        for name in ("w_ih", "w_hh", "w_hr"):
            if (matrix := getattr(self.weights, name)) is not None:
                kept[name] = rounded(matrix, precision).dense
        initial = None if self.initial is None else tuple(t.detach().to(dtype) for t in self.initial)
        return replace(self, weights=Weights(**kept), initial=initial)  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True)
class Pool:
    """What of all steps so far is handed on: the last output, their mean, the largest of each feature; side by side.

    The mean is carried as m_t = m_{t-1} + (y_t - m_{t-1}) / t, which no number of steps makes overflow, in 64-bit
    floats: in 32 bits a step moves it by less than its last digit after some ten millions.

    Args:
        kinds: of "last", "mean", "max".
        features: F.
        dtype: of the largest.
    """

    kinds: tuple[str, ...]
    features: int
    dtype: torch.dtype = torch.float32

    @property
    def width(self) -> int:
        """F for each kind."""
        return self.features * len(self.kinds)

    def begin(self, rows: int) -> State:
        """Steps so far, their mean and the largest values."""
        return {
            "steps": torch.zeros(rows, 1, dtype=torch.int64),
            "mean": torch.zeros(rows, self.features, dtype=torch.float64),
            "max": torch.zeros(rows, self.features, dtype=self.dtype),
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """The kinds (B, width)."""
        steps = state["steps"].to(x.device) + 1
        before = {name: state[name].to(x.device) for name in ("mean", "max")}
        now = {
            "last": x,
            "mean": before["mean"] + (x - before["mean"]) / steps,
            "max": torch.where(steps > 1, torch.maximum(before["max"], x), x),
        }
        kept = {name: now[name] if name in self.kinds else before[name] for name in before}
        return torch.cat([now[kind].to(x) for kind in self.kinds], 1), {"steps": steps, **kept}

    def in_precision(self, precision: str) -> Stage:
        """Carried as exactly as what it reads."""
        return replace(self, dtype=torch.float64 if precision == "float64" else torch.float32)


@dataclass(frozen=True)
class Affine:
    """y = W x + b, and the larger of that and 0 where `relu`."""

    weight: Tensor
    bias: Tensor | None = None
    relu: bool = False

    @property
    def width(self) -> int:
        """Rows of W."""
        return self.weight.size(0)

    def begin(self, rows: int) -> State:
        """None."""
        return {}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Y."""
        y = torch.nn.functional.linear(x, self.weight, self.bias)
        return (y.relu() if self.relu else y), state

    def scaled(self, factor: float, shift: float = 0.0) -> Affine:
        """That times a number, and another one added; without a rectifier."""
        weight, bias = self.weight.detach(), self.bias
        bias = weight.new_zeros(self.width) if bias is None else bias.detach()
        return Affine(weight * factor, bias * factor + shift)

    def in_precision(self, precision: str) -> Stage:
        """W rounded."""
        weight = rounded(self.weight, precision).dense
        return Affine(weight, None if self.bias is None else self.bias.detach().to(weight), self.relu)


@dataclass(frozen=True)
class Probabilities(Stateless):
    """softmax(x), or sigmoid of each where several labels may be there at once."""

    width: int
    several: bool = False

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, K)."""
        return (torch.sigmoid(x) if self.several else torch.softmax(x, 1)), state


@dataclass(frozen=True)
class Elementwise(Stateless):
    """y = f(x), number by number or over those of a step.

    Args:
        name: of f.
    """

    width: int
    name: str
    function: Callable[[Tensor], Tensor]

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Y."""
        return self.function(x), state
