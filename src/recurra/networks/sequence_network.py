"""A sequence in, one vector of outputs out: input, encoder, pooling over valid steps, head."""

from __future__ import annotations

from torch import Tensor, nn

from recurra.errors import InputError
from recurra.layers.pooling import Pooling
from recurra.networks.config import NetworkConfig, NetworkShape
from recurra.networks.reading import ReadingNetwork
from recurra.ops.streaming.stages import Pool, Stage


class SequenceNetwork(ReadingNetwork):
    """Network for one answer per sequence (classification, regression).

        e = input(x);  h = encoder(e);  p = pool(h_1 .. h_length);  y = head(dropout(p))

    Shapes:
        input (B, T) int64 token ids or (B, T, I) features, lengths (B,) -> (B, output_size).

    >>> import torch
    >>> shape = NetworkShape(input="features", input_size=3, output_size=2)
    >>> network = SequenceNetwork(NetworkConfig(cell="gru", hidden_size=4), shape)
    >>> network(torch.zeros(5, 7, 3), torch.tensor([7, 1, 2, 3, 4])).shape
    torch.Size([5, 2])
    """

    config: NetworkConfig

    def __init__(self, config: NetworkConfig, shape: NetworkShape):
        super().__init__(config, shape, config.segment)
        self.pooling = Pooling(
            config.pooling, self.encoder.out_features, bidirectional=self.encoder.directions == 2
        )
        self.head = self._make_head(self.pooling.out_features)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:
        steps, lengths = self.input(input, lengths)
        output, _ = self.encoder(steps, lengths=lengths)
        return self.head(self.pooling(output, lengths))

    def stages(self) -> list[Stage]:
        """The network as stages of a stream: at every step the outputs for the sequence up to there.

        Raises:
            InputError: it reads from both ends, joins steps, or looks at the whole sequence once more (attention).
        """
        stages = self._stages(Pool(self.pooling.kinds, self.pooling.features))
        if "attention" in self.pooling.kinds:
            raise InputError(
                "attention over the whole sequence cannot run step by step",
                where="network.pooling",
                fix='Train it with --set network.pooling=["mean","max"].',
            )
        return stages


def count_weights(network: nn.Module) -> int:
    """Trainable numbers in `network`."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
