"""The loss of a language model, and what decides which weights are best."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torch import Tensor
from torch.nn import functional

from recurra.networks.language import LanguageOutput, activation_penalties


class LanguageTask:
    """The next token at every step.

        loss = - mean log p(w_{t+1} | w_1 .. w_t) + alpha AR + beta TAR

    with the penalties of AWD-LSTM, see `activation_penalties`.

    Args:
        alpha, beta: weights of the penalties.
        characters_per_token: of the validation text, for bits per character; None shows perplexity.
    """

    def __init__(self, alpha: float = 0.0, beta: float = 0.0, characters_per_token: float | None = None):
        self.alpha, self.beta, self.characters_per_token = alpha, beta, characters_per_token

    def loss(self, output: LanguageOutput, target: Tensor) -> Tensor:
        """Target (B, T)."""
        loss = functional.cross_entropy(output.logits.flatten(0, 1), target.flatten())
        if self.alpha or self.beta:
            activation, change = activation_penalties(output)
            loss = loss + self.alpha * activation + self.beta * change
        return loss

    def validate(self, pairs: Iterable[tuple[LanguageOutput, Tensor]]) -> dict[str, float]:
        """Nats per token, and perplexity or bits per character."""
        total, count = 0.0, 0
        for output, target in pairs:
            total += float(nats_of(output.logits, target).double().sum())
            count += target.numel()
        nats = total / max(1, count)
        if self.characters_per_token is None:
            return {"loss": nats, "perplexity": math.exp(min(nats, 700))}
        return {"loss": nats, "bits per character": nats / math.log(2) / self.characters_per_token}


def nats_of(logits: Tensor, target: Tensor) -> Tensor:
    """(B, T) minus the logarithm of the probability that each target was given; logits (B, T, V).

    >>> import torch
    >>> nats_of(torch.zeros(1, 1, 4), torch.tensor([[2]])).exp()
    tensor([[4.]])
    """
    return functional.cross_entropy(logits.transpose(1, 2), target, reduction="none")
