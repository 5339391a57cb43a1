"""Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from .base import Weights, normalise, product


@dataclass(frozen=True)
class LSTMCell:
    """The LSTM with a forget gate (doi:10.1162/089976600300015015), as `torch.nn.LSTM` computes it.

        i_t = sigmoid(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi  [+ p_i * c_{t-1}])
        f_t = sigmoid(W_if x_t + b_if + W_hf h_{t-1} + b_hf  [+ p_f * c_{t-1}])
        g_t = tanh   (W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)
        c_t = f_t * c_{t-1} + i_t * g_t
        o_t = sigmoid(W_io x_t + b_io + W_ho h_{t-1} + b_ho  [+ p_o * c_t])
        h_t = o_t * tanh(c_t),   with a projection (arXiv:1402.1128): h_t = W_hr (o_t * tanh(c_t))

    Gate order: i, f, g, o. In brackets: peepholes (Gers & Schmidhuber 2000, doi:10.1109/IJCNN.2000.861302),
    where o looks at the new cell state. With layer normalisation (arXiv:1607.06450) W_i x and W_h h are
    normalised over all four gates together before the biases are added, and c_t within the last tanh.

    The usual initialisation is U(-1/sqrt(H), 1/sqrt(H)); a forget bias of 1 helps long lags
    (Jozefowicz et al. 2015).

    Args:
        peepholes: the gates see the cell state, through `Weights.peephole`.
    """

    peepholes: bool = False

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")
    states: ClassVar[tuple[str, ...]] = ("h", "c")

    @property
    def beyond_torch(self) -> tuple[str, ...]:
        """Peepholes, when they are on."""
        return ("peepholes=True",) if self.peepholes else ()

    def project(self, x: Tensor, w: Weights) -> Tensor:
        """W_ih x + b_ih: (..., I) -> (..., 4*H)."""
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
        """One step; see `Cell.step`. The dict holds i, f, g, o, h and the cell state c."""
        h_prev, c_prev = state
        recurrent = product(h_prev if mask is None else h_prev * mask, w.w_hh, w.b_hh, w.norm_hh)
        a_i, a_f, a_g, a_o = (projected + recurrent).chunk(4, -1)
        p_i, p_f, p_o = (None, None, None) if w.peephole is None else w.peephole.unbind()
        i, f = torch.sigmoid(_peep(a_i, p_i, c_prev)), torch.sigmoid(_peep(a_f, p_f, c_prev))
        g = torch.tanh(a_g)
        c_next = f * c_prev + i * g
        o = torch.sigmoid(_peep(a_o, p_o, c_next))
        h_next = o * torch.tanh(c_next if w.norm_c is None else normalise(c_next, w.norm_c))
        if w.w_hr is not None:
            h_next = F.linear(h_next, w.w_hr)
        inside = {"i": i, "f": f, "g": g, "o": o, "h": h_next, "c": c_next} if gates else {}
        return (h_next, c_next), inside


def _peep(a: Tensor, p: Tensor | None, c: Tensor) -> Tensor:
    return a if p is None else a + p * c
