"""The gradient over time: how much of it reaches a state k steps back, for each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from recurra.cells.base import Cell, Weights
from recurra.cells.parallel import Coefficients, ParallelCell
from recurra.diagnosis.subject import FEWEST, Subject, copy_of, names_of, recurrent_layers

_LARGEST = torch.finfo(torch.float32).max  # stands for a norm that is not finite
_PERCENTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Curve:
    """Norms over the lag, one for each of the lags 0, 1, 2 ...

    Args:
        median: over the examples.
        low, high: their 10th and 90th percentile.
    """

    median: list[float]
    low: list[float]
    high: list[float]

    def falls_below(self, share: float) -> int | None:
        """The first lag from which on the median stays below `share` of its largest; None if it never does.

        >>> Curve([1.0, 0.1, 0.2, 0.01], [], []).falls_below(0.15)
        3
        """
        bound = share * max(self.median, default=0.0)
        above = [k for k, value in enumerate(self.median) if not value < bound]
        lag = above[-1] + 1 if above else 0
        return lag if lag < len(self.median) else None

    def rises_above(self, factor: float, values: Sequence[float]) -> int | None:
        """The first lag at which `values`, one of the three, is above `factor` times the median of lag 0."""
        bound = factor * self.median[0]
        return next((k for k, value in enumerate(values) if value > bound), None)


@dataclass(frozen=True)
class Flow:
    """The gradient over time of one layer in one direction.

        loss_k    = |d loss / d s_{T-k}|            carried_k = |d (u . h_T) / d s_{T-k}|,  |u| = 1

    s is all that the layer carries (h; of an LSTM h and c together, each as a variable of its own), T the last step
    in the layer's direction, u a random direction for each example. `loss` is what reaches a state on every way,
    those past the recurrence (pooling, an answer at every step) too; `carried` on the recurrence alone.

    Args:
        loss, carried: the curves.
        contribution: mean share of lag k in the sum of an example's `loss` over all lags.
    """

    loss: Curve
    carried: Curve
    contribution: list[float]


@dataclass(frozen=True)
class LayerGradients:
    """The same with the weights as they are, and as they were before training.

    Args:
        name: of the layer, "layer 1" or "layer 1 backwards".
        trained, initial: the flows; `initial` is None where the first weights are not known.
    """

    name: str
    trained: Flow
    initial: Flow | None


def gradients_over_time(subject: Subject) -> list[LayerGradients]:
    """Measure it for every recurrent layer and direction, the dropout switched off.

    Every step runs on the equations of the cell themselves, in float32. Of a layer that is called several times the
    longest call counts. (Bengio, Simard & Frasconi 1994, doi:10.1109/72.279181; Pascanu et al., arXiv:1211.5063.)
    """
    trained = _flows(subject.network, subject)
    initial = {} if subject.initial is None else _flows(subject.initial, subject)
    return [LayerGradients(name, flow, initial.get(name)) for name, flow in trained.items()]


class Tapped:
    """A cell that keeps the state after every step, each as a node of its own in the graph.

    Gradients with respect to such a node count what uses the state later, and nothing else.

    Args:
        cell: the equations.
        zoneout: for each state, the share of the old value in it; here and not in the layer, for what is carried is the
            state behind it.
    """

    beyond_torch = ("the states of every step",)  # so that the reference runs it

    def __init__(self, cell: Cell, zoneout: tuple[float, ...]):
        self.cell, self.gates, self.states = cell, cell.gates, cell.states
        self.zoneout = zoneout or (0.0,) * len(cell.states)
        self.runs: list[list[tuple[Tensor, ...]]] = []

    def project(self, x: Tensor, w: Weights) -> Tensor:
        """As the cell; a run over time begins."""
        self.runs.append([])
        return self.cell.project(x, w)

    def step(
        self,
        projected: Tensor,
        state: tuple[Tensor, ...],
        w: Weights,
        *,
        mask: Tensor | None = None,
        gates: bool = False,
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
        """As the cell."""
        after, inside = self.cell.step(projected, state, w, mask=mask, gates=gates)
        after = tuple(
            torch.lerp(new, old.to(new.dtype), share) if share else new.clone()
            for new, old, share in zip(after, state, self.zoneout, strict=True)
        )
        self.runs[-1].append(after)
        return after, inside


class TappedParallel(Tapped, ParallelCell):
    """The same of a cell that could run all steps at once, and here runs them one after the other."""

    def coefficients(self, projected: Tensor) -> Coefficients:
        """As the cell."""
        assert isinstance(self.cell, ParallelCell)
        return self.cell.coefficients(projected)


class _Call(NamedTuple):
    """One call of a layer.

    Args:
        lengths: (B,) valid steps, None for all.
        runs: for each layer and direction the states (B, units) after each step, in the order they were computed.
    """

    lengths: Tensor | None
    runs: list[list[tuple[Tensor, ...]]]

    @property
    def steps(self) -> int:
        return len(self.runs[0])


def _flows(network: nn.Module, subject: Subject) -> dict[str, Flow]:
    network = copy_of(network)
    begun: dict[str, list[Tensor | None]] = {}
    taps: dict[str, Tapped] = {}
    for place, layer in recurrent_layers(network).items():
        tapped = TappedParallel if isinstance(layer.cell, ParallelCell) else Tapped
        taps[place] = tapped(layer.cell, layer.variant.zoneout)
        layer.variant = replace(layer.variant, zoneout=())
        layer.asked_backend = "reference"
        layer.cell = taps[place]  # pyright: ignore[reportAttributeAccessIssue] (class attributes there, own ones here)
        begun[place] = []
        layer.register_forward_pre_hook(_noting_lengths(begun[place]), with_kwargs=True)
    output = network(*subject.inputs)
    examples = len(subject.sequences)
    loss = examples * subject.loss(output)
    generator = torch.Generator().manual_seed(subject.seed)
    flows: dict[str, Flow] = {}
    for place, layer in recurrent_layers(network).items():
        if not begun[place]:
            continue
        each = layer.num_layers * layer.directions
        runs = taps[place].runs
        calls = [_Call(lengths, runs[k * each : (k + 1) * each]) for k, lengths in enumerate(begun[place])]
        call = max(calls, key=lambda call: call.steps)
        for k, (name, states) in enumerate(zip(names_of(network)[place], call.runs, strict=True)):
            reverse = layer.bidirectional and k % 2 == 1
            flows[name] = _flow(states, call.lengths, reverse, loss, generator)
    return flows


def _noting_lengths(noted: list[Tensor | None]):
    def note(_: nn.Module, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        noted.append(lengths_of(arguments, named))

    return note


def lengths_of(arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Tensor | None:
    """(B,) the valid steps of the sequences that a recurrent layer is called with; None where all are."""
    if isinstance(arguments[0], PackedSequence):
        return pad_packed_sequence(arguments[0])[1]
    lengths = named.get("lengths")
    return None if lengths is None else torch.as_tensor(lengths, dtype=torch.int64).cpu()


def _flow(
    states: list[tuple[Tensor, ...]],
    lengths: Tensor | None,
    reverse: bool,
    loss: Tensor,
    generator: torch.Generator,
) -> Flow:
    steps, examples = len(states), len(states[0][0])
    lengths = torch.full((examples,), steps) if lengths is None else lengths
    # Where in the order of computation each example has its last step: backwards the padding comes first.
    ends = torch.full_like(lengths, steps - 1) if reverse else lengths - 1
    there = lengths > 0
    nodes = [part for state in states for part in state]

    def norms(of: Tensor) -> Tensor:
        """(B, K) over the lags, NaN behind the first step of an example."""
        found = torch.autograd.grad(of, nodes, retain_graph=True, allow_unused=True)
        squares = torch.zeros(steps, examples, dtype=torch.float64)
        for number, gradient in enumerate(found):
            if gradient is not None:
                squares[number // len(states[0])] += gradient.double().square().sum(1)
        at = ends[:, None] - torch.arange(steps)
        valid = (torch.arange(steps) < lengths[:, None]) & there[:, None]
        lagged = squares.sqrt().T.gather(1, at.clamp(min=0))
        return torch.where(valid, lagged.nan_to_num(nan=_LARGEST, posinf=_LARGEST), torch.nan)

    hidden = torch.stack([state[0] for state in states])
    last = hidden[ends.clamp(min=0), torch.arange(examples)]
    direction = torch.randn(last.shape, generator=generator, dtype=last.dtype)
    direction = direction / direction.norm(dim=1, keepdim=True)
    of_loss = norms(loss)
    shares = of_loss / of_loss.nansum(1, keepdim=True)
    kept_lags = int((lengths[:, None] > torch.arange(steps)).float().mean(0).ge(FEWEST).sum())
    return Flow(
        loss=_curve(of_loss[:, :kept_lags]),
        carried=_curve(norms((last * direction).sum())[:, :kept_lags]),
        contribution=_rounded(
            shares[:, :kept_lags].nanmean(0).nan_to_num()
        ),  # no gradient: nobody has a share
    )


def _curve(norms: Tensor) -> Curve:
    """Of (B, K) norms, NaN where an example is too short."""
    levels = torch.tensor(_PERCENTILES, dtype=norms.dtype)
    low, median, high = (_rounded(row) for row in norms.nanquantile(levels, dim=0))
    return Curve(median=median, low=low, high=high)


def _rounded(values: Tensor | Sequence[float]) -> list[float]:
    """Five digits that count are enough for a picture."""
    return [float(f"{float(value):.5g}") for value in values]
