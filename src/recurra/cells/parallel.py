"""Cells whose gates do not see the state: their steps are one linear recurrence, which runs in parallel over time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from .base import Weights, product


class Coefficients(NamedTuple):
    """Of h_t = a_t * h_{t-1} + b_t.

    Args:
        a: share of the old state that is kept, between 0 and 1.
        b: what comes in.
        gates: by their names; those of the cell.
    """

    a: Tensor
    b: Tensor
    gates: dict[str, Tensor]


class ParallelCell(ABC):
    """A cell of the form h_t = a_t * h_{t-1} + b_t, with a_t and b_t of x_t alone; the candidate is its last gate.

    There is no W_hh: `Weights.w_hh` is (0, H). With layer normalisation (arXiv:1607.06450) the rows of the gates are
    normalised together before the bias is added, those of the candidate by themselves.
    """

    gates: ClassVar[tuple[str, ...]]
    states: ClassVar[tuple[str, ...]] = ("h",)

    @property
    def beyond_torch(self) -> tuple[str, ...]:
        """No option; that torch does not know the cell itself is known to `recurra.ops.dispatch`."""
        return ()

    @abstractmethod
    def coefficients(self, projected: Tensor) -> Coefficients:
        """Of any steps at once: (..., G*H) -> a, b and every gate, each (..., H)."""

    def project(self, x: Tensor, w: Weights) -> Tensor:
        """W_ih x + b_ih: (..., I) -> (..., G*H), in 32 bits at least: with fewer a share near 1 has no room."""
        units = w.w_ih.size(0) // len(self.gates)
        y = product(x, w.w_ih, w.b_ih, w.norm_ih, (units * (len(self.gates) - 1), units))
        return y.to(torch.promote_types(y.dtype, torch.float32))

    def step(
        self,
        projected: Tensor,
        state: tuple[Tensor, ...],
        w: Weights,
        *,
        mask: Tensor | None = None,
        gates: bool = False,
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
        """One step; see `Cell.step`. There is no recurrent product for `mask` to act in; the dict holds h, too."""
        (h_prev,) = state
        a, b, inside = self.coefficients(projected)
        h_next = torch.addcmul(b, a, h_prev.to(a.dtype)).to(h_prev.dtype)
        return (h_next,), {**inside, "h": h_next} if gates else {}
