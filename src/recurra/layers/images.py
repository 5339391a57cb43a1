"""A small convolutional encoder: from an image to a grid of features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError

_GROUPS = 8


class ImageEncoder(nn.Module):
    """Blocks of a convolution, a norm, a rectifier and pooling (the classical stack, LeCun et al. 1998).

        x^0 = image,    x^l = maxpool_2(relu(norm(W^l * x^(l-1)))),    grid = relu(norm(V * x^L))

    W^l and V are 3 x 3 with zeros around the image, the norm is over groups of channels of one image (Wu & He,
    arXiv:1803.08494), so that an image gives the same alone and in any batch. Each block halves height and width,
    rounded up. V lets every place of the grid see its neighbours: what lies across the border of two places is seen
    whole by either.

    Args:
        colours: C, numbers per pixel.
        channels: features after each block, one or more of them.
    Shapes:
        (N, C, H, W) -> (N, channels[-1], `grid(H)`, `grid(W)`).
    Raises:
        InputError: no block, or a number of channels that is none.

    >>> import torch
    >>> encoder = ImageEncoder(1, (8, 16))
    >>> encoder(torch.zeros(2, 1, 28, 30)).shape, encoder.grid(30)
    (torch.Size([2, 16, 7, 8]), 8)
    """

    def __init__(self, colours: int, channels: Sequence[int]):
        super().__init__()
        if not channels or min(channels) < 1:
            raise InputError(
                f"expected one block or more, of some channels each, got {tuple(channels)}", where="channels"
            )
        self.channels = tuple(channels)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1, bias=False)
            for before, after in pairwise((colours, *channels))
        )
        self.norms = nn.ModuleList(_norm(after) for after in channels)
        last = channels[-1]
        self.around, self.around_norm = nn.Conv2d(last, last, 3, padding=1, bias=False), _norm(last)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, M, H', W')."""
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            images = F.max_pool2d(F.relu(norm(convolution(images))), 2, ceil_mode=True)
        return F.relu(self.around_norm(self.around(images)))

    def grid(self, pixels: int) -> int:
        """Places left of so many pixels in a row."""
        return -(-pixels // 2 ** len(self.channels))

    def extra_repr(self) -> str:
        """Channels."""
        return f"channels={self.channels}"


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(math.gcd(_GROUPS, channels), channels)
