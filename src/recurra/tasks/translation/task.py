"""The loss of an encoder-decoder, and what decides which weights are best."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import LinearCrossEntropyOptions, functional

from recurra.networks.decoder import DecoderOutput
from recurra.tasks.chance import chance_of_ids

_PIECE = 1024  # targets


class PairTask:
    """The next id of the target at every step, the one before it given (teacher forcing).

        loss = - mean over the ids of   (1 - s) log p(y_t) + s / V sum_v log p(v)

    with s the label smoothing (Szegedy et al., arXiv:1512.00567); padding does not count.
    """

    def __init__(self, label_smoothing: float = 0.0):
        self.label_smoothing = label_smoothing

    def loss(self, output: DecoderOutput, target: Tensor) -> Tensor:
        """Mean over the ids of the batch: target (B, T), negative past its end."""
        there = target >= 0
        if not there.any():
            return 0 * output.features.sum()
        return _cross_entropy(output, target, there, self.label_smoothing, "mean")

    def validate(self, pairs: Iterable[tuple[DecoderOutput, Tensor]]) -> dict[str, float]:
        """Nats per id without smoothing, and perplexity."""
        total, count = 0.0, 0
        for output, target in pairs:
            nats = nats_of(output, target)
            total, count = total + float(nats.double().sum()), count + len(nats)
        nats_per_id = total / max(1, count)
        return {"loss": nats_per_id, "perplexity": math.exp(min(nats_per_id, 700))}

    def chance(self, targets: Iterable[Tensor]) -> float:
        """Nats per id where each is foretold as often as it comes."""
        return chance_of_ids(targets)


@torch.no_grad()
def nats_of(output: DecoderOutput, target: Tensor) -> Tensor:
    """(M,) minus the logarithm of the probability of each id of the targets that is there.

    >>> output = DecoderOutput(torch.zeros(1, 2, 3), torch.ones(4, 3), torch.zeros(4), None)
    >>> nats_of(output, torch.tensor([[2, -100]])).exp()
    tensor([4.])
    """
    return _cross_entropy(output, target, target >= 0, 0.0, "none")


def _cross_entropy(
    output: DecoderOutput, target: Tensor, there: Tensor, smoothing: float, reduction: Literal["mean", "none"]
) -> Tensor:
    """Logits are made of what is there alone; without smoothing, of a large vocabulary, a few at a time."""
    vocabulary, width = output.weight.shape
    pieces = None
    if vocabulary > 4 * width and not smoothing:
        pieces = LinearCrossEntropyOptions(
            batch_chunk_size=_PIECE, chunking_method=None, acc_policy="compact"
        )
    return functional.linear_cross_entropy(
        output.features[there],
        output.weight,
        target[there],
        linear_bias=output.bias,
        reduction=reduction,
        label_smoothing=smoothing,
        options=pieces,
    )
