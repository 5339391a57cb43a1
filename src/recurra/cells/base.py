"""What every cell offers, and the product that all of them are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor


class Weights(NamedTuple):
    """The tensors of one cell: one layer, one direction. G gates, I inputs, H units, P = H or the projection.

    Args:
        w_ih: (G*H, I) and w_hh: (G*H, P): input and recurrent weights, gates one below the other;
            w_hh is (0, H) where no gate sees the state.
        b_ih, b_hh: (G*H,) biases, or None.
        w_hr: (P, H) projection of the hidden state (LSTM), or None.
        peephole: (3, H) diagonal weights of the cell state into i, f, o (LSTM), or None.
        norm_ih, norm_hh: (G*H,) gains of layer normalisation, or None.
        norm_c: (H,) gain of the normalised cell state (LSTM), or None.
    """

    w_ih: Tensor
    w_hh: Tensor
    b_ih: Tensor | None = None
    b_hh: Tensor | None = None
    w_hr: Tensor | None = None
    peephole: Tensor | None = None
    norm_ih: Tensor | None = None
    norm_hh: Tensor | None = None
    norm_c: Tensor | None = None


class Cell(Protocol):
    """The equations of one step. A cell holds options only; weights and state are arguments.

    Attributes:
        gates: the blocks of `w_ih` and `w_hh` from top to bottom.
        states: names of the tensors that are carried from step to step; the first is the output.
        beyond_torch: the options set on this cell that torch's own kernels do not know.
    """

    gates: ClassVar[tuple[str, ...]]
    states: ClassVar[tuple[str, ...]]

    @property
    def beyond_torch(self) -> tuple[str, ...]: ...

    def project(self, x: Tensor, w: Weights) -> Tensor:
        """The part of the gates that needs no state: (..., I) -> (..., G*H), for all steps at once."""
        ...

    def step(
        self,
        projected: Tensor,
        state: tuple[Tensor, ...],
        w: Weights,
        *,
        mask: Tensor | None = None,
        gates: bool = False,
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
        """One step: `projected` (B, G*H) and the state before it -> the state after it, and what was inside.

        `mask` (B, P) multiplies the hidden state on its way into the recurrent product, and only there.
        The dict holds every gate and every state, each (B, H), or (B, P) for a projected h, when `gates` is
        true; else it is empty.
        """
        ...


def product(
    x: Tensor, weight: Tensor, bias: Tensor | None, gain: Tensor | None, blocks: Sequence[int] | None = None
) -> Tensor:
    """`W x + b`, or `gain * normalise(W x) + b` when there is a gain (Ba et al., arXiv:1607.06450).

    Args:
        x: (..., I); weight: (N, I); bias: (N,) or None; gain: (N,) or None.
        blocks: sizes that sum to N, each normalised by itself; None for all N together.
    """
    if gain is None:
        return F.linear(x, weight, bias)
    sizes = list(blocks or [weight.size(0)])
    parts = zip(F.linear(x, weight).split(sizes, -1), gain.split(sizes), strict=True)
    y = torch.cat([normalise(part, part_gain) for part, part_gain in parts], -1)
    return y if bias is None else y + bias


def normalise(x: Tensor, gain: Tensor) -> Tensor:
    """Zero mean and unit variance over the last axis, times `gain`; the variance is kept off zero by 1e-5."""
    return F.layer_norm(x, x.shape[-1:], gain)
