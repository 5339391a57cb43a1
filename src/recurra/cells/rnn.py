"""The simple recurrent network (Elman 1990)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from .base import Weights, product


@dataclass(frozen=True)
class RNNCell:
    """Elman's cell (doi:10.1207/s15516709cog1402_1), as `torch.nn.RNN` computes it.

        h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh),   f = tanh or max(0, .)

    With layer normalisation (arXiv:1607.06450) both products are normalised before the biases are added:

        h_t = f(norm(W_ih x_t) + b_ih + norm(W_hh h_{t-1}) + b_hh)

    The usual initialisation is U(-1/sqrt(H), 1/sqrt(H)); ReLU units remember longer with an orthogonal W_hh.

    Args:
        nonlinearity: f.

    >>> cell, w = RNNCell("relu"), Weights(torch.ones(1, 1), torch.ones(1, 1))
    >>> cell.step(cell.project(torch.tensor([[2.0]]), w), (torch.tensor([[3.0]]),), w)
    ((tensor([[5.]]),), {})
    """

    nonlinearity: Literal["tanh", "relu"] = "tanh"

    gates: ClassVar[tuple[str, ...]] = ("h",)
    states: ClassVar[tuple[str, ...]] = ("h",)

    @property
    def beyond_torch(self) -> tuple[str, ...]:
        """Nothing: torch's kernels know both nonlinearities."""
        return ()

    def project(self, x: Tensor, w: Weights) -> Tensor:
        """W_ih x + b_ih: (..., I) -> (..., H)."""
        return product(x, w.w_ih, w.b_ih, w.norm_ih)

    def step(
        self,
        projected: Tensor,
        state: tuple[Tensor, ...],
        w: Weights,
        *,
        mask: Tensor | None = None,
        gates: bool = False,
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
        """One step; see `Cell.step`. The RNN has no gates: the dict holds `h` alone."""
        (h_prev,) = state
        recurrent = product(h_prev if mask is None else h_prev * mask, w.w_hh, w.b_hh, w.norm_hh)
        a = projected + recurrent
        h_next = torch.tanh(a) if self.nonlinearity == "tanh" else torch.relu(a)
        return (h_next,), {"h": h_next} if gates else {}
