"""Regression: a number for each sequence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recurra.data.labels import TargetEncoder
from recurra.tasks import metrics
from recurra.tasks.metrics import Score
from recurra.tasks.task import Answer, Decision, gathered

_MOST_PAIRS = 400


class RegressTask:
    """One number per sequence, learned on the scale where the training part has mean 0 and deviation 1.

    loss = mean (y - z)^2
    """

    output_size = 1

    def __init__(self, targets: TargetEncoder):
        self.targets = targets

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean squared error: output (B, 1), target (B,)."""
        return functional.mse_loss(output.squeeze(1), target)

    def validate(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> dict[str, float]:
        """Squared error on the scaled target, and the share of its variance that is explained."""
        outputs, targets = gathered(pairs)
        loss = float(functional.mse_loss(outputs.squeeze(1).double(), targets.double()))
        spread = float(targets.double().var(correction=0))
        return {"loss": loss, "R²": 1 - loss / spread if spread > 0 else 0.0}

    def chance(self, targets: Iterable[Tensor]) -> float:
        """See `Task.chance`."""
        truth = torch.cat([target.cpu() for target in targets])
        return self.validate([(truth.float().mean().expand(len(truth), 1), truth)])["loss"]

    def decide(self, outputs: Tensor, targets: Tensor) -> None:
        """Nothing to decide."""

    def answer(self, outputs: Tensor, decision: Decision | None) -> Answer:
        """Numbers in the target's own unit."""
        return Answer(self.targets.decode(outputs.squeeze(1).double().numpy()))

    def scores(self, answer: Answer, targets: np.ndarray, groups: np.ndarray | None = None) -> list[Score]:
        """RMSE first."""
        return metrics.regression_scores(targets, answer.labels, groups=groups)

    def tables(self, answer: Answer, targets: np.ndarray, groups: np.ndarray | None = None) -> dict[str, Any]:
        """True numbers and answers in pairs, of at most so many examples, spread evenly."""
        chosen = np.linspace(0, len(targets) - 1, min(len(targets), _MOST_PAIRS)).round().astype(int)
        pairs = np.stack([targets, answer.labels], axis=1)[chosen].astype(float)
        return {"pairs": pairs.tolist()}
