"""Convolution over the valid steps of sequences, normalised over them too."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..axes import valid_steps, zero_padding
from ..errors import InputError

_NEIGHBOURS = 5  # bands that a block over bands sees


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

    convolution: nn.Conv1d | nn.Conv2d
    norm: nn.BatchNorm1d

    def __init__(self, in_features: int, out_features: int, width: int, *, causal: bool = False):
        super().__init__()
        if width < 1:
            raise InputError(f"expected at least one step, got {width}", where="width")
        self.width, self.causal = width, causal
        self.in_features, self.out_features = in_features, out_features
        self._make()

    def _make(self) -> None:
        # No bias: the norm would take it away again.
        self.convolution = nn.Conv1d(self.in_features, self.out_features, self.width, bias=False)
        self.norm = nn.BatchNorm1d(self.out_features)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, I), lengths (B,) -> (B, T, C), zeros after the last valid step."""
        valid = valid_steps(lengths.to(input.device), input.shape[1])
        left = self.width - 1 if self.causal else (self.width - 1) // 2
        steps = zero_padding(input, lengths.to(input.device))
        steps = self._convolved(F.pad(steps, (0, 0, left, self.width - 1 - left)))
        rows = torch.nonzero(valid.flatten()).squeeze(1)
        found = self._rectified(self._normalised(steps.flatten(0, 1).index_select(0, rows)))
        padded = found.new_zeros(valid.numel(), self.out_features).index_copy(0, rows, found)
        return padded.unflatten(0, valid.shape)

    def forward_seen(self, seen: Tensor) -> Tensor:
        """Of a causal block in evaluation: (B, width - 1 + n, I), the steps before and n new ones -> (B, n, C)."""
        if seen.size(1) < self.width:
            return seen.new_zeros(seen.size(0), 0, self.out_features)
        steps = self._convolved(seen)
        return self._rectified(self._normalised(steps.flatten(0, 1))).unflatten(0, steps.shape[:2])

    def _convolved(self, seen: Tensor) -> Tensor:
        """(B, width - 1 + n, I) -> (B, n, C)."""
        return self.convolution(seen.transpose(1, 2)).transpose(1, 2)

    def _normalised(self, steps: Tensor) -> Tensor:
        """(N, C) -> (N, C); a single step has no variance, the running one is used for it."""
        norm = self.norm
        if self.training and len(steps) > 1:
            return norm(steps)
        return F.batch_norm(steps, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)

    def _rectified(self, steps: Tensor) -> Tensor:
        return steps.relu()

    def extra_repr(self) -> str:
        """Width and direction."""
        return f"width={self.width}, causal={self.causal}"


class BandConvolution(Convolution):
    """A block that sees neighbouring features alone, as the bands of a sound are, and halves them.

        z[t, m, c] = norm_c(sum over a, i, j of W[c, a, i, j] x[t + i - left, m + j - 2, a]),    j = 0 .. 4
        y[t, m, c] = relu(max(z[t, 2 m, c], z[t, 2 m + 1, c]))

    The weights are the same at all bands, and the largest of two is the same where what is heard moves from one to the
    other: another voice has its sounds a few bands higher or lower (Abdel-Hamid et al. 2014,
    doi:10.1109/TASLP.2014.2339736). Mean and variance of a channel are over valid steps and bands.

    Args:
        bands: M; the channels of one stand side by side, features (M * A).
        in_channels: A.
        out_channels: C'; features are then ceil(M / 2) * C'.
        width, causal: as of `Convolution`.

    >>> block = BandConvolution(24, 1, 16, width=5)
    >>> block(torch.randn(2, 7, 24), torch.tensor([7, 4])).shape, block.bands
    (torch.Size([2, 7, 192]), 12)
    """

    def __init__(self, bands: int, in_channels: int, out_channels: int, width: int, *, causal: bool = False):
        self._channels, self.bands = (in_channels, out_channels), -(-bands // 2)
        super().__init__(in_channels * bands, out_channels * self.bands, width, causal=causal)

    def _make(self) -> None:
        size = (self.width, _NEIGHBOURS)
        self.convolution = nn.Conv2d(*self._channels, size, padding=(0, _NEIGHBOURS // 2), bias=False)
        self.norm = nn.BatchNorm1d(self._channels[1])

    def _convolved(self, seen: Tensor) -> Tensor:
        planes = seen.unflatten(2, (-1, self._channels[0])).permute(0, 3, 1, 2)  # (B, A, T, M), channels last
        return self.convolution(planes).permute(0, 2, 3, 1).flatten(2)

    def _normalised(self, steps: Tensor) -> Tensor:
        return super()._normalised(steps.reshape(-1, self._channels[1])).view_as(steps)

    def _rectified(self, steps: Tensor) -> Tensor:
        found = super()._rectified(steps).unflatten(1, (-1, self._channels[1])).transpose(1, 2)
        return F.max_pool1d(found, 2, ceil_mode=True).transpose(1, 2).flatten(1)
