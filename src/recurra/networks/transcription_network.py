"""A sequence in, at every step what is written there, or nothing: input, encoder, head at every step."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from recurra.errors import InputError
from recurra.layers.convolution import Convolution
from recurra.networks.config import NetworkShape, ReaderConfig
from recurra.networks.inputs import FeatureInput, parts_of
from recurra.networks.reading import ReadingNetwork


class TranscriptionNetworkConfig(ReaderConfig):
    """Of a network that writes down what it reads."""

    segment: int = Field(
        default=1,
        ge=1,
        description="steps joined into one for the recurrent layers, by the convolutions in front",
    )

    @property
    def parts(self) -> list[int]:
        """Steps that each of the joinings makes one: one after each convolution, or a single one."""
        several = len(self.convolutions)
        return parts_of(self.segment, several) if several else [self.segment]

    @property
    def joined(self) -> int:
        """Steps that become one: `segment`, or what the parts of it come to, which may be a little more or less.

        >>> TranscriptionNetworkConfig(segment=3, convolutions=(5, 5)).joined
        4
        """
        return math.prod(self.parts)


class Written(NamedTuple):
    """What a network gives for (B, T, I) steps.

    Args:
        logits: (B, T', V + 1) of blank and the V tokens, at each of the joined steps.
        lengths: (B,) valid ones of them.
    """

    logits: Tensor
    lengths: Tensor


class TranscriptionState(NamedTuple):
    """What a network carries from piece to piece of a sequence.

    Args:
        tails: of each convolution, the last steps that it still sees, (B, width - 1, features).
        waiting: of each joining, the steps that are no whole segment yet, (B, n, features).
        encoder: the encoder's state; None before the first step.
    """

    tails: tuple[Tensor, ...]
    waiting: tuple[Tensor, ...]
    encoder: Any


class TranscriptionNetwork(ReadingNetwork):
    """Network with a distribution over blank and tokens at every step, for connectionist temporal classification.

        e = input(x);  h = encoder(e);  y_t = head(dropout(h_t))

    The input may join steps, with convolutions that see backwards alone where the network does.

    Shapes:
        input (B, T, I), lengths (B,) -> `Written`, T' = `joined(T)`.

    >>> shape = NetworkShape(input="features", input_size=3, output_size=5)
    >>> config = TranscriptionNetworkConfig(cell="gru", hidden_size=4, segment=2)
    >>> written = TranscriptionNetwork(config, shape)(torch.zeros(2, 7, 3), torch.tensor([7, 4]))
    >>> written.logits.shape, written.lengths
    (torch.Size([2, 4, 5]), tensor([4, 2]))
    """

    config: TranscriptionNetworkConfig
    input: FeatureInput

    def __init__(self, config: TranscriptionNetworkConfig, shape: NetworkShape):
        super().__init__(config, shape, config.segment)
        self.head = self._make_head(self.encoder.out_features)

    def forward(self, input: Tensor, lengths: Tensor) -> Written:
        steps, lengths = self.input(input, lengths)
        output, _ = self.encoder(steps, lengths=lengths)
        return Written(self.head(output), lengths)

    def joined(self, steps: int) -> int:
        """How many steps are left of so many."""
        return self.input.joined(steps)

    # -- piece by piece ------------------------------------------------------------------------------------

    def begin(self, batch: int = 1) -> TranscriptionState:
        """The state before the first step.

        Raises:
            InputError: it needs the whole sequence, and why.
        """
        self._refuse_whole()
        device = next(self.parameters()).device
        blocks = [each for each in self.input.convolutions if isinstance(each, Convolution)]
        tails = tuple(torch.zeros(batch, each.width - 1, each.in_features, device=device) for each in blocks)
        sizes = [each.out_features for each in blocks] or [self.shape.input_size]
        waiting = tuple(torch.zeros(batch, 0, size, device=device) for size in sizes)
        return TranscriptionState(tails, waiting, None)

    @torch.no_grad()
    def forward_piece(
        self, piece: Tensor, state: TranscriptionState, *, last: bool = False
    ) -> tuple[Tensor, TranscriptionState]:
        """What the steps of a piece, (B, n, I), add: logits (B, n', V + 1), and the state to go on with.

        All pieces together give, in evaluation mode, what the whole sequence gives.

        Args:
            last: no more steps will come: those that wait for a whole segment are given out.
        """
        tails, waiting = [], []
        if len(self.input.convolutions):
            for convolution, part, tail, held in zip(
                self.input.convolutions, self.input.parts, state.tails, state.waiting, strict=True
            ):
                assert isinstance(convolution, Convolution)
                seen = torch.cat([tail, piece], dim=1)
                tails.append(seen[:, seen.size(1) - tail.size(1) :])
                found = torch.cat([held, convolution.forward_seen(seen)], dim=1)
                segments, left = _whole_segments(found, part, last=last)
                piece = segments.amax(2)
                waiting.append(left)
        else:
            found = torch.cat([state.waiting[0], piece], dim=1)
            segments, left = _whole_segments(found, self.input.segment, last=last)
            piece = segments.flatten(2)
            waiting.append(left)
        encoded = state.encoder
        if not piece.size(1):
            empty = piece.new_zeros(piece.size(0), 0, self.shape.output_size)
            return empty, TranscriptionState(tuple(tails), tuple(waiting), encoded)
        output, encoded = self.encoder(piece, encoded)
        return self.head(output), TranscriptionState(tuple(tails), tuple(waiting), encoded)

    def _refuse_whole(self) -> None:
        if self.config.bidirectional:
            raise InputError(
                "a network that reads from both ends cannot run step by step: one half of it begins at the end",
                where="network.bidirectional",
                fix="Train it with --set network.bidirectional=false.",
            )
        if not self.config.carries_state:
            raise InputError(
                f"a {self.config.cell_name} looks at the whole sequence again at every step, and carries no state",
                where="network.cell",
                fix="Train another one (--cell lstm, gru, mingru, tcn ...).",
            )


def joined_steps(steps: np.ndarray, config: TranscriptionNetworkConfig) -> np.ndarray:
    """How many steps are left of so many, as `TranscriptionNetwork.joined` says, without a network.

    >>> joined_steps(np.array([7, 8]), TranscriptionNetworkConfig(segment=4, convolutions=(5, 5)))
    array([2, 2])
    """
    for part in config.parts:
        steps = -(-steps // part)
    return steps


def _whole_segments(x: Tensor, steps: int, *, last: bool) -> tuple[Tensor, Tensor]:
    """(B, n, F) -> the whole segments, (B, n // steps, steps, F), and what is left; at the end filled up with zeros."""
    if last:
        x = functional.pad(x, (0, 0, 0, -x.size(1) % steps))
    whole = x.size(1) - x.size(1) % steps
    return x[:, :whole].unflatten(1, (-1, steps)), x[:, whole:]
