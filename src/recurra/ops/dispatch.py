"""Which backend runs a layer, and why."""

from __future__ import annotations

from typing import NamedTuple

import torch

from ..cells.base import Cell
from ..errors import BackendError, InputError
from .time_loop import Variant

BACKENDS = ("auto", "fused", "reference")


class Choice(NamedTuple):
    """A backend and the reason for it, in words for people."""

    backend: str
    reason: str


def choose_backend(
    asked: str,
    cell: Cell,
    variant: Variant,
    *,
    training: bool,
    gates: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Choice:
    """Choose the fastest backend that can run this configuration, or check the one that was asked for.

    `"reference"` is the loop over time in plain PyTorch and runs everything. `"fused"` is torch's own kernel
    (oneDNN or native on a CPU, cuDNN on a GPU) and runs what `torch.nn` can express.

    Raises:
        InputError: there is no backend of that name.
        BackendError: the backend asked for cannot run this; the message names the option in its way.

    >>> from recurra.cells.gru import GRUCell
    >>> choose_backend("auto", GRUCell("before"), Variant(), training=True)
    Choice(backend='reference', reason='torch\\'s kernels do not know reset="before"')
    """
    if asked not in BACKENDS:
        raise InputError(
            f"expected one of {', '.join(BACKENDS)}, got {asked!r}", where="backend", fix="Take one of these."
        )
    if asked == "reference":
        return Choice("reference", "asked for")
    obstacles = _fused_obstacles(cell, variant, training, gates, dtype)
    if not obstacles:
        return Choice("fused", "asked for" if asked == "fused" else "torch's kernels know every option set")
    problem = f"torch's kernels do not know {', '.join(obstacles)}"
    if asked == "fused":
        raise BackendError(problem, where='backend="fused"', fix='Leave that out, or take backend="auto".')
    return Choice("reference", problem)


def _fused_obstacles(
    cell: Cell, variant: Variant, training: bool, gates: bool, dtype: torch.dtype
) -> list[str]:
    obstacles = list(cell.beyond_torch)
    if variant.layer_norm:
        obstacles.append("layer_norm=True")
    if variant.recurrent_dropout and training:
        obstacles.append(f"recurrent_dropout={variant.recurrent_dropout:g}")
    if any(variant.zoneout):
        obstacles.append(f"zoneout={', '.join(f'{rate:g}' for rate in variant.zoneout)}")
    if gates:
        obstacles.append("return_gates=True")
    if not dtype.is_floating_point:
        obstacles.append(f"dtype={dtype}")
    return obstacles
