"""Widths at which networks of different cells have the same number of weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeVar

import torch
from torch import nn

from recurra.networks.config import EncoderConfig
from recurra.networks.sequence_network import count_weights

_MOST_UNITS = 2**16

C = TypeVar("C", bound=EncoderConfig)


def sized(config: C, weights: int, network: Callable[[C], nn.Module]) -> C:
    """`config` with the widths whose network comes nearest to `weights` trainable numbers.

    One more unit in each layer may be five weights in a hundred; a TCN and a transformer are therefore filled up by
    units inside their layers.

    >>> from recurra.networks.encoders import make_encoder
    >>> found = sized(EncoderConfig(cell="transformer"), 20_000, lambda config: make_encoder(config, 8))
    >>> found.hidden_size, found.inner_size, count_weights(make_encoder(found, 8))
    (40, 158, 19998)
    """
    unit = config.heads if config.cell == "transformer" else 1

    def of(hidden: int, inner: int | None = None) -> C:
        return config.model_copy(update={"hidden_size": unit * hidden, "inner_size": inner})

    hidden = hidden_size_for(weights, lambda hidden: network(of(hidden)))
    if config.cell not in ("tcn", "transformer"):
        return of(hidden)
    return of(hidden, hidden_size_for(weights, lambda inner: network(of(hidden, inner))))


def hidden_size_for(weights: int, network: Callable[[int], nn.Module]) -> int:
    """The hidden size whose network comes nearest to `weights` trainable numbers.

    Args:
        network: makes the network of a hidden size; the more units, the more weights, or at least not fewer.

    >>> from recurra.layers import GRU, LSTM, RNN
    >>> {layer.__name__: hidden_size_for(20_000, lambda size: layer(8, size)) for layer in (RNN, LSTM, GRU)}
    {'RNN': 137, 'LSTM': 66, 'GRU': 77}
    """

    @cache
    def size(hidden: int) -> int:
        with torch.device("meta"), torch.random.fork_rng(devices=[]):
            return count_weights(network(hidden))

    low, high = 1, 2
    while size(high) < weights and high < _MOST_UNITS:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size(middle) < weights else (low, middle)
    return min((low, high), key=lambda hidden: abs(size(hidden) - weights))
