"""What gates and states do: distributions, time spans, saturation, units that never move."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from recurra.axes import valid_steps
from recurra.diagnosis.measures.gradients import lengths_of
from recurra.diagnosis.subject import Subject, copy_of, names_of, recurrent_layers

_KEEPS = {"LSTM": "f", "GRU": "z"}  # the gate that keeps the old state where it is near 1
BINS = 20
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
_NEAR = 0.01  # of the end of its range, a value is saturated
_STILL = 1e-4  # standard deviation, over steps and examples, of a unit that does not move
_LARGEST = 1e30  # stands for what is not finite
_SHOWN_STEPS, _SHOWN_UNITS = 100, 32


@dataclass(frozen=True)
class Values:
    """How the values of one gate or state are spread over units, valid steps and examples.

    Args:
        quantiles: at `LEVELS`.
        histogram: (BINS,) shares, over `low` to `high`.
        saturated: share within 0.01 of an end of the gate's range; None for values without one.
    """

    quantiles: list[float]
    low: float
    high: float
    histogram: list[float]
    saturated: float | None


@dataclass(frozen=True)
class LayerGates:
    """Gates and states of one layer in one direction.

    Args:
        name: "layer 1" or "layer 1 backwards".
        values: of each gate and state, by its name in the cell.
        time_constants: 1 / (1 - mean of f or z), in steps, of each unit, rising, which is the gate's leak alone; None
            of a cell without such a gate.
        still: share of units whose h does not change over steps and examples.
        at_end: share of units whose h lies at an end of tanh's range (|h| > 0.99) at 19 of 20 steps or more.
        dead: share of ReLU units that are 0 at every step of every example; None of other cells.
        heat: of one example, "h" and the gate that keeps, as units x steps; some of each where there are many.
    """

    name: str
    values: dict[str, Values]
    time_constants: list[float] | None
    still: float
    at_end: float
    dead: float | None
    heat: dict[str, list[list[float]]] = field(repr=False)

    @property
    def keeps(self) -> str | None:
        """The gate that keeps the old state where it is near 1."""
        return next((part for part in self.heat if part != "h"), None)

    @property
    def typical_time_constant(self) -> float | None:
        """That of the middle unit."""
        return self.time_constants[len(self.time_constants) // 2] if self.time_constants else None


def gates_and_states(subject: Subject) -> tuple[list[LayerGates], dict[str, float]]:
    """Measure them with `return_gates=True`, which hooks ask for on a copy of the network.

    Returns:
        The layers; and for every `nn.ReLU` elsewhere in the network, the share of its units that are never above 0.
    """
    network = copy_of(subject.network)
    calls: dict[str, list[tuple[Tensor | None, dict[str, Tensor]]]] = {}
    relus: dict[str, Tensor] = {}
    for place, layer in recurrent_layers(network).items():
        collect_gates(layer, calls.setdefault(place, []))
    for place, part in network.named_modules():
        if isinstance(part, nn.ReLU):
            part.register_forward_hook(_largest_of_each(place, relus))
    with torch.no_grad():
        network(*subject.inputs)
    found = []
    for place, layer in recurrent_layers(network).items():
        if not calls[place]:
            continue
        lengths, gates = max(calls[place], key=lambda call: call[1]["h"].size(2))
        for k, name in enumerate(names_of(network)[place]):
            own = {gate: values[k] for gate, values in gates.items()}
            relu = getattr(layer, "nonlinearity", "tanh") == "relu"
            found.append(_layer(name, own, lengths, _KEEPS.get(type(layer).__name__), relu))
    return found, {place: float((peak <= 0).float().mean()) for place, peak in relus.items()}


def collect_gates(layer: nn.Module, calls: list[tuple[Tensor | None, dict[str, Tensor]]]) -> None:
    """Have every call of `layer` return its gates, and keep them from those who called it."""
    asked: list[bool] = []

    def ask(_: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        asked.append(bool(named.get("return_gates", False)))
        return arguments, {**named, "return_gates": True}

    def keep(_: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any], result: tuple[Any, ...]) -> Any:
        *usual, gates = result
        batched = {name: g if g.dim() == 4 else g.unsqueeze(1) for name, g in gates.items()}
        calls.append((lengths_of(arguments, named), batched))
        return result if asked.pop() else tuple(usual)

    layer.register_forward_pre_hook(ask, with_kwargs=True)
    layer.register_forward_hook(keep, with_kwargs=True)


def _largest_of_each(place: str, peaks: dict[str, Tensor]):
    def note(_: nn.Module, arguments: tuple[Any, ...], result: Tensor) -> None:
        peak = result.detach().flatten(0, -2).amax(0)
        peaks[place] = torch.maximum(peaks[place], peak) if place in peaks else peak

    return note


def _layer(
    name: str, gates: dict[str, Tensor], lengths: Tensor | None, keeps: str | None, relu: bool
) -> LayerGates:
    """Of (B, T, units) gates and states."""
    h = gates["h"]
    examples, steps, _ = h.shape
    lengths = torch.full((examples,), steps) if lengths is None else lengths
    valid = valid_steps(lengths, steps)
    at = {  # (valid steps, units)
        gate: values[valid].double().nan_to_num(nan=0.0, posinf=_LARGEST, neginf=-_LARGEST)
        for gate, values in gates.items()
    }
    longest = int(lengths.argmax())
    shown = slice(0, min(int(lengths[longest]), _SHOWN_STEPS))
    constants = None
    if keeps is not None:
        mean = at[keeps].mean(0).clamp(max=1 - 1e-6)
        constants = _rounded((1 / (1 - mean)).sort().values)
    return LayerGates(
        name=name,
        values={gate: _values(gate, values, relu) for gate, values in at.items()},
        time_constants=constants,
        still=float((at["h"].std(0, correction=0) < _STILL).double().mean()),
        at_end=float(((at["h"].abs() > 1 - _NEAR).double().mean(0) > 0.95).double().mean())
        if not relu
        else 0.0,
        dead=float((at["h"] <= 0).all(0).double().mean()) if relu else None,
        heat={
            part: [_rounded(row, 3) for row in gates[part][longest, shown, :_SHOWN_UNITS].nan_to_num().T]
            for part in ("h", keeps)
            if part is not None
        },
    )


def _values(gate: str, values: Tensor, relu: bool) -> Values:
    flat = values.flatten()
    bounded = gate != "c" and not relu
    signed = gate in ("g", "n", "h")
    low, high = (-1.0 if signed else 0.0, 1.0) if bounded else (float(flat.min()), float(flat.max()))
    if not high > low:
        low, high = low - 0.5, low + 0.5
    counts = torch.histc(flat, BINS, low, high)
    every = -(-len(flat) // 1_000_000)  # as many as torch sorts quickly, and more than are needed
    near = (flat < low + _NEAR) | (flat > high - _NEAR)
    return Values(
        quantiles=_rounded(flat[::every].quantile(torch.tensor(LEVELS, dtype=flat.dtype))),
        low=low,
        high=high,
        histogram=_rounded(counts / max(1.0, float(counts.sum()))),
        saturated=float(near.double().mean()) if bounded else None,
    )


def _rounded(values: Tensor, digits: int = 5) -> list[float]:
    return [float(f"{value:.{digits}g}") for value in values.tolist()]
