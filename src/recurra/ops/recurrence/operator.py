"""The recurrence as two operators that torch knows: `recurra::recurrence` and `recurra::recurrence_backward`.

The steps are native (`csrc/recurrence.h`); the gradients of the weights are large matrix products, and torch's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...axes import zero_padding
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
    lengths: Tensor | None,
    cell: str,
    reverse: bool,
    keep: bool,
) -> Five:
    """One layer in one direction.

    Args:
        x: (T, B, I); h, c: (B, H) before the first step, c of a LSTM.
        w_ih, w_hh, b_ih, b_hh: as in `Weights`.
        lengths: (B,) int64.
        cell: see `native_name`.
        keep: the gates, for `run_backward`.

    Returns:
        output (T, B, H), h and c (B, H) after the last step, and what `run_backward` needs: gates (T, B, G*H) and
        cells (T, B, H). What the cell has not, or is not kept, is empty.
    """
    output, gates = x.new_empty(*x.shape[:2], h.size(1)), None
    if keep:
        gates = x.new_empty(*x.shape[:2], w_ih.size(0))
    cells = torch.empty_like(output) if _has_cells(cell) else None
    h_after, c_after = torch.empty_like(output[0]), None if c is None else torch.empty_like(output[0])
    _kernels().forward(
        **_layer(cell, reverse, lengths, w_ih, w_hh, h, c),
        output=output,
        gates=gates,
        cells=cells,
        x=_plain(x),
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
    lengths: Tensor | None,
    output: Tensor,
    gates: Tensor,
    cells: Tensor,
    cell: str,
    reverse: bool,
    wants_x: bool,
) -> Seven:
    """Gradients of x, h, c, w_ih, w_hh, b_ih and b_hh; empty where there is none, or none is wanted."""
    units = h.size(1)
    of_gates = torch.empty_like(gates)
    of_recurrent = torch.empty_like(output) if cell == "gru_after" else None
    of_x = x.new_empty(x.shape) if wants_x else None
    h = _plain(h)
    of_h_before, of_c_before = torch.empty_like(h), None if c is None else torch.empty_like(h)
    _kernels().backward(
        **_layer(cell, reverse, lengths, w_ih, w_hh, h, c),
        output=output.detach(),
        gates=gates.detach(),
        cells=cells.detach() if _has_cells(cell) else None,
        of_output=_plain(of_output),
        of_h_after=_plain(of_h),
        of_c_after=_plain(of_c),
        of_gates=of_gates,
        of_recurrent=of_recurrent,
        of_x=of_x,
        of_h_before=of_h_before,
        of_c_before=of_c_before,
    )
    if lengths is not None:
        x = zero_padding(x, lengths, batch_first=False)
    flat = of_gates.flatten(0, 1)
    of_w_ih, of_b_ih = flat.T @ x.flatten(0, 1), flat.sum(0)

    def of_weights(of_sums: Tensor) -> Tensor:
        return _of_recurrent_weights(of_sums, output, h, lengths, reverse)

    of_b_hh = of_b_ih.clone()
    if of_recurrent is not None:
        of_w_hh = torch.cat([of_weights(of_gates[..., : 2 * units]), of_weights(of_recurrent)])
        of_b_hh[2 * units :] = of_recurrent.sum((0, 1))
    elif cell == "gru_before":
        of_n = of_gates[..., 2 * units :].flatten(0, 1).T @ cells.flatten(0, 1)
        of_w_hh = torch.cat([of_weights(of_gates[..., : 2 * units]), of_n])
    else:
        of_w_hh = of_weights(of_gates)
    return _or_empty(of_x, x), of_h_before, _or_empty(of_c_before, x), of_w_ih, of_w_hh, of_b_ih, of_b_hh


def _of_recurrent_weights(
    of_sums: Tensor, output: Tensor, h: Tensor, lengths: Tensor | None, reverse: bool
) -> Tensor:
    """The gradient of W in sums_t = W h_{t-1}, (rows, H), from those of the sums, (T, B, rows)."""
    now, before = (of_sums[:-1], output[1:]) if reverse else (of_sums[1:], output[:-1])
    if not reverse:
        first = of_sums[0]
    elif lengths is None:
        first = of_sums[-1]
    else:
        first = of_sums[(lengths - 1).clamp(min=0), torch.arange(len(lengths))]
    return torch.addmm(first.T @ h, now.flatten(0, 1).T, before.flatten(0, 1))


def _layer(
    cell: str,
    reverse: bool,
    lengths: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    h: Tensor,
    c: Tensor | None,
) -> dict[str, Any]:
    """What goes forward and what goes backward have in common."""
    return {
        "cell": cell,
        "reverse": reverse,
        "threads": torch.get_num_threads(),
        "lengths": _plain(lengths),
        "w_ih": _plain(w_ih),
        "w_hh": _plain(w_hh),
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
def _(x, h, c, w_ih, w_hh, b_ih, b_hh, lengths, cell, reverse, keep):
    output = x.new_empty(*x.shape[:2], h.size(1))
    return (
        output,
        torch.empty_like(output[0]),
        x.new_empty(0) if c is None else torch.empty_like(output[0]),
        x.new_empty(*x.shape[:2], w_ih.size(0)) if keep else x.new_empty(0),
        torch.empty_like(output) if _has_cells(cell) else x.new_empty(0),
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
    lengths,
    output,
    gates,
    cells,
    cell,
    reverse,
    wants_x,
):
    return (
        x.new_empty(x.shape) if wants_x else x.new_empty(0),
        h.new_empty(h.shape),
        x.new_empty(0) if c is None else h.new_empty(h.shape),
        w_ih.new_empty(w_ih.shape),
        w_hh.new_empty(w_hh.shape),
        w_ih.new_empty(w_ih.size(0)),
        w_ih.new_empty(w_ih.size(0)),
    )
