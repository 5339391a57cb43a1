"""The loss of a network that writes captions, and what decides which weights are best."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional

from recurra.networks.caption_network import CaptionOutput
from recurra.tasks.translation.task import PairTask


class CaptionTask:
    """The next id at every step, and which ids a caption has at all.

        loss = loss of `PairTask` + w / T sum_v [ - b_v log sigmoid(s_v) - (1 - b_v) log(1 - sigmoid(s_v)) ]

    T are the ids of the caption, b_v whether v is among them, s_v what is foretold of that from the image alone; a mean
    over the batch.

    Args:
        label_smoothing: see `PairTask`.
        words: w.
    """

    def __init__(self, label_smoothing: float = 0.0, words: float = 1.0):
        self.pair, self.words = PairTask(label_smoothing), words

    def loss(self, output: CaptionOutput, target: Tensor) -> Tensor:
        """Mean over the captions of the batch: target (B, T), negative past its end."""
        loss = self.pair.loss(output.written, target)
        if not self.words:
            return loss
        return loss + self.words * words_loss(output.words, target)

    def validate(self, pairs: Iterable[tuple[CaptionOutput, Tensor]]) -> dict[str, float]:
        """Nats per id of what is written, without smoothing, and perplexity."""
        return self.pair.validate((output.written, target) for output, target in pairs)

    def chance(self, targets: Iterable[Tensor]) -> float:
        """See `PairTask.chance`."""
        return self.pair.chance(targets)


def words_loss(words: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy of which ids (B, V) stand in captions (B, T), per id of a caption.

    >>> words_loss(torch.tensor([[9.0, -9.0]]), torch.tensor([[0, 0, -100]])).item() < 1e-3
    True
    """
    there = target >= 0
    bag = torch.zeros_like(words).scatter_add_(1, target.clamp(min=0), there.to(words.dtype)).clamp_(max=1)
    each = functional.binary_cross_entropy_with_logits(words, bag, reduction="none").sum(1)
    return (each / there.sum(1).clamp(min=1)).mean()
