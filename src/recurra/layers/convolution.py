"""Convolution over the valid steps of sequences, normalised over them too."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..axes import valid_steps, zero_padding
from ..errors import InputError


class Convolution(nn.Module):
    """One block of a convolutional front end: y = relu(norm(sum_j W_j x_{t + j - left})).

    x is zero before step 1 and after the last valid step. The norm is batch normalisation (Ioffe & Szegedy,
    arXiv:1502.03167) whose mean and variance are taken over valid steps only: over those of the batch in
    training, running ones in evaluation, where a sequence gives the same result alone and in any batch.

    Args:
        in_features: I.
        out_features: C.
        width: steps that one output step sees.
        causal: step t sees no step after t; else the window is centred on t.

    >>> block = Convolution(3, 8, width=5)
    >>> block(torch.randn(2, 7, 3), torch.tensor([7, 4])).shape
    torch.Size([2, 7, 8])
    """

    def __init__(self, in_features: int, out_features: int, width: int, *, causal: bool = False):
        super().__init__()
        if width < 1:
            raise InputError(f"expected at least one step, got {width}", where="width")
        self.width, self.causal = width, causal
        # No bias: the norm would take it away again.
        self.convolution = nn.Conv1d(in_features, out_features, width, bias=False)
        self.norm = nn.BatchNorm1d(out_features)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, I), lengths (B,) -> (B, T, C), zeros after the last valid step."""
        valid = valid_steps(lengths.to(input.device), input.shape[1])
        left = self.width - 1 if self.causal else (self.width - 1) // 2
        steps = zero_padding(input, lengths.to(input.device)).transpose(1, 2)
        steps = self.convolution(F.pad(steps, (left, self.width - 1 - left))).transpose(1, 2)
        return torch.zeros_like(steps).masked_scatter(valid[..., None], self._normalised(steps[valid]))

    def forward_seen(self, seen: Tensor) -> Tensor:
        """Of a causal block in evaluation: (B, width - 1 + n, I), the steps before and n new ones -> (B, n, C)."""
        if seen.size(1) < self.width:
            return seen.new_zeros(seen.size(0), 0, self.convolution.out_channels)
        steps = self.convolution(seen.transpose(1, 2)).transpose(1, 2)
        return self._normalised(steps.flatten(0, 1)).unflatten(0, steps.shape[:2])

    def _normalised(self, steps: Tensor) -> Tensor:
        """(N, C) -> relu of the norm; a single step has no variance, the running one is used for it."""
        norm = self.norm
        if self.training and len(steps) > 1:
            return norm(steps).relu()
        return F.batch_norm(
            steps, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
        ).relu()

    def extra_repr(self) -> str:
        """Width and direction."""
        return f"width={self.width}, causal={self.causal}"
