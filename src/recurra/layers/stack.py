"""Layers one above the other, with dropout between them: written once, whatever runs each layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..cells.base import Cell, Weights
from ..cells.parallel import ParallelCell
from ..ops.fused import run_fused
from ..ops.recurrence.layer import run_native
from ..ops.recurrence.parallel import run_native_parallel
from ..ops.scan import run_scan
from ..ops.time_loop import LayerResult, Variant, run_reference


def run_stack(
    cell: Cell,
    x: Tensor,
    state: tuple[Tensor, ...],
    weights: Sequence[Sequence[Weights]],
    lengths: Tensor | None,
    *,
    backend: str,
    variant: Variant,
    dropout: float,
    training: bool,
    gates: bool,
) -> LayerResult:
    """Run layers over x, each on the output of the one below.

    Args:
        x: (T, B, I).
        state: of each of the cell's states (L*D, B, units), layer by layer, forward before backward.
        weights: for each layer, for each direction.
        lengths: (B,) valid steps, or None when all are T.
        backend: "native", "fused", "reference" or "scan".
        dropout: share of values zeroed between layers, in training.

    Returns:
        output (T, B, D*P), state as it came in, gates name -> (L*D, T, B, units).
    """
    results: list[LayerResult] = []
    directions = len(weights[0])
    for layer, w in enumerate(weights):
        before = tuple(s[layer * directions : (layer + 1) * directions] for s in state)
        if layer and dropout and training:
            x = F.dropout(x, dropout)
        if backend == "native" and isinstance(cell, ParallelCell):
            result = run_native_parallel(cell, x, before, w, lengths)  # pyright: ignore[reportCallIssue]
        elif backend == "native":
            hidden = variant.recurrent_dropout if training else 0.0
            result = run_native(cell, x, before, w, lengths, recurrent_dropout=hidden)
        elif backend == "fused":
            result = run_fused(cell, x, before, w, lengths)  # pyright: ignore[reportCallIssue]
        elif backend == "scan":
            assert isinstance(cell, ParallelCell), "choose_backend sees to it"
            result = run_scan(cell, x, before, w, lengths, gates=gates)  # pyright: ignore[reportCallIssue]
        else:
            result = run_reference(
                cell, x, before, w, lengths, variant=variant, training=training, gates=gates
            )
        results.append(result)
        x = result.output
    if len(results) == 1:
        return results[0]
    return LayerResult(
        x,
        tuple(torch.cat(of_one) for of_one in zip(*(r.state for r in results), strict=True)),
        {name: torch.cat([r.gates[name] for r in results]) for name in results[0].gates},
    )
