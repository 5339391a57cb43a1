"""The recurrence as two operators that torch knows: `recurra::recurrence` and `recurra::recurrence_backward`.

Both are native, see `csrc/recurrence.h`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...cells.base import Cell
from ...cells.gru import GRUCell
from ...cells.rnn import RNNCell
from ..native import native_kernels

Five = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
Seven = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


def native_name(cell: Cell) -> str:
    """What csrc/recurrence.h calls the cell."""
    if isinstance(cell, RNNCell):
        return f"rnn_{cell.nonlinearity}"
    return f"gru_{cell.reset}" if isinstance(cell, GRUCell) else "lstm"


def run_forward(
    x: Tensor,
    h: Tensor,
    c: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    mask: Tensor | None,
    lengths: Tensor | None,
    cell: str,
    reverse: bool,
    keep: bool,
) -> Five:
    """One layer in one direction, in the precision of x: float32 or bfloat16.

    Args:
        x: (T, B, I); h, c: (B, H) before the first step, c of a LSTM, of the same number type.
        w_ih, w_hh, b_ih, b_hh: as in `Weights`, float32 in any case.
        mask: (B, H) float32, multiplies the state on its way into the recurrent product.
        lengths: (B,) int64.
        cell: see `native_name`.
        keep: the gates, for `run_backward`.

    Returns:
        output (T, B, H), h and c (B, H) after the last step, and what `run_backward` needs: gates (T, B, G*H) and
        cells (T, B, H), not of a RNN. What the cell has not, or is not kept, is empty.
    """
    output, gates, cells = x.new_empty(*x.shape[:2], h.size(1)), None, None
    if keep and _has_cells(cell):
        gates, cells = x.new_empty(*x.shape[:2], w_ih.size(0)), torch.empty_like(output)
    h_after, c_after = torch.empty_like(output[0]), None if c is None else torch.empty_like(output[0])
    _kernels().forward(
        **_layer(cell, reverse, lengths, x, w_ih, w_hh, mask, h, c),
        output=output,
        gates=gates,
        cells=cells,
        b_ih=_plain(b_ih),
        b_hh=_plain(b_hh),
        h_after=h_after,
        c_after=c_after,
    )
    return output, h_after, _or_empty(c_after, x), _or_empty(gates, x), _or_empty(cells, x)


def run_backward(
    of_output: Tensor | None,
    of_h: Tensor | None,
    of_c: Tensor | None,
    x: Tensor,
    h: Tensor,
    c: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    mask: Tensor | None,
    lengths: Tensor | None,
    output: Tensor,
    gates: Tensor,
    cells: Tensor,
    cell: str,
    reverse: bool,
    wants_x: bool,
    wants_weights: bool,
) -> Seven:
    """Gradients of x, h, c, w_ih, w_hh, b_ih and b_hh; empty where there is none, or none is wanted.

    Those of weights and biases are float32, the others in the precision of x.
    """
    of_x = x.new_empty(x.shape) if wants_x else None
    h = _plain(h)
    of_h_before, of_c_before = torch.empty_like(h), None if c is None else torch.empty_like(h)
    rows = w_ih.size(0)
    shapes = {"of_w_ih": w_ih.shape, "of_w_hh": w_hh.shape, "of_b_ih": (rows,), "of_b_hh": (rows,)}
    of_weights = {name: w_ih.new_empty(shape) if wants_weights else None for name, shape in shapes.items()}
    _kernels().backward(
        **_layer(cell, reverse, lengths, x, w_ih, w_hh, mask, h, c),
        output=output.detach(),
        gates=gates.detach() if _has_cells(cell) else None,
        cells=cells.detach() if _has_cells(cell) else None,
        of_output=_plain(of_output),
        of_h_after=_plain(of_h),
        of_c_after=_plain(of_c),
        of_x=of_x,
        of_h_before=of_h_before,
        of_c_before=of_c_before,
        **of_weights,
    )
    found = (
        _or_empty(of_x, x),
        of_h_before,
        _or_empty(of_c_before, x),
        *(_or_empty(t, w_ih) for t in of_weights.values()),
    )
    return found  # pyright: ignore[reportReturnType]


def _layer(
    cell: str,
    reverse: bool,
    lengths: Tensor | None,
    x: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    mask: Tensor | None,
    h: Tensor,
    c: Tensor | None,
) -> dict[str, Any]:
    """What goes forward and what goes backward have in common."""
    return {
        "cell": cell,
        "reverse": reverse,
        "threads": torch.get_num_threads(),
        "lengths": _plain(lengths),
        "x": _plain(x),
        "w_ih": _plain(w_ih),
        "w_hh": _plain(w_hh),
        "mask": _plain(mask),
        "h_before": _plain(h),
        "c_before": _plain(c),
    }


def _has_cells(cell: str) -> bool:
    """Whether something is kept of every step beside output and gates."""
    return not cell.startswith("rnn")


def _kernels() -> Any:
    kernels = native_kernels()
    assert kernels is not None, "choose_backend asks before"
    return kernels


def _plain(t: Tensor | None) -> Any:
    """Dense and without a graph: what a kernel may read."""
    return None if t is None else t.detach().contiguous()


def _or_empty(t: Tensor | None, like: Tensor) -> Tensor:
    return like.new_empty(0) if t is None else t


recurrence = torch.library.custom_op("recurra::recurrence", run_forward, mutates_args=(), device_types="cpu")
recurrence_backward = torch.library.custom_op(
    "recurra::recurrence_backward", run_backward, mutates_args=(), device_types="cpu"
)


@recurrence.register_fake
def _(x, h, c, w_ih, w_hh, b_ih, b_hh, mask, lengths, cell, reverse, keep):
    output, keeps = x.new_empty(*x.shape[:2], h.size(1)), keep and _has_cells(cell)
    return (
        output,
        torch.empty_like(output[0]),
        x.new_empty(0) if c is None else torch.empty_like(output[0]),
        x.new_empty(*x.shape[:2], w_ih.size(0)) if keeps else x.new_empty(0),
        torch.empty_like(output) if keeps else x.new_empty(0),
    )


@recurrence_backward.register_fake
def _(
    of_output,
    of_h,
    of_c,
    x,
    h,
    c,
    w_ih,
    w_hh,
    mask,
    lengths,
    output,
    gates,
    cells,
    cell,
    reverse,
    wants_x,
    wants_weights,
):
    rows = w_ih.size(0)
    shapes = (w_ih.shape, w_hh.shape, (rows,), (rows,))
    return (
        x.new_empty(x.shape) if wants_x else x.new_empty(0),
        h.new_empty(h.shape),
        x.new_empty(0) if c is None else h.new_empty(h.shape),
        *(w_ih.new_empty(shape if wants_weights else (0,)) for shape in shapes),
    )
