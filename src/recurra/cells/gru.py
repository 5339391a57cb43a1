"""The gated recurrent unit (Cho et al. 2014)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from .base import Weights, product


@dataclass(frozen=True)
class GRUCell:
    """The GRU, with the reset gate after or before the recurrent product.

        r_t = sigmoid(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)
        z_t = sigmoid(W_iz x_t + b_iz + W_hz h_{t-1} + b_hz)
        n_t = tanh(W_in x_t + b_in + r_t * (W_hn h_{t-1} + b_hn))      reset after  (arXiv:1406.1078v1)
        n_t = tanh(W_in x_t + b_in + W_hn (r_t * h_{t-1}) + b_hn)      reset before (arXiv:1406.1078v3)
        h_t = (1 - z_t) * n_t + z_t * h_{t-1}

    Gate order: r, z, n. "after" is what torch, cuDNN and Keras (reset_after=True) compute; "before" is Keras
    with reset_after=False. z near 1 keeps the old state. With layer normalisation (arXiv:1607.06450) each
    product is normalised before its bias is added, the rows of r and z together and those of n by themselves.

    The usual initialisation is U(-1/sqrt(H), 1/sqrt(H)).

    Args:
        reset: where the reset gate acts.
    """

    reset: Literal["after", "before"] = "after"

    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    states: ClassVar[tuple[str, ...]] = ("h",)

    @property
    def beyond_torch(self) -> tuple[str, ...]:
        """The reset gate before the product, when it is there."""
        return ('reset="before"',) if self.reset == "before" else ()

    def project(self, x: Tensor, w: Weights) -> Tensor:
        """W_ih x + b_ih: (..., I) -> (..., 3*H)."""
        units = w.w_ih.size(0) // 3
        return product(x, w.w_ih, w.b_ih, w.norm_ih, (2 * units, units))

    def step(
        self,
        projected: Tensor,
        state: tuple[Tensor, ...],
        w: Weights,
        *,
        mask: Tensor | None = None,
        gates: bool = False,
    ) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
        """One step; see `Cell.step`. The dict holds r, z, n and h."""
        (h_prev,) = state
        units = h_prev.size(-1)
        h_seen = h_prev if mask is None else h_prev * mask
        x_rz, x_n = projected.split((2 * units, units), -1)
        if self.reset == "after":
            recurrent = product(h_seen, w.w_hh, w.b_hh, w.norm_hh, (2 * units, units))
            h_rz, h_n = recurrent.split((2 * units, units), -1)
            r, z = torch.sigmoid(x_rz + h_rz).chunk(2, -1)
            n = torch.tanh(x_n + r * h_n)
        else:
            w_rz, w_n = w.w_hh.split((2 * units, units))
            (b_rz, b_n), (gain_rz, gain_n) = (
                (None, None) if t is None else t.split((2 * units, units)) for t in (w.b_hh, w.norm_hh)
            )
            r, z = torch.sigmoid(x_rz + product(h_seen, w_rz, b_rz, gain_rz)).chunk(2, -1)
            n = torch.tanh(x_n + product(r * h_seen, w_n, b_n, gain_n))
        h_next = (1 - z) * n + z * h_prev
        return (h_next,), {"r": r, "z": z, "n": n, "h": h_next} if gates else {}
