"""From a batch as the data room makes it to vectors that a recurrent layer reads."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from itertools import zip_longest

import torch
from torch import Tensor, nn
from torch.nn import functional

from recurra.axes import valid_steps, zero_padding
from recurra.errors import InputError
from recurra.layers.convolution import BandConvolution, Convolution
from recurra.layers.images import ImageEncoder
from recurra.layers.regularisation import VariationalDropout, WordDropout
from recurra.networks.config import NetworkShape, ReaderConfig
from recurra.ops.streaming.stages import Elementwise, Numbers, Stage, Tokens

PADDING_ID = 0
UNKNOWN_ID = 1


class TokenInput(nn.Module):
    """Token ids (B, T) to vectors (B, T, E), with word dropout before and variational dropout after.

        e_t = E[w_t] + P[w_{t-1}, w_t],   P = 0 for a pair that is not among the `shape.pairs` known ones

    The pairs' vectors start from zero: a pair says only what its tokens do not (as word pairs do for linear
    models; Wang & Manning 2012, doi:10.5555/2390665.2390688). A dropped word takes its pairs with it.
    """

    def __init__(self, config: ReaderConfig, shape: NetworkShape):
        super().__init__()
        self.word_dropout = WordDropout(config.word_dropout, unknown=UNKNOWN_ID)
        self.embedding = nn.Embedding(shape.input_size, config.embedding_size, padding_idx=PADDING_ID)
        nn.init.normal_(self.embedding.weight, std=0.1)
        with torch.no_grad():
            self.embedding.weight[PADDING_ID] = 0
        if shape.pairs:
            self.pair_codes: Tensor
            self.register_buffer("pair_codes", torch.full((shape.pairs,), -1))
            self.pair_embedding = nn.Embedding(shape.pairs + 1, config.embedding_size, padding_idx=0)
            nn.init.zeros_(self.pair_embedding.weight)
        self.dropout = VariationalDropout(config.input_dropout)
        self.pairs, self.size = shape.pairs, config.embedding_size

    def forward(self, input: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        ids = self.word_dropout(input)
        vectors = self.embedding(ids)
        if self.pairs:
            vectors = vectors + self.pair_embedding(self._pairs(ids))
        return self.dropout(vectors), lengths

    def joined(self, steps: int) -> int:
        """What so many steps become: they stay."""
        return steps

    def stages(self) -> list[Stage]:
        """The same as the first stage of a stream."""
        if not self.pairs:
            return [Tokens(self.embedding.weight)]
        return [Tokens(self.embedding.weight, self.pair_codes, self.pair_embedding.weight[1:])]

    def _pairs(self, ids: Tensor) -> Tensor:
        """(B, T) the number of the pair that ends at each step, from 1; 0 for none that is known."""
        before = functional.pad(ids[:, :-1], (1, 0), value=PADDING_ID)
        codes = before * self.embedding.num_embeddings + ids
        at = torch.searchsorted(self.pair_codes, codes).clamp(max=self.pairs - 1)
        return torch.where(self.pair_codes[at] == codes, at + 1, 0)


class FeatureInput(nn.Module):
    """Features (B, T, I), through convolutions if there are any, about `segment` steps joined into one.

    Fewer, wider steps shorten the way of the gradient. Without convolutions a segment is the row of its steps,
    (B, ceil(T / segment), segment * I), the last one filled up with zeros (as SegRNN does, arXiv:2308.11200).
    With them it is the largest value of each of their features, a part of the joining after each, so that
    every convolution sees further than the one before: (B, ceil(T / product of the parts), C).
    """

    def __init__(self, config: ReaderConfig, shape: NetworkShape, segment: int = 1):
        super().__init__()
        self.segment = segment
        self.convolutions = nn.ModuleList(_convolutions(config, shape.input_size))
        self.parts = parts_of(segment, len(config.convolutions))
        self.dropout = VariationalDropout(config.input_dropout)
        self.size = segment * shape.input_size
        for convolution in self.convolutions:
            assert isinstance(convolution, Convolution)
            self.size = convolution.out_features

    def forward(self, input: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        for convolution, part in zip(self.convolutions, self.parts, strict=True):
            input = convolution(input, lengths)
            if part > 1:  # nothing is below 0 here: the zeros past the lengths win no maximum
                input = functional.max_pool1d(input.transpose(1, 2), part, ceil_mode=True).transpose(1, 2)
            lengths = (lengths + part - 1) // part
        if not len(self.convolutions) and self.segment > 1:
            input = _segments(zero_padding(input, lengths), self.segment).flatten(2)
            lengths = (lengths + self.segment - 1) // self.segment
        return self.dropout(input), lengths

    def joined(self, steps: int) -> int:
        """How many are left of so many steps."""
        for part in self.parts or [self.segment]:
            steps = -(-steps // part)
        return steps

    def stages(self) -> list[Stage]:
        """The same as the first stage of a stream.

        Raises:
            InputError: steps are joined before a recurrent layer sees them.
        """
        if len(self.convolutions) or self.segment > 1:
            joining = " --set network.segment=1" if self.segment > 1 else ""
            raise InputError(
                "a network whose convolutions and segments join steps gives nothing at a single step",
                where="network.convolutions, network.segment",
                fix=f"Train it with --set network.convolutions=[]{joining}.",
            )
        return [Numbers(self.size)]


def _convolutions(config: ReaderConfig, features: int) -> Iterator[Convolution]:
    """Over neighbouring bands as long as there are channels for them, over all features then."""
    causal, channels, bands = not config.bidirectional, 1, features
    for width, own in zip_longest(config.convolutions, config.band_channels[: len(config.convolutions)]):
        if own is None:
            yield Convolution(features, config.convolution_size, width, causal=causal)
            features = config.convolution_size
        else:
            block = BandConvolution(bands, channels, own, width, causal=causal)
            channels, bands, features = own, block.bands, block.out_features
            yield block


def parts_of(segment: int, count: int) -> list[int]:
    """`count` whole numbers of like size whose product is near `segment`.

    >>> parts_of(11, 2), parts_of(4, 1), parts_of(1, 3)
    ([3, 4], [4], [1, 1, 1])
    """
    parts = []
    for left in range(count, 0, -1):
        parts.append(max(1, round(segment ** (1 / left))))
        segment = max(1, round(segment / parts[-1]))
    return parts


def _segments(x: Tensor, steps: int) -> Tensor:
    """(B, T, F) to (B, ceil(T / steps), steps, F), filled up with zeros."""
    return functional.pad(x, (0, 0, 0, -x.shape[1] % steps)).unflatten(1, (-1, steps))


class ImageInput(nn.Module):
    """Images as steps (B, T, H W C) to vectors (B, T, F), each by itself, with variational dropout after.

        e_t = relu(W [pooled grid of the convolutional encoder over image t] + b)

    The grid, averaged over at most 4 x 4 fields, keeps where in the image something stands. Without convolutions a
    vector is the row of its image's numbers.
    """

    _FIELDS = 4

    def __init__(self, config: ReaderConfig, shape: NetworkShape):
        super().__init__()
        assert shape.image is not None
        self.height, self.width, self.colours = shape.image
        self.encoder, self.size = None, shape.input_size
        if config.image_channels:
            self.encoder = ImageEncoder(self.colours, config.image_channels)
            sides = [min(self._FIELDS, self.encoder.grid(side)) for side in (self.height, self.width)]
            self.pool = nn.AdaptiveAvgPool2d((sides[0], sides[1]))
            self.size = config.image_features
            self.linear = nn.Linear(config.image_channels[-1] * math.prod(sides), self.size)
        self.dropout = VariationalDropout(config.input_dropout)

    def forward(self, input: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        if self.encoder is not None:
            valid = valid_steps(lengths.to(input.device), input.shape[1])
            vectors = self.vectors(input[valid])
            empty = vectors.new_zeros(*input.shape[:2], self.size)
            input = empty.masked_scatter(valid[..., None], vectors)
        return self.dropout(input), lengths

    def vectors(self, images: Tensor) -> Tensor:
        """(N, H W C) -> (N, F)."""
        assert self.encoder is not None
        grid = self.encoder(images.view(-1, self.height, self.width, self.colours).permute(0, 3, 1, 2))
        return torch.relu(self.linear(self.pool(grid).flatten(1)))

    def joined(self, steps: int) -> int:
        """What so many steps become: they stay."""
        return steps

    def stages(self) -> list[Stage]:
        """The same as the first stages of a stream."""
        numbers = Numbers(self.height * self.width * self.colours)
        if self.encoder is None:
            return [numbers]
        # A stream keeps the weights of its beginning, and computes an image in them whatever its own precision.
        frozen = copy.deepcopy(self).eval().requires_grad_(False)
        weight = frozen.linear.weight

        def function(x: Tensor) -> Tensor:
            return frozen.vectors(x.to(weight)).to(x)

        return [numbers, Elementwise(self.size, "convolutions of an image", function)]


def make_input(
    config: ReaderConfig, shape: NetworkShape, segment: int = 1
) -> TokenInput | FeatureInput | ImageInput:
    """The input that fits `shape`.

    Args:
        segment: steps of a numeric sequence joined into one.
    """
    if shape.input == "images":
        return ImageInput(config, shape)
    return TokenInput(config, shape) if shape.input == "tokens" else FeatureInput(config, shape, segment)
