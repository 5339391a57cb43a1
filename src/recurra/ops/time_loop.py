"""One layer over time in plain PyTorch: the reference for everything fast, and the home of every variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..axes import valid_steps, zero_padding
from ..cells.base import Cell, Weights


@dataclass(frozen=True)
class Variant:
    """What a layer does beyond the plain cell.

    Args:
        layer_norm: the weights carry gains of layer normalisation (arXiv:1607.06450).
        recurrent_dropout: share of hidden units hidden from the recurrent product, the same ones at every
            step of a sequence (arXiv:1512.05287).
        zoneout: for each state of the cell, the share of units that keep their old value at a step
            (arXiv:1606.01305); in evaluation every unit moves by its expected value.
    """

    layer_norm: bool = False
    recurrent_dropout: float = 0.0
    zoneout: tuple[float, ...] = ()


class LayerResult(NamedTuple):
    """What one layer gives back.

    Args:
        output: (T, B, D*P), zero past each length.
        state: of each of the cell's states (D, B, units), after each sequence's last valid step.
        gates: name -> (D, T, B, units), empty unless asked for.
    """

    output: Tensor
    state: tuple[Tensor, ...]
    gates: dict[str, Tensor]


def run_reference(
    cell: Cell,
    x: Tensor,
    state: tuple[Tensor, ...],
    weights: Sequence[Weights],
    lengths: Tensor | None = None,
    *,
    variant: Variant = Variant(),
    training: bool = False,
    gates: bool = False,
) -> LayerResult:
    """Run one layer, forwards and, with two sets of weights, backwards, on the reference loop.

    Args:
        cell: the equations.
        x: (T, B, I).
        state: of each of the cell's states (D, B, units), before the first step.
        weights: one set per direction.
        lengths: (B,) valid steps of each sequence, or None when all are T.
        variant, training: what is random is drawn here, with torch's global generator.
        gates: collect gates and states of every step.
    """
    if lengths is not None:
        x = zero_padding(x, lengths, batch_first=False)
    runs = [
        time_loop(
            cell,
            x,
            tuple(s[d] for s in state),
            w,
            lengths=lengths,
            reverse=d == 1,
            mask=recurrent_mask(state[0][d], variant.recurrent_dropout if training else 0.0),
            kept=tuple(
                _kept_units(s[d], x.size(0), rate, training)
                for s, rate in zip(state, variant.zoneout, strict=False)
            ),
            gates=gates,
        )
        for d, w in enumerate(weights)
    ]
    outputs, states, insides = zip(*runs, strict=True)
    return LayerResult(
        torch.cat(outputs, -1),
        tuple(torch.stack(of_one) for of_one in zip(*states, strict=True)),
        {name: torch.stack([inside[name] for inside in insides]) for name in insides[0]},
    )


def time_loop(
    cell: Cell,
    x: Tensor,
    state: tuple[Tensor, ...],
    w: Weights,
    *,
    lengths: Tensor | None = None,
    reverse: bool = False,
    mask: Tensor | None = None,
    kept: Sequence[Tensor | float] = (),
    gates: bool = False,
) -> tuple[Tensor, tuple[Tensor, ...], dict[str, Tensor]]:
    """Run one cell over time in one direction.

    A row whose sequence has ended (or, in reverse, not yet begun) keeps its state, and its output is 0.

    Args:
        x: (T, B, I), finite everywhere (padding already zeroed).
        state: of each state (B, units) before the first step in this direction.
        mask: (B, P), multiplies the hidden state inside the recurrent product at every step.
        kept: for each state which units keep their old value, (T, B, units) bool, or the share of it that
            every unit keeps.

    Returns:
        output (T, B, P), the state after the last step, gates name -> (T, B, units); in the order of time.
    """
    steps = x.size(0)
    valid = None if lengths is None else valid_steps(lengths, steps).transpose(0, 1).unsqueeze(-1)
    projected = cell.project(x, w).unbind(0)
    outputs, insides = [], []
    for t in range(steps - 1, -1, -1) if reverse else range(steps):
        after, inside = cell.step(projected[t], state, w, mask=mask, gates=gates)
        if kept:
            after = tuple(
                torch.where(k[t], old.to(new.dtype), new)
                if isinstance(k, Tensor)
                else torch.lerp(new, old.to(new.dtype), k)
                for new, old, k in zip(after, state, kept, strict=True)
            )
        outputs.append(after[0])
        if valid is not None:
            after = tuple(
                torch.where(valid[t], new, old.to(new.dtype)) for new, old in zip(after, state, strict=True)
            )
        state = after
        if gates:
            insides.append({**inside, **dict(zip(cell.states, state, strict=True))})
    if reverse:
        outputs.reverse()
        insides.reverse()
    output = torch.stack(outputs)
    collected = (
        {name: torch.stack([inside[name] for inside in insides]) for name in insides[0]} if gates else {}
    )
    if lengths is not None:
        output = zero_padding(output, lengths, batch_first=False)
        collected = {name: zero_padding(g, lengths, batch_first=False) for name, g in collected.items()}
    return output, state, collected


def recurrent_mask(h: Tensor, rate: float) -> Tensor | None:
    """What `rate` of the units of h (B, P) are hidden with: 0 there, 1 / (1 - rate) elsewhere; None without dropout."""
    return F.dropout(torch.ones_like(h), rate) if rate else None


def _kept_units(s: Tensor, steps: int, rate: float, training: bool) -> Tensor | float:
    if not training or not rate:
        return rate
    return torch.rand(steps, *s.shape, device=s.device) < rate
