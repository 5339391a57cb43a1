"""Widths at which networks of different cells have the same number of weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from recurra.networks.sequence_network import count_weights


def hidden_size_for(weights: int, network: Callable[[int], nn.Module]) -> int:
    """The hidden size whose network comes nearest to `weights` trainable numbers.

    Args:
        network: makes the network of a hidden size; the more units, the more weights.

    >>> from recurra.layers import GRU, LSTM, RNN
    >>> {layer.__name__: hidden_size_for(20_000, lambda size: layer(8, size)) for layer in (RNN, LSTM, GRU)}
    {'RNN': 137, 'LSTM': 66, 'GRU': 77}
    """

    def size(hidden: int) -> int:
        with torch.device("meta"):
            return count_weights(network(hidden))

    low, high = 1, 2
    while size(high) < weights:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size(middle) < weights else (low, middle)
    return min((low, high), key=lambda hidden: abs(size(hidden) - weights))
