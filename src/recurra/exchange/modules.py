"""The layers of a network from elsewhere as modules.

Steps may be masked: skipped wherever they stand, as Keras does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recurra.axes import last_valid, reverse_valid, valid_steps, zero_padding
from recurra.errors import InputError
from recurra.exchange.specs import (
    ActivationSpec,
    BidirectionalSpec,
    DropoutSpec,
    EmbeddingSpec,
    FlattenSpec,
    LinearSpec,
    MaskingSpec,
    PoolingSpec,
    RecurrentSpec,
    Spec,
)
from recurra.layers import GRU, LSTM, RNN, RecurrentLayer
from recurra.layers.pooling import Pooling
from recurra.layers.regularisation import VariationalDropout
from recurra.ops.streaming.stages import Affine, Elementwise, Pool, Probabilities, Stage, Tokens

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softmax": lambda x: torch.softmax(x, -1),
    "log_softmax": lambda x: torch.log_softmax(x, -1),
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "exponential": torch.exp,
    "relu6": F.relu6,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),  # Keras' slope
    "hard_sigmoid": F.hardsigmoid,
}


class Passed(NamedTuple):
    """What goes from layer to layer.

    Args:
        x: ids (B, T), steps (B, T, F) or a vector (B, F).
        lengths: (B,) valid steps; None: all, or there are no steps any more.
        mask: (B, T) false where a step is skipped, and in the padding; None: none is skipped.
    """

    x: Tensor
    lengths: Tensor | None = None
    mask: Tensor | None = None


class Layer(nn.Module):
    """One layer, made of its spec: `forward` takes what is passed and passes on; `stages` is the same step by step."""

    def __init__(self, spec: Any):
        super().__init__()
        self.name = spec.name

    def forward(self, passed: Passed) -> Passed:
        raise AssertionError("each kind of layer has its own")

    def stages(self, width: int, place: int) -> list[Stage]:
        """As stages of a stream.

        Args:
            width: numbers of a step that come in.
            place: recurrent layers before it, which names its state.

        Raises:
            InputError: it cannot run step by step, and why.
        """
        return []


class EmbeddingLayer(Layer):
    """See `EmbeddingSpec`."""

    def __init__(self, spec: EmbeddingSpec):
        super().__init__(spec)
        self.zero_masks, self.embedding = spec.zero_masks, nn.Embedding(spec.ids, spec.size)

    def forward(self, passed: Passed) -> Passed:
        ids = passed.x if passed.lengths is None else zero_padding(passed.x, passed.lengths)
        mask = _masked(ids != 0, passed.lengths) if self.zero_masks else None
        return passed._replace(x=self.embedding(ids), mask=mask)

    def stages(self, width: int, place: int) -> list[Stage]:
        """See `Layer.stages`; it is the first of them."""
        return [Tokens(self.embedding.weight)]


class MaskingLayer(Layer):
    """See `MaskingSpec`."""

    def __init__(self, spec: MaskingSpec):
        super().__init__(spec)
        self.value = spec.value

    def forward(self, passed: Passed) -> Passed:
        kept = (passed.x != self.value).any(-1)
        return passed._replace(
            x=torch.where(kept.unsqueeze(-1), passed.x, 0), mask=_masked(kept, passed.lengths)
        )


class RecurrentModule(Layer):
    """See `RecurrentSpec`. Skipped steps are moved behind the others, and what was computed back to its place."""

    def __init__(self, spec: RecurrentSpec):
        super().__init__(spec)
        self.spec = spec
        self.dropout = VariationalDropout(spec.input_dropout)
        self.layer = _recurrent_layer(spec)

    def forward(self, passed: Passed) -> Passed:
        x, lengths, mask = passed
        x = self.dropout(x)
        if self.spec.backwards:
            x, mask = _flipped(x, lengths), None if mask is None else _flipped(mask, lengths)
        if mask is None:
            output, state = self.layer(x, lengths=lengths)
        else:
            x, count = _kept_first(x, mask)
            output, state = self.layer(x, lengths=count)
        if not self.spec.every_step:
            h = (state if isinstance(state, Tensor) else state[0])[-1]
            if mask is not None and self.spec.zero_where_masked:
                full = mask.new_full((len(mask),), mask.size(1), dtype=torch.int64)
                h = torch.where(last_valid(mask, full if lengths is None else lengths).unsqueeze(-1), h, 0)
            return Passed(h)
        if mask is not None:
            output = _back_in_place(output, mask, self.spec.zero_where_masked)
            output = output if lengths is None else zero_padding(output, lengths)
        return passed._replace(x=output)

    def stages(self, width: int, place: int) -> list[Stage]:
        """See `Layer.stages`."""
        if self.spec.backwards:
            raise InputError(
                "a layer that reads from the end to the beginning cannot run step by step",
                where=self.name,
            )
        return list(self.layer.stages(place))


class BidirectionalModule(Layer):
    """See `BidirectionalSpec`."""

    def __init__(self, spec: BidirectionalSpec):
        super().__init__(spec)
        self.spec = spec
        self.forward_half, self.backward_half = RecurrentModule(spec.forward), RecurrentModule(spec.backward)

    def forward(self, passed: Passed) -> Passed:
        one, after = self.forward_half(passed), self.backward_half(passed)
        other = _flipped(after.x, passed.lengths) if self.spec.backward.every_step else after.x
        match self.spec.merge:
            case "concat":
                x = torch.cat([one.x, other], -1)
            case "mul":
                x = one.x * other
            case merge:
                x = one.x + other
                x = x / 2 if merge == "ave" else x
        return one._replace(x=x)

    def stages(self, width: int, place: int) -> list[Stage]:
        """See `Layer.stages`."""
        raise InputError(
            "a layer that reads from both ends cannot run step by step: one half of it begins at the end",
            where=self.name,
        )


class LinearLayer(Layer):
    """See `LinearSpec`."""

    def __init__(self, spec: LinearSpec):
        super().__init__(spec)
        self.linear = nn.Linear(spec.inputs, spec.units, bias=spec.bias)

    def forward(self, passed: Passed) -> Passed:
        return passed._replace(x=self.linear(passed.x))

    def stages(self, width: int, place: int) -> list[Stage]:
        """See `Layer.stages`."""
        return [Affine(self.linear.weight, self.linear.bias)]


class ActivationLayer(Layer):
    """See `ActivationSpec`."""

    def __init__(self, spec: ActivationSpec):
        super().__init__(spec)
        self.function = spec.function

    def forward(self, passed: Passed) -> Passed:
        return passed._replace(x=FUNCTIONS[self.function](passed.x))

    def stages(self, width: int, place: int) -> list[Stage]:
        """See `Layer.stages`."""
        if self.function in ("softmax", "sigmoid"):
            return [Probabilities(width, several=self.function == "sigmoid")]
        return [Elementwise(width, self.function, FUNCTIONS[self.function])]

    def extra_repr(self) -> str:
        """The function."""
        return self.function


class DropoutLayer(Layer):
    """See `DropoutSpec`."""

    def __init__(self, spec: DropoutSpec):
        super().__init__(spec)
        self.dropout = VariationalDropout(spec.rate) if spec.whole_features else nn.Dropout(spec.rate)

    def forward(self, passed: Passed) -> Passed:
        return passed._replace(x=self.dropout(passed.x))


class PoolingLayer(Layer):
    """See `PoolingSpec`."""

    def __init__(self, spec: PoolingSpec):
        super().__init__(spec)
        self.pooling = Pooling(spec.how, spec.features)

    def forward(self, passed: Passed) -> Passed:
        x, lengths, mask = passed
        if mask is not None and self.pooling.kinds == ("mean",):
            x, lengths = _kept_first(x, mask)
        return Passed(self.pooling(x, lengths))

    def stages(self, width: int, place: int) -> list[Stage]:
        """See `Layer.stages`."""
        return [Pool(self.pooling.kinds, width)]


class FlattenLayer(Layer):
    """See `FlattenSpec`."""

    def forward(self, passed: Passed) -> Passed:
        if passed.lengths is not None:
            raise InputError(
                "Flatten reads a fixed number of steps", where=self.name, fix="Leave lengths away."
            )
        return Passed(passed.x.flatten(1))

    def stages(self, width: int, place: int) -> list[Stage]:
        """See `Layer.stages`."""
        raise InputError("Flatten reads all steps at once, and cannot run step by step", where=self.name)


_MODULES: dict[type[Spec], type[Layer]] = {
    EmbeddingSpec: EmbeddingLayer,
    MaskingSpec: MaskingLayer,
    RecurrentSpec: RecurrentModule,
    BidirectionalSpec: BidirectionalModule,
    LinearSpec: LinearLayer,
    ActivationSpec: ActivationLayer,
    DropoutSpec: DropoutLayer,
    PoolingSpec: PoolingLayer,
    FlattenSpec: FlattenLayer,
}


def make_layer(spec: Spec) -> Layer:
    """The module of a layer, its weights drawn at random."""
    return _MODULES[type(spec)](spec)


def _recurrent_layer(spec: RecurrentSpec) -> RecurrentLayer:
    given = {"bias": spec.biases > 0, "batch_first": True, "recurrent_dropout": spec.recurrent_dropout}
    sizes = (spec.inputs, spec.units)
    if spec.cell == "lstm":
        return LSTM(*sizes, proj_size=spec.projection, **given)
    if spec.cell in ("gru", "gru_before"):
        return GRU(*sizes, reset="before" if spec.cell == "gru_before" else "after", **given)
    return RNN(*sizes, nonlinearity="relu" if spec.cell == "rnn_relu" else "tanh", **given)


def _masked(kept: Tensor, lengths: Tensor | None) -> Tensor:
    """The mask, false in the padding."""
    return kept if lengths is None else kept & valid_steps(lengths.to(kept.device), kept.size(1))


def _flipped(x: Tensor, lengths: Tensor | None) -> Tensor:
    return x.flip(1) if lengths is None else reverse_valid(x, lengths.to(x.device))


def _kept_first(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Steps in their order, the skipped ones behind all others; and how many are kept of each sequence."""
    order = torch.argsort(~mask, dim=1, stable=True)
    return torch.take_along_dim(x, order.unsqueeze(-1), 1), mask.sum(1)


def _back_in_place(output: Tensor, mask: Tensor, zero: bool) -> Tensor:
    """The output of each step at its place; at a skipped one the output before it, or 0."""
    place = mask.cumsum(1) - 1
    found = torch.take_along_dim(output, place.clamp(min=0).unsqueeze(-1), 1)
    there = mask if zero else place >= 0
    return torch.where(there.unsqueeze(-1), found, 0)
