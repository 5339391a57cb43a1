"""Widths at which networks of different cells have the same number of weights."""

from __future__ import annotations

import torch

from recurra.networks.config import NetworkConfig, NetworkShape
from recurra.networks.sequence_network import SequenceNetwork, count_weights


def hidden_size_for(weights: int, config: NetworkConfig, shape: NetworkShape) -> int:
    """The hidden size whose network comes nearest to `weights` trainable numbers.

    >>> shape = NetworkShape(input="features", input_size=8, output_size=10)
    >>> {cell: hidden_size_for(20_000, NetworkConfig(cell=cell), shape) for cell in ("rnn", "lstm", "gru")}
    {'rnn': 86, 'lstm': 43, 'gru': 50}
    """

    def size(hidden: int) -> int:
        with torch.device("meta"):
            return count_weights(SequenceNetwork(config.model_copy(update={"hidden_size": hidden}), shape))

    low, high = 1, 2
    while size(high) < weights:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size(middle) < weights else (low, middle)
    return min((low, high), key=lambda hidden: abs(size(hidden) - weights))
