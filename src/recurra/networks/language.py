"""Tokens in, what may come next out, at every step: the network of a language model."""

from __future__ import annotations

import math
from itertools import chain, pairwise
from typing import Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from recurra.axes import valid_steps
from recurra.layers.regularisation import EmbeddingDropout, VariationalDropout
from recurra.networks.config import MOST_LAYERS, EncoderConfig, NetworkShape
from recurra.networks.encoders import RECURRENT, Encoder, make_encoder
from recurra.ops.streaming.stages import Affine, Stage, Tokens


class LanguageNetworkConfig(EncoderConfig):
    """What a person may choose. Every field can be set on the command line: `--set network.hidden_size=400`."""

    hidden_size: int = Field(default=200, ge=1, description="units per layer")
    num_layers: int = Field(default=2, ge=1, le=MOST_LAYERS, description="layers on top of each other")
    embedding_size: int = Field(default=200, ge=1, description="numbers per token")
    tied: bool = Field(
        default=True,
        description="one table for the tokens read and foretold; the last layer then has embedding_size units",
    )
    embedding_dropout: float = Field(
        default=0.05, ge=0, lt=1, description="share of the vocabulary hidden from a whole batch"
    )
    input_dropout: float = Field(
        default=0.2, ge=0, lt=1, description="variational dropout on what the first layer reads"
    )
    dropout: float = Field(default=0.2, ge=0, lt=1, description="variational dropout between layers")
    output_dropout: float = Field(
        default=0.3, ge=0, lt=1, description="variational dropout on what the last layer gives"
    )
    weight_drop: float = Field(default=0.0, ge=0, lt=1, description="DropConnect on the recurrent weights")
    initial_range: float | None = Field(
        default=None,
        gt=0,
        description="all weights begin evenly spread up to this; unset: each kind its own way",
    )

    def without_dropout(self) -> LanguageNetworkConfig:
        """The same network with nothing hidden in training."""
        rates = {name: 0.0 for name in type(self).model_fields if name.endswith(("dropout", "drop"))}
        return self.model_copy(update=rates)


class LanguageOutput(NamedTuple):
    """What a language network gives for (B, T) tokens: all but the logits, which may be most of the memory.

    Args:
        raw: (B, T, F) outputs of the last layer.
        dropped: (B, T, F) the same after dropout.
        state: after the last valid step of each sequence; for each layer as the layer has it.
        weight: (V, F) from what the last layer gives to logits; the tied table, or one of its own.
        bias: (V,) of the logits.
    """

    raw: Tensor
    dropped: Tensor
    state: tuple[Any, ...]
    weight: Tensor
    bias: Tensor

    @property
    def logits(self) -> Tensor:
        """(B, T, V) of the token after each, computed when asked for."""
        return functional.linear(self.dropped, self.weight, self.bias)


