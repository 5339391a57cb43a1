"""A text in, another text out: an encoder that reads the source, and a decoder that writes the target."""

from __future__ import annotations

import math

from pydantic import Field
from torch import Tensor, nn

from recurra.errors import InputError
from recurra.layers.attention import Memory
from recurra.layers.pooling import Pooling
from recurra.layers.regularisation import VariationalDropout
from recurra.networks.config import NetworkShape
from recurra.networks.decoder import Decoder, DecoderConfig, DecoderOutput, DecoderState
from recurra.networks.encoders import RECURRENT, make_encoder
from recurra.ops.streaming.stages import Stage


class PairNetworkConfig(DecoderConfig):
    """What a person may choose. Every field can be set on the command line: `--set network.hidden_size=400`."""

    hidden_size: int = Field(default=256, ge=1, description="units per layer and direction")
    bidirectional: bool = Field(default=True, description="read the source from both ends")

    @property
    def sees_ahead(self) -> bool:
        """Whether a step of the source may know what comes after it."""
        return self.bidirectional

    def without_dropout(self) -> PairNetworkConfig:
        """The same network with nothing hidden in training."""
        return self.model_copy(update={"input_dropout": 0.0, "dropout": 0.0, "output_dropout": 0.0})


class PairNetwork(nn.Module):
    """Encoder and decoder (Sutskever et al., arXiv:1409.3215), with attention (Bahdanau et al., arXiv:1409.0473).

        m_1 .. m_S = encoder(drop(F[x_1 .. x_S]));    logits_t = decoder(y_{t-1}, m, summary of m)

    The decoder begins from the encoder's last steps: of a layer that reads from both ends that of either half; of a
    transformer and of layers without recurrence, which have no last step that knows more than others, from their mean.
    Where what reads does not go on step by step, a GRU writes.

    Args:
        config: the choices.
        shape: tokens, input_size of the source's vocabulary, output_size of the target's.
    Shapes:
        source (B, S) int64, lengths (B,), read (B, T) the target's tokens each before the one to be foretold
        -> `DecoderOutput` of (B, T).

    >>> import torch
    >>> shape = NetworkShape(input="tokens", input_size=10, output_size=12)
    >>> network = PairNetwork(PairNetworkConfig(cell="gru", hidden_size=4, embedding_size=3), shape)
    >>> output = network(torch.ones(2, 5, dtype=torch.long), torch.tensor([5, 2]), torch.ones(2, 7, dtype=torch.long))
    >>> output.logits.shape, output.alignment.shape
    (torch.Size([2, 7, 12]), torch.Size([2, 7, 5]))
    """

    def __init__(self, config: PairNetworkConfig, shape: NetworkShape):
        super().__init__()
        self.config, self.shape = config, shape
        self.embedding = nn.Embedding(shape.input_size, config.embedding_size)
        bound = math.sqrt(3 / config.embedding_size)  # rows of length 1 on average, as the decoder's
        nn.init.uniform_(self.embedding.weight, -bound, bound)
        self.input_dropout = VariationalDropout(config.input_dropout)
        self.encoder = make_encoder(
            config,
            config.embedding_size,
            steps=shape.steps,
            bidirectional=config.bidirectional,
            dropout=config.dropout,
        )
        size = self.encoder.out_features
        ends = config.cell in RECURRENT or config.cell == "tcn"
        self.summary = Pooling(
            "last" if ends else "mean", size, bidirectional=ends and self.encoder.directions == 2
        )
        self.decoder = Decoder(config, shape.output_size, memory_size=size, summary_size=size)

    def read(self, source: Tensor, lengths: Tensor) -> tuple[Memory, DecoderState]:
        """What the decoder looks at, and the state that it begins with."""
        steps, _ = self.encoder(self.input_dropout(self.embedding(source)), lengths=lengths)
        return self.decoder.remember(steps, lengths), self.decoder.begin(self.summary(steps, lengths))

    def forward(self, source: Tensor, lengths: Tensor, read: Tensor) -> DecoderOutput:
        memory, state = self.read(source, lengths)
        return self.decoder(read, memory, state)

    def stages(self) -> list[Stage]:
        """None.

        Raises:
            InputError: always; the message says why.
        """
        raise InputError(
            "an encoder-decoder reads the whole source before it writes: it cannot run step by step",
            fix="Use recurra predict.",
        )
