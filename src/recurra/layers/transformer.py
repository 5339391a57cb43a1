"""torch's own transformer encoder with positions, called as recurrent layers are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from ..axes import valid_steps, zero_padding
from ..errors import InputError
from ..ops.streaming.stages import Stage
from .arguments import checked_share
from .borders import take_input


class TransformerEncoder(nn.Module):
    """`torch.nn.TransformerEncoder` with positions, over a padded batch (Vaswani et al., arXiv:1706.03762).

        h^0_t = W x_t + b + p_t,    p_{t,2i} = sin(t / 10000^(2i/H)),    p_{t,2i+1} = cos(t / 10000^(2i/H))
        h^l = h + feed_forward(norm(h)),    h = h^(l-1) + attention(norm(h^(l-1)));    y = norm(h^L)

    The norm stands before each part, where training needs no warm-up (Xiong et al., arXiv:2002.04745). It carries no
    state: each call sees what it is given, from position 0 on.

    Args:
        input_size: I, features per step.
        hidden_size: H, features of a step inside; a multiple of `heads`.
        num_layers: L.
        heads: of the attention.
        inner_size: units of the feed-forward parts; None: 4 H.
        batch_first: as in torch's recurrent layers.
        dropout: on the input, attention and both parts.
        causal: a step sees no step after it; else all of its sequence.
    Shapes (batch_first):
        input (B, T, I), lengths (B,) -> output (B, T, H), (). Output past `lengths` is 0; nothing there is read.

    >>> encoder = TransformerEncoder(4, 8, heads=2, batch_first=True)
    >>> output, state = encoder(torch.randn(2, 5, 4), lengths=[5, 3])
    >>> output.shape, state
    (torch.Size([2, 5, 8]), ())
    """

    directions = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        heads: int = 4,
        *,
        inner_size: int | None = None,
        batch_first: bool = False,
        dropout: float = 0.0,
        causal: bool = False,
    ):
        super().__init__()
        inner = 4 * hidden_size if inner_size is None else inner_size
        if heads < 1 or hidden_size % heads:
            raise InputError(
                f"expected a multiple of the {heads} heads, got {hidden_size}", where="hidden_size"
            )
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.heads, self.inner_size, self.batch_first, self.causal = heads, inner, batch_first, causal
        self.embed = nn.Linear(input_size, hidden_size)
        self.dropout = nn.Dropout(checked_share("dropout", dropout))
        layer = nn.TransformerEncoderLayer(hidden_size, heads, inner, dropout, norm_first=True)
        self.encoder = nn.TransformerEncoder(
            layer, num_layers, nn.LayerNorm(hidden_size), enable_nested_tensor=False
        )
        for part in self.encoder.layers:  # torch copies the first one; each is to begin by itself
            for name, weight in part.named_parameters():
                if weight.dim() > 1:
                    (nn.init.xavier_uniform_ if "in_proj" in name else _as_linear)(weight)

    @property
    def out_features(self) -> int:
        """Numbers that it gives for every step: H."""
        return self.hidden_size

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Sequence[Any] | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
    ) -> tuple[Any, tuple[()]]:
        """Whole sequences.

        Raises:
            ValueError, RuntimeError: an input or lengths that cannot be, as recurrent layers say it.
            InputError: a state, for it carries none.
        """
        if hx is not None and len(hx):
            raise InputError("a transformer carries no state from call to call", where="hx")
        border = take_input(input, lengths, batch_first=self.batch_first, name="TransformerEncoder")
        x, ends = border.x, border.lengths
        if x.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {x.size(-1)}"
            )
        if ends is not None:
            x = zero_padding(x, ends, batch_first=False)
        steps = x.size(0)
        y = self.dropout(self.embed(x) + positions(steps, self.hidden_size).to(x)[:, None])
        unseen = None
        if ends is not None and not self.causal:
            unseen = ~valid_steps(ends.clamp(min=1), steps)  # an empty sequence would be 0 / 0
        later = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1) if self.causal else None
        y = self.encoder(y, mask=later, src_key_padding_mask=unseen, is_causal=self.causal)
        if ends is not None:
            y = zero_padding(y, ends, batch_first=False)
        return border.output(y), ()

    def stages(self, first: int = 0) -> list[Stage]:
        """None.

        Raises:
            InputError: always; the message says why.
        """
        raise InputError(
            "a transformer looks at all steps anew at every step: it cannot run step by step in constant time",
            where="network.cell",
            fix="Train a recurrent cell, or a tcn.",
        )

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.input_size}, {self.hidden_size}, heads={self.heads}, causal={self.causal}"


def positions(steps: int, size: int) -> Tensor:
    """(T, H) the places of steps as waves of H / 2 lengths, from 2 pi to 10000 * 2 pi steps.

    >>> positions(2, 2)
    tensor([[0.0000, 1.0000],
            [0.8415, 0.5403]])
    """
    angles = torch.arange(steps)[:, None] * torch.exp(torch.arange(0, size, 2) * (-math.log(10_000) / size))
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[:, :size]


def _as_linear(weight: Tensor) -> None:
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