class LanguageNetwork(nn.Module):
    """Network that foretells the next token at every step.

        e_t = drop(E[w_t]);  h^l_t = encoder_l(drop(h^(l-1)_t)), h^0 = e;  logits_t = W drop(h^L_t) + b

    With the regularisation of AWD-LSTM (Merity, Keskar & Socher, arXiv:1708.02182): whole words hidden from the
    embedding, the same features hidden at every step elsewhere, recurrent weights dropped. W = E where `tied`
    (Press & Wolf, arXiv:1608.05859). A TCN and a transformer are one encoder with all layers, and a matrix behind it
    where it has not the width of a tied table; a TCN carries its last inputs from window to window, a transformer
    nothing: it sees each window by itself. What runs a layer says `encoders[l].backend`.

    Args:
        config: the choices.
        shape: tokens, input_size = output_size = V.
    Shapes:
        ids (B, T) int64, lengths (B,) or None for all T, state as a call before gave it or None for zeros.

    >>> shape = NetworkShape(input="tokens", input_size=10, output_size=10)
    >>> network = LanguageNetwork(LanguageNetworkConfig(hidden_size=6, embedding_size=4), shape).eval()
    >>> ids = torch.tensor([[2, 3, 4, 5]])
    >>> logits = network(ids).logits
    >>> last = network(ids[:, 3:], state=network(ids[:, :3]).state).logits
    >>> logits.shape, torch.allclose(last, logits[:, 3:], atol=1e-6)
    (torch.Size([1, 4, 10]), True)
    """

    def __init__(self, config: LanguageNetworkConfig, shape: NetworkShape):
        super().__init__()
        self.config, self.shape = config, shape
        vocabulary, width = shape.input_size, config.embedding_size
        self.embedding = nn.Embedding(vocabulary, width)
        sizes = [width] + [config.hidden_size] * config.num_layers
        if config.tied:
            sizes[-1] = width
        encoders = self._make_encoders(config, sizes)
        self.encoders, out = nn.ModuleList(encoders), encoders[-1].out_features
        self.projection = nn.Linear(out, sizes[-1]) if out != sizes[-1] else None
        self.output = None if config.tied else nn.Linear(sizes[-1], vocabulary, bias=False)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        # Rows of length 1 on average: about U(-0.1, 0.1), as is usual, for 300 numbers; more for fewer, or
        # small networks hardly begin to learn.
        for table in (self.embedding, self.output):
            if table is not None:
                bound = math.sqrt(3 / table.weight.size(1))
                nn.init.uniform_(table.weight, -bound, bound)
        if config.initial_range is not None:
            for weight in self.parameters():
                nn.init.uniform_(weight, -config.initial_range, config.initial_range)
        self.embedding_dropout = EmbeddingDropout(config.embedding_dropout)
        rates = [config.input_dropout] + [config.dropout] * (len(encoders) - 1) + [config.output_dropout]
        self.dropouts = nn.ModuleList(VariationalDropout(rate) for rate in rates)

    def _make_encoders(self, config: LanguageNetworkConfig, sizes: list[int]) -> list[Encoder]:
        """One for each recurrent layer, or one with all layers inside."""
        options: dict[str, Any] = {"weight_drop": config.weight_drop}
        if config.cell not in RECURRENT:
            whole = make_encoder(config, sizes[0], steps=self.shape.steps, dropout=config.dropout, **options)
            return [whole]
        layers = []
        for before, after in pairwise(sizes):
            layer = config.model_copy(update={"num_layers": 1, "hidden_size": after})
            layers.append(make_encoder(layer, before, **options))
        return layers

    def forward(
        self, ids: Tensor, lengths: Tensor | None = None, state: tuple[Any, ...] | None = None
    ) -> LanguageOutput:
        raw = self.embedding_dropout(self.embedding, ids)
        before = [None] * len(self.encoders) if state is None else state
        after = []
        for dropout, layer, hx in zip(self.dropouts, self.encoders, before, strict=False):
            raw, last = layer(dropout(raw), hx, lengths=lengths)
            after.append(last)
        if self.projection is not None:
            raw = self.projection(raw)
        table = self.embedding if self.output is None else self.output  # a tied one is kept, and saved, once
        return LanguageOutput(raw, self.dropouts[-1](raw), tuple(after), table.weight, self.bias)

    def stages(self) -> list[Stage]:
        """The network as stages of a stream: ids in, logits (B, V) of the next token out."""
        table = self.embedding if self.output is None else self.output
        layers = [layer.stages(first=k) for k, layer in enumerate(self.encoders)]  # pyright: ignore
        if self.projection is not None:
            layers.append([Affine(self.projection.weight, self.projection.bias)])
        return [Tokens(self.embedding.weight), *chain(*layers), Affine(table.weight, self.bias)]


def activation_penalties(output: LanguageOutput, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """What AWD-LSTM's loss grows by, to be weighed by alpha and beta (arXiv:1708.02182, section 4.6).

        AR = mean((m * h_t)^2),    TAR = mean((h_{t+1} - h_t)^2)

    h_t are the outputs of the last layer and m * h_t the same after dropout; means over units and valid steps. TAR
    is 0 where no sequence has two steps.

    >>> h = torch.tensor([[[1.0], [3.0]]])
    >>> activation_penalties(LanguageOutput(raw=h, dropped=h, state=(), weight=h, bias=h))
    (tensor(5.), tensor(4.))
    """
    raw, dropped = output.raw, output.dropped
    change = raw[:, 1:] - raw[:, :-1]
    if lengths is None:
        return dropped.square().mean(), change.square().sum() / max(change.numel(), 1)
    units = raw.size(-1)
    valid = valid_steps(lengths, raw.size(1))
    pairs = valid[:, 1:].unsqueeze(-1)
    activation = dropped.square().sum() / (valid.sum() * units).clamp(min=1)  # padded steps are 0
    return activation, torch.where(pairs, change, 0).square().sum() / (pairs.sum() * units).clamp(min=1)
