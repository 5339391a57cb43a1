"""Layers without any recurrence: each step by itself, called as recurrent layers are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from ..axes import zero_padding
from ..errors import InputError
from ..ops.streaming.stages import Affine, Numbers, Stage
from ..ops.streaming.stream import Stream
from .arguments import checked_share
from .borders import take_input


class FeedForward(nn.Module):
    """A multi-layer perceptron at every step (Rumelhart et al. 1986, doi:10.1038/323533a0), with no state at all.

        h^0_t = x_t,    h^l_t = relu(W^l h^(l-1)_t + b^l),    y_t = h^L_t

    What it says of a step is the same whatever stands before and after it: what a recurrent network is worth shows
    beside it. Of sequences of one step (one to one) it is the plain feed-forward network.

    Args:
        input_size: I, features per step.
        hidden_size: H, units of each layer.
        num_layers: L.
        batch_first: as in torch's recurrent layers.
        dropout: between layers.
    Shapes (batch_first):
        input (B, T, I), lengths (B,) -> output (B, T, H), (). Output past `lengths` is 0; nothing there is read.
    Raises:
        InputError: a size that is no whole number from 1 on.

    >>> layers = FeedForward(4, 8, num_layers=2, batch_first=True)
    >>> output, state = layers(torch.randn(2, 5, 4), lengths=[5, 3])
    >>> output.shape, state
    (torch.Size([2, 5, 8]), ())
    """

    directions = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        batch_first: bool = False,
        dropout: float = 0.0,
    ):
        super().__init__()
        for name, size in (
            ("input_size", input_size),
            ("hidden_size", hidden_size),
            ("num_layers", num_layers),
        ):
            if not isinstance(size, int) or size < 1:
                raise InputError(f"expected a whole number from 1 on, got {size!r}", where=name)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.batch_first, self.dropout = batch_first, nn.Dropout(checked_share("dropout", dropout))
        sizes = [input_size] + [hidden_size] * num_layers
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(sizes))

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
        """Whole sequences, or any piece of them: there is no state to carry on.

        Raises:
            ValueError, RuntimeError: an input or lengths that cannot be, as recurrent layers say it.
            InputError: a state, for there is none.
        """
        if hx is not None and len(hx):
            raise InputError("layers without recurrence carry no state", where="hx")
        border = take_input(input, lengths, batch_first=self.batch_first, name="FeedForward")
        y, ends = border.x, border.lengths
        if y.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {y.size(-1)}"
            )
        if ends is not None:
            y = zero_padding(y, ends, batch_first=False)
        for number, layer in enumerate(self.layers):
            y = torch.relu(layer(self.dropout(y) if number else y))
        if ends is not None:
            y = zero_padding(y, ends, batch_first=False)
        return border.output(y), ()

    def stages(self, first: int = 0) -> list[Stage]:
        """The layers as stages of a stream."""
        return [Affine(layer.weight, layer.bias, relu=True) for layer in self.layers]  # pyright: ignore

    def stream(self, batch: int = 1, *, precision: str | None = None, backend: str = "auto") -> Stream:
        """The layers fed step by step, see `Stream`."""
        stages: list[Stage] = [Numbers(self.input_size), *self.stages()]
        return Stream(stages, batch=batch, precision=precision, backend=backend)

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.input_size}, {self.hidden_size}, num_layers={self.num_layers}"
