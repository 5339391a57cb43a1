"""From an output at every step to one vector per sequence."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..axes import last_valid, valid_steps, zero_padding
from ..errors import InputError

KINDS = ("last", "mean", "max", "attention")


class Pooling(nn.Module):
    """Pool the valid steps of each sequence; several ways are joined side by side.

        last       y_T; of a bidirectional layer the forward half of y_T joined with the backward half of y_1
        mean       sum_t y_t / T
        max        max_t y_t, feature by feature
        attention  sum_t a_t y_t,  a = softmax_t(v . tanh(W y_t + b))

    Attention as in Yang et al. 2016 (doi:10.18653/v1/N16-1174). T is each sequence's own length. Padding is
    never read; a sequence without steps gives zeros.

    Args:
        kinds: one or several of "last", "mean", "max", "attention".
        features: F, features per step.
        bidirectional: the second half of the features was computed from the end to the beginning.
    Shapes:
        x (B, T, F), lengths (B,) or None -> (B, `out_features`).
    Raises:
        InputError: no kinds, an unknown one, one named twice, or an odd number of features in two directions.

    >>> pool = Pooling(("mean", "max"), features=1)
    >>> pool(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([2]))
    tensor([[2., 3.]])
    """

    def __init__(self, kinds: str | Sequence[str], features: int, *, bidirectional: bool = False):
        super().__init__()
        self.kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
        if not self.kinds or set(self.kinds) - set(KINDS) or len(set(self.kinds)) < len(self.kinds):
            raise InputError(
                f"expected one or several different ones of {', '.join(KINDS)}, got {kinds!r}", where="kinds"
            )
        if bidirectional and features % 2:
            raise InputError(f"expected an even number in two directions, got {features}", where="features")
        self.features, self.bidirectional = features, bidirectional
        self.out_features = features * len(self.kinds)
        if "attention" in self.kinds:
            self.attention = nn.Sequential(
                nn.Linear(features, features), nn.Tanh(), nn.Linear(features, 1, bias=False)
            )

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, T, F) -> (B, out_features)."""
        if not x.size(1):
            return x.sum(1).repeat(1, len(self.kinds))
        if lengths is None:
            lengths = torch.full((x.size(0),), x.size(1), device=x.device)
        lengths = lengths.to(x.device)
        x = zero_padding(x, lengths)
        valid = valid_steps(lengths, x.size(1)).unsqueeze(-1)
        pooled = [getattr(self, f"_{kind}")(x, valid, lengths) for kind in self.kinds]
        return torch.cat(pooled, -1)

    def _last(self, x: Tensor, valid: Tensor, lengths: Tensor) -> Tensor:
        last = last_valid(x, lengths)
        if not self.bidirectional:
            return last
        half = self.features // 2
        return torch.cat([last[:, :half], x[:, 0, half:]], -1)

    def _mean(self, x: Tensor, valid: Tensor, lengths: Tensor) -> Tensor:
        wide = torch.promote_types(x.dtype, torch.float32)  # bfloat16 holds no length between 256 and 258
        return (x.sum(1, dtype=wide) / lengths.clamp(min=1).unsqueeze(-1).to(wide)).to(x.dtype)

    def _max(self, x: Tensor, valid: Tensor, lengths: Tensor) -> Tensor:
        highest = x.masked_fill(~valid, -torch.inf).amax(1)
        return highest.masked_fill((lengths == 0).unsqueeze(-1), 0.0)

    def _attention(self, x: Tensor, valid: Tensor, lengths: Tensor) -> Tensor:
        scores = self.attention(x)
        # The lowest finite number, not -inf: a sequence without steps would give 0 / 0.
        scores = scores.masked_fill(~valid, torch.finfo(scores.dtype).min)
        return (torch.softmax(scores, 1).to(x.dtype) * x).sum(1)

    def extra_repr(self) -> str:
        """Kinds and features."""
        return f"{', '.join(self.kinds)}, features={self.features}, bidirectional={self.bidirectional}"
