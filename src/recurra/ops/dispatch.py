"""Which backend runs a layer, and why."""

from __future__ import annotations

from typing import NamedTuple

import torch

from ..cells.base import Cell
from ..cells.gru import GRUCell
from ..cells.parallel import ParallelCell
from ..errors import BackendError, InputError
from .native import why_not_native
from .time_loop import Variant

BACKENDS = ("auto", "native", "fused", "reference", "scan")


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
    device: str = "cpu",
    projection: bool = False,
) -> Choice:
    """Choose the fastest backend that can run this configuration, or check the one that was asked for.

    `"reference"` is the loop over time in plain PyTorch and runs everything. `"fused"` is torch's own kernel
    (oneDNN or native on a CPU, cuDNN on a GPU) and runs what `torch.nn` can express. `"native"` are kernels of
    our own for float32 and bfloat16 on a CPU, where they were built; they know the reset gate before the product and
    recurrent dropout, too.
    `"scan"` runs all steps in parallel, of cells whose gates do not see the state: on a GPU, in 64 bits, and where
    there are no kernels of our own.

    Args:
        device: the kind of device that the weights are on.
        projection: the hidden state is projected.

    Raises:
        InputError: there is no backend of that name.
        BackendError: the backend asked for cannot run this; the message names the option in its way.

    >>> from recurra.cells.gru import GRUCell
    >>> choose_backend("auto", GRUCell("before"), Variant(layer_norm=True), training=True).backend
    'reference'
    """
    if asked not in BACKENDS:
        raise InputError(
            f"expected one of {', '.join(BACKENDS)}, got {asked!r}", where="backend", fix="Take one of these."
        )
    if asked == "reference":
        return Choice("reference", "asked for")
    if isinstance(cell, ParallelCell):
        return _for_parallel(asked, variant, gates, dtype, device)
    if asked == "scan":
        raise BackendError(
            "the gates of this cell see the state: a step needs the one before it",
            where='backend="scan"',
            fix='Take backend="auto", or MinGRU or MinLSTM.',
        )
    if asked != "fused":
        missing = why_not_native()
        beyond = _native_obstacles(cell, variant, gates, dtype, device)
        beyond += ["proj_size"] if projection else []
        if missing is None and not beyond:
            return Choice("native", "asked for" if asked == "native" else "our kernels know every option set")
        if asked == "native":
            raise BackendError(
                missing or f"our kernels do not know {', '.join(beyond)}",
                where='backend="native"',
                fix='Take backend="auto".',
            )
    obstacles = _fused_obstacles(cell, variant, training, gates, dtype)
    if not obstacles:
        return Choice("fused", "asked for" if asked == "fused" else "torch's kernels know every option set")
    problem = f"torch's kernels do not know {', '.join(obstacles)}"
    if asked == "fused":
        raise BackendError(problem, where='backend="fused"', fix='Leave that out, or take backend="auto".')
    return Choice("reference", problem)


def _for_parallel(asked: str, variant: Variant, gates: bool, dtype: torch.dtype, device: str) -> Choice:
    if asked == "fused":
        raise BackendError(
            "torch has kernels for RNN, LSTM and GRU alone",
            where='backend="fused"',
            fix='Take backend="auto".',
        )
    zoneout = [_shown_zoneout(variant)] if any(variant.zoneout) else []
    if asked != "scan":
        missing, beyond = why_not_native(), [*zoneout, *(["return_gates=True"] if gates else [])]
        beyond += [] if dtype in (torch.float32, torch.bfloat16) else [f"dtype={dtype}"]
        beyond += [] if device == "cpu" else [f"device={device}"]
        beyond += _recorded()
        if missing is None and not beyond:
            return Choice("native", "asked for" if asked == "native" else "our kernels know every option set")
        if asked == "native":
            raise BackendError(
                missing or f"our kernels do not know {', '.join(beyond)}",
                where='backend="native"',
                fix='Take backend="auto".',
            )
    obstacles = zoneout + _recorded()
    if not obstacles:
        return Choice("scan", "asked for" if asked == "scan" else "no gate sees the state")
    problem = f"the scan does not know {', '.join(obstacles)}"
    if asked == "scan":
        raise BackendError(problem, where='backend="scan"', fix='Leave that out, or take backend="auto".')
    return Choice("reference", problem)


def _fused_obstacles(
    cell: Cell, variant: Variant, training: bool, gates: bool, dtype: torch.dtype
) -> list[str]:
    obstacles = list(cell.beyond_torch) + _beyond_the_plain_cell(variant, gates)
    if variant.recurrent_dropout and training:
        obstacles.append(f"recurrent_dropout={variant.recurrent_dropout:g}")
    if not dtype.is_floating_point:
        obstacles.append(f"dtype={dtype}")
    return obstacles


def _native_obstacles(
    cell: Cell, variant: Variant, gates: bool, dtype: torch.dtype, device: str
) -> list[str]:
    obstacles = [option for option in cell.beyond_torch if not isinstance(cell, GRUCell)]
    obstacles += _beyond_the_plain_cell(variant, gates)
    if dtype not in (torch.float32, torch.bfloat16):
        obstacles.append(f"dtype={dtype}")
    if device != "cpu":
        obstacles.append(f"device={device}")
    elif torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") != torch.bfloat16:
        obstacles.append(f"autocast to {torch.get_autocast_dtype('cpu')}")
    return obstacles + _traced()


def _beyond_the_plain_cell(variant: Variant, gates: bool) -> list[str]:
    obstacles = []
    if variant.layer_norm:
        obstacles.append("layer_norm=True")
    if any(variant.zoneout):
        obstacles.append(_shown_zoneout(variant))
    if gates:
        obstacles.append("return_gates=True")
    return obstacles


def _traced() -> list[str]:
    """A trace has only what torch itself ran: of a kernel of our own it would keep the memory that it wrote to."""
    return ["torch.jit.trace"] if torch.jit.is_tracing() else []  # pyright: ignore[reportPrivateImportUsage]


def _recorded() -> list[str]:
    """A program that is exported has torch's operators, and those of `recurra.ops.recurrence.operator`."""
    return _traced() + (["torch.export"] if torch.compiler.is_exporting() else [])


def _shown_zoneout(variant: Variant) -> str:
    return f"zoneout={', '.join(f'{rate:g}' for rate in variant.zoneout)}"
