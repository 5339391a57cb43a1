"""Initial values of recurrent weights and biases that torch does not offer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..cells.base import Cell
from ..cells.gru import GRUCell
from ..cells.mingru import MinGRUCell


def orthogonal_blocks(w_hh: Tensor, gates: int) -> None:
    """Make each gate's (H, P) block of `w_hh` orthogonal, in place (Saxe et al., arXiv:1312.6120)."""
    wide = torch.promote_types(w_hh.dtype, torch.float32)  # fewer bits have no QR decomposition
    for block in w_hh.chunk(gates):
        block.copy_(nn.init.orthogonal_(torch.empty_like(block, dtype=wide)))


def chrono_biases(cell: Cell, b_ih: Tensor, b_hh: Tensor | None, span: int) -> None:
    """Set the biases so that units forget over 1 to `span` - 1 steps (Tallec & Ollivier, arXiv:1804.11188).

        LSTM, minLSTM: b_f = log(U(1, span - 1)),  b_i = -b_f
        GRU:    b_z = log(U(1, span - 1)),   as z keeps the old state
        minGRU: b_z = -log(U(1, span - 1)),  as z takes the new one

    Changes `b_ih` and `b_hh` (G*H,) in place; the biases of the other gates stay as they are.
    """
    units = b_ih.size(0) // len(cell.gates)
    spans = torch.empty(units, device=b_ih.device).uniform_(1, span - 1).log().to(b_ih.dtype)
    if isinstance(cell, GRUCell):
        changed, values = slice(units, 2 * units), spans
    elif isinstance(cell, MinGRUCell):
        changed, values = slice(0, units), -spans
    else:
        changed, values = slice(0, 2 * units), torch.cat([-spans, spans])
    b_ih[changed] = values
    if b_hh is not None:
        b_hh[changed] = 0.0
