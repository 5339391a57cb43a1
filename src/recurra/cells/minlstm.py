"""Minimal long short-term memory (Feng et al. 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from .parallel import Coefficients, ParallelCell


@dataclass(frozen=True)
class MinLSTMCell(ParallelCell):
    """minLSTM: input and forget gate see the input alone and share out 1 (arXiv:2410.01201, section 3.2).

        i'_t = sigmoid(W_ii x_t + b_ii),    f'_t = sigmoid(W_if x_t + b_if)
        i_t = i'_t / (i'_t + f'_t),         f_t = f'_t / (i'_t + f'_t)
        g_t = W_ig x_t + b_ig
        h_t = f_t * h_{t-1} + i_t * g_t

    Gate order: i, f, g, as in `LSTMCell`, without o and without a second state. i and f are the shares that act. They
    are computed as f = sigmoid(log f' - log i'), which is right where both gates are next to 0.
    """

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "g")

    def coefficients(self, projected: Tensor) -> Coefficients:
        """See `ParallelCell.coefficients`."""
        let_in, kept, g = projected.chunk(3, -1)
        logits = F.logsigmoid(kept) - F.logsigmoid(let_in)
        i, f = torch.sigmoid(-logits), torch.sigmoid(logits)
        return Coefficients(f, i * g, {"i": i, "f": f, "g": g})
