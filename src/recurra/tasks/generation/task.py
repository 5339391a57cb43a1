"""The loss of a language model, and what decides which weights are best."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import LinearCrossEntropyOptions, functional

from recurra.networks.language import LanguageOutput, activation_penalties
from recurra.tasks.chance import chance_of_ids

_PIECE = 512  # tokens


class LanguageTask:
    """The next token at every step.

        loss = - mean log p(w_{t+1} | w_1 .. w_t) + alpha AR + beta TAR

    with the penalties of AWD-LSTM, see `activation_penalties`.

    Args:
        alpha, beta: weights of the penalties.
        characters_per_token: of the validation text, for bits per character; None shows perplexity.
        spelling_per_token: nats that the spelling of its unknown tokens costs, a token of any kind.
    """

    def __init__(
        self,
        alpha: float = 0.0,
        beta: float = 0.0,
        characters_per_token: float | None = None,
        spelling_per_token: float = 0.0,
    ):
        self.alpha, self.beta, self.characters_per_token = alpha, beta, characters_per_token
        self.spelling_per_token = spelling_per_token

    def loss(self, output: LanguageOutput, target: Tensor) -> Tensor:
        """Target (B, T)."""
        loss = _cross_entropy(output, target, "mean")
        if self.alpha or self.beta:
            activation, change = activation_penalties(output)
            loss = loss + self.alpha * activation + self.beta * change
        return loss

    def validate(self, pairs: Iterable[tuple[LanguageOutput, Tensor]]) -> dict[str, float]:
        """Nats per token, and perplexity or bits per character."""
        total, count = 0.0, 0
        for output, target in pairs:
            total += float(nats_of(output, target).double().sum())
            count += target.numel()
        nats = total / max(1, count)
        if self.characters_per_token is None:
            return {"loss": nats, "perplexity": math.exp(min(nats, 700))}
        bits = (nats + self.spelling_per_token) / math.log(2)
        return {"loss": nats, "bits per character": bits / self.characters_per_token}

    def chance(self, targets: Iterable[Tensor]) -> float:
        """Nats per token where each is foretold as often as it comes."""
        return chance_of_ids(targets)


@torch.no_grad()
def nats_of(output: LanguageOutput, target: Tensor) -> Tensor:
    """(B, T) minus the logarithm of the probability that each target was given.

    >>> h = torch.zeros(1, 1, 3)
    >>> output = LanguageOutput(raw=h, dropped=h, state=(), weight=torch.ones(4, 3), bias=torch.zeros(4))
    >>> nats_of(output, torch.tensor([[2]])).exp()
    tensor([[4.]])
    """
    return _cross_entropy(output, target, "none").view(target.shape)


def _cross_entropy(output: LanguageOutput, target: Tensor, reduction: Literal["mean", "none"]) -> Tensor:
    """Logits of a large vocabulary are made, and used up, a few hundred tokens at a time."""
    vocabulary, width = output.weight.shape
    pieces = None
    if vocabulary > 4 * width:  # below that one piece is as quick, and little memory
        pieces = LinearCrossEntropyOptions(
            batch_chunk_size=_PIECE, chunking_method=None, acc_policy="compact"
        )
    return functional.linear_cross_entropy(
        output.dropped.flatten(0, 1),
        output.weight,
        target.flatten(),
        linear_bias=output.bias,
        reduction=reduction,
        options=pieces,
    )
