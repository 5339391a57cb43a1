"""The minimal gated recurrent unit (Feng et al. 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .parallel import Coefficients, ParallelCell


@dataclass(frozen=True)
class MinGRUCell(ParallelCell):
    """minGRU: a GRU whose gate and candidate see the input alone (arXiv:2410.01201, section 3.1).

        z_t = sigmoid(W_iz x_t + b_iz)
        n_t = W_in x_t + b_in
        h_t = (1 - z_t) * h_{t-1} + z_t * n_t

    Gate order: z, n. z near 1 takes the new value, as in the paper; it is the other way round in `GRUCell`. The paper
    also makes the candidate positive, for a scan over logarithms; the scan here needs no logarithms.

    >>> from recurra.cells.base import Weights
    >>> cell, w = MinGRUCell(), Weights(torch.tensor([[0.0], [1.0]]), torch.empty(0, 1))
    >>> cell.step(cell.project(torch.tensor([[2.0]]), w), (torch.tensor([[4.0]]),), w)
    ((tensor([[3.]]),), {})
    """

    gates: ClassVar[tuple[str, ...]] = ("z", "n")

    def coefficients(self, projected: Tensor) -> Coefficients:
        """See `ParallelCell.coefficients`."""
        logits, n = projected.chunk(2, -1)
        z, kept = torch.sigmoid(logits), torch.sigmoid(-logits)
        return Coefficients(kept, z * n, {"z": z, "n": n})
