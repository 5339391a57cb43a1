"""A decoder: writes one token after the other, looking at a memory. Of a source text, of an image, of anything."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from recurra.axes import zero_padding
from recurra.layers.attention import Attention, Memory
from recurra.layers.regularisation import VariationalDropout
from recurra.networks.config import EncoderConfig
from recurra.networks.encoders import RECURRENT, make_encoder

_CELL_OF_OTHERS = "gru"  # decodes where what reads is no recurrent cell


class DecoderConfig(EncoderConfig):
    """The choices of what writes. Every field can be set on the command line: `--set network.attention=none`."""

    embedding_size: int = Field(default=256, ge=1, description="numbers per token")
    attention: Literal["multiplicative", "additive", "none"] = Field(
        default="multiplicative",
        description="how each step looks at what was read: by a product (Luong), by a small network (Bahdanau), not "
        "at all",
    )
    input_feeding: bool = Field(
        default=False,
        description="a step reads what the one before it made of its look; training then goes step by step",
    )
    tied: bool = Field(default=True, description="one table for the tokens read and foretold by what writes")
    input_dropout: float = Field(
        default=0.2, ge=0, lt=1, description="variational dropout on what the first layers read"
    )
    dropout: float = Field(default=0.2, ge=0, lt=1, description="dropout between layers")
    output_dropout: float = Field(
        default=0.3, ge=0, lt=1, description="dropout on what the output is computed from"
    )

    @property
    def decoder_cell(self) -> str:
        """The recurrent cell that writes: the same that reads, or a GRU where that is no recurrent cell."""
        return self.cell if self.cell in RECURRENT else _CELL_OF_OTHERS


class DecoderState(NamedTuple):
    """What a decoder carries from step to step.

    Args:
        hidden: of its layers, each (L, B, H): h, and a LSTM's c.
        fed: (B, A) what the step before made of its look; None without input feeding.
    """

    hidden: tuple[Tensor, ...]
    fed: Tensor | None

    def take(self, rows: Tensor) -> DecoderState:
        """Those of the states at `rows` (R,), in that order; one may come several times."""
        fed = None if self.fed is None else self.fed.index_select(0, rows)
        return DecoderState(tuple(each.index_select(1, rows) for each in self.hidden), fed)


class DecoderOutput(NamedTuple):
    """What a decoder gives for (B, T) tokens: all but the logits, which may be most of the memory.

    Args:
        features: (B, T, A) what logits are computed from, after dropout.
        weight, bias: (V, A) and (V,), from features to logits.
        alignment: (B, T, S) how much each step looked at each place; None without attention.
    """

    features: Tensor
    weight: Tensor
    bias: Tensor
    alignment: Tensor | None

    @property
    def logits(self) -> Tensor:
        """(B, T, V) of the token after each, computed when asked for."""
        return functional.linear(self.features, self.weight, self.bias)


class Decoder(nn.Module):
    """Recurrent decoder with attention (Luong et al., arXiv:1508.04025).

        e_t = drop(E[w_t]);    h_t = cell(e_t, h_{t-1}),    with input feeding cell([e_t; a_{t-1}], h_{t-1})
        c_t = attention(h_t, memory);    a_t = tanh(W [h_t; c_t])
        logits_t = O drop(a_t) + b,    O = E where `tied` (Press & Wolf, arXiv:1608.05859)
        h_0 = tanh(B summary + d) in each layer, and so a LSTM's c_0

    Without attention c_t is left out: all that it knows of what was read is the summary (Sutskever et al.,
    arXiv:1409.3215). Without input feeding a whole target goes through the cell in a single call. The cell is
    `config.cell`, or a GRU where that is no recurrent one.

    Args:
        config: the choices; `num_layers` and `hidden_size` are those of the decoder.
        vocabulary: V, tokens that are read and foretold.
        memory_size: M, numbers of each place of the memory.
        summary_size: N, numbers of the vector that the state begins from; 0: the state begins at zero.
    Shapes:
        values (B, S, M), lengths (B,) or None -> `remember` -> memory
        summary (B, N) -> `begin` -> state
        ids (B, T) int64, memory, state -> `DecoderOutput`; what comes later changes nothing before it.
        token (B,), state, memory -> `step` -> logits (B, V), state, weights (B, S) or None

    >>> config = DecoderConfig(cell="gru", hidden_size=6, embedding_size=4)
    >>> decoder = Decoder(config, vocabulary=10, memory_size=3, summary_size=5).eval()
    >>> memory, state = decoder.remember(torch.randn(2, 7, 3), torch.tensor([7, 2])), decoder.begin(torch.randn(2, 5))
    >>> ids = torch.tensor([[2, 3], [4, 5]])
    >>> whole = decoder(ids, memory, state).logits
    >>> first, state, weights = decoder.step(ids[:, 0], state, memory)
    >>> second, state, weights = decoder.step(ids[:, 1], state, memory)
    >>> weights.shape, torch.allclose(whole, torch.stack([first, second], 1), atol=1e-6)
    (torch.Size([2, 7]), True)
    """

    def __init__(self, config: DecoderConfig, vocabulary: int, memory_size: int, summary_size: int):
        super().__init__()
        self.config, self.vocabulary = config, vocabulary
        width, units = config.embedding_size, config.hidden_size
        self.attended_size = width if config.tied else units
        self.embedding = nn.Embedding(vocabulary, width)
        fed = self.attended_size if config.input_feeding else 0
        own = config.model_copy(update={"cell": config.decoder_cell})
        self.layers = make_encoder(own, width + fed, dropout=config.dropout)
        self.attention, context = None, 0
        if config.attention != "none":
            self.attention, context = Attention(config.attention, units, memory_size), memory_size
        self.combine = nn.Linear(units + context, self.attended_size, bias=False)
        self.states = len(self.layers.cell.states)  # pyright: ignore
        self.bridge = None
        if summary_size:
            self.bridge = nn.Linear(summary_size, self.states * config.num_layers * units)
        self.output = None if config.tied else nn.Linear(self.attended_size, vocabulary, bias=False)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        # Rows of length 1 on average, as those of a language network.
        for table in (self.embedding, self.output):
            if table is not None:
                bound = math.sqrt(3 / table.weight.size(1))
                nn.init.uniform_(table.weight, -bound, bound)
        self.input_dropout = VariationalDropout(config.input_dropout)
        self.output_dropout = nn.Dropout(config.output_dropout)

    def remember(self, values: Tensor, lengths: Tensor | None = None) -> Memory:
        """The memory to look at: (B, S, M), places past `lengths` never read."""
        if self.attention is not None:
            return self.attention.remember(values, lengths)
        values = values if lengths is None else zero_padding(values, lengths.to(values.device))
        return Memory(values, lengths, values)

    def begin(self, summary: Tensor) -> DecoderState:
        """The state before the first token, from a vector (B, N) of what was read."""
        rows, layers, units = summary.size(0), self.config.num_layers, self.config.hidden_size
        like = self.embedding.weight
        if self.bridge is None:
            hidden = like.new_zeros(self.states, layers, rows, units)
        else:
            made = torch.tanh(self.bridge(summary)).to(like.dtype)
            hidden = made.view(rows, self.states, layers, units).permute(1, 2, 0, 3).contiguous()
        fed = like.new_zeros(rows, self.attended_size) if self.config.input_feeding else None
        return DecoderState(tuple(hidden), fed)

    def forward(self, ids: Tensor, memory: Memory, state: DecoderState) -> DecoderOutput:
        """All steps of targets (B, T), each of which reads the true token before it (teacher forcing)."""
        vectors = self.input_dropout(self.embedding(ids))
        if not self.config.input_feeding:
            hidden, _ = self.layers(vectors, self._given(state))
            attended, alignment = self._look(hidden, memory)
        else:
            steps = []
            for t in range(ids.size(1)):
                made, state, weights = self._step(vectors[:, t : t + 1], state, memory)
                steps.append((made, weights))
            attended = torch.cat([made for made, _ in steps], 1)
            found = [weights for _, weights in steps if weights is not None]
            alignment = torch.cat(found, 1) if found else None
        return DecoderOutput(self.output_dropout(attended), self._table(), self.bias, alignment)

    def step(
        self, token: Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Tensor, DecoderState, Tensor | None]:
        """Logits (B, V) of the token after `token` (B,), the state to go on with, and the look (B, S)."""
        vectors = self.input_dropout(self.embedding(token.unsqueeze(1)))
        attended, state, weights = self._step(vectors, state, memory)
        logits = functional.linear(self.output_dropout(attended), self._table(), self.bias)
        return logits.squeeze(1), state, None if weights is None else weights.squeeze(1)

    def _step(
        self, vectors: Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Tensor, DecoderState, Tensor | None]:
        """One step: vectors (B, 1, E) -> (B, 1, A), state, (B, 1, S)."""
        if state.fed is not None:
            vectors = torch.cat([vectors, state.fed.unsqueeze(1).to(vectors.dtype)], -1)
        hidden, last = self.layers(vectors, self._given(state))
        attended, weights = self._look(hidden, memory)
        after = (last,) if isinstance(last, Tensor) else tuple(last)
        return attended, DecoderState(after, None if state.fed is None else attended.squeeze(1)), weights

    def _look(self, hidden: Tensor, memory: Memory) -> tuple[Tensor, Tensor | None]:
        if self.attention is None:
            return torch.tanh(self.combine(hidden)), None
        context, weights = self.attention(hidden, memory)
        return torch.tanh(self.combine(torch.cat([hidden, context.to(hidden.dtype)], -1))), weights

    def _given(self, state: DecoderState) -> Tensor | tuple[Tensor, ...]:
        """The hidden state as the layer takes it."""
        return state.hidden[0] if self.states == 1 else state.hidden

    def _table(self) -> Tensor:
        """(V, A) of the logits; a tied one is kept, and saved, once."""
        return self.embedding.weight if self.output is None else self.output.weight
