"""What every task is to the rest of the program: a loss, a measure for stopping, a decision, scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from recurra.tasks.metrics import Score


@dataclass(frozen=True)
class Answer:
    """What a run says of N examples.

    Args:
        labels: (N,) class names, (N, K) bool for several labels, or (N,) float64 for regression.
        probabilities: (N, K) calibrated, columns in the order of the classes; None for regression.
    """

    labels: np.ndarray
    probabilities: np.ndarray | None = None


class Decision(BaseModel):
    """How outputs become answers, fitted on the validation part; as `config.json` keeps it.

    Args:
        temperature: what the logits are divided by.
        threshold: from which probability a class or label is given; one for each of several labels. None: a half.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    temperature: float = Field(gt=0)
    threshold: float | list[float] | None = None


class Task(Protocol):
    """One kind of target, with all that depends on it."""

    output_size: int

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean loss over a batch: output (B, output_size), target as the target encoder made it."""
        ...

    def validate(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> dict[str, float]:
        """`loss` and one more number that people read, from the outputs and targets of all batches."""
        ...

    def chance(self, targets: Iterable[Tensor]) -> float:
        """`validate`'s loss of the best answer that is the same everywhere, from the targets of all batches."""
        ...

    def decide(self, outputs: Tensor, targets: Tensor) -> Decision | None:
        """Fit temperature and threshold on the validation part; None where there is nothing to decide."""
        ...

    def answer(self, outputs: Tensor, decision: Decision | None) -> Answer:
        """From the network's outputs to labels and probabilities."""
        ...

    def scores(self, answer: Answer, targets: np.ndarray, groups: np.ndarray | None = None) -> list[Score]:
        """Scores with intervals, the headline first; `targets` as people wrote them.

        Examples of one of the `groups` (N,) depend on each other.
        """
        ...

    def tables(self, answer: Answer, targets: np.ndarray, groups: np.ndarray | None = None) -> dict[str, Any]:
        """Tables for people and programs: confusion matrix, per class; JSON-safe."""
        ...


def gathered(pairs: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Outputs and targets of all batches, one after the other, on the CPU."""
    outputs, targets = zip(*((output.cpu(), target.cpu()) for output, target in pairs), strict=True)
    return torch.cat(outputs), torch.cat(targets)
