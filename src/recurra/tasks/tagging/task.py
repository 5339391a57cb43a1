"""Tagging: a target at every step; steps without one do not count."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from recurra.data.labels import TargetEncoder
from recurra.tasks import make_task
from recurra.tasks.settings import TaskConfig
from recurra.tasks.task import Answer, Decision


class TagTask:
    """A class, several labels or a number at every step: the task of one answer, over all steps that have a target.

        loss = mean over these steps of   - log softmax(z_t)[y_t]                                    a class of K
                                          - sum_k [y_tk log s(z_tk) + (1 - y_tk) log(1 - s(z_tk))]   K labels
                                          (y_t - z_t)^2                                              a number

    s the logistic function. Of several labels the sum, not the mean: it is the negative log likelihood of a step, as
    polyphonic music is scored (Boulanger-Lewandowski et al., arXiv:1206.6392).

    Args:
        targets: knows what a target is.
        config: choices of loss and decision.
        counts: of all training steps that have a target, see `counts_of`; class weights are taken from them.
    """

    def __init__(self, targets: TargetEncoder, config: TaskConfig, counts: np.ndarray | None = None):
        self.targets = targets
        self.each = make_task(targets, config, counts)
        self.output_size = self.each.output_size
        self.columns = targets.size if targets.kind == "multilabel" else 1

    def known(self, target: Tensor) -> Tensor:
        """Bool, the steps that have a target: target (..., K) of several labels, else (...)."""
        if self.targets.kind == "multilabel":
            return ~target[..., 0].isnan()
        return target >= 0 if not target.is_floating_point() else ~target.isnan()

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean loss over the steps with a target: output (..., output_size), target as `Batches` pads it."""
        known = self.known(target)
        if not known.any():
            return 0 * output.sum()
        return self.columns * self.each.loss(output[known], target[known])

    def validate(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> dict[str, float]:
        """`loss`, and the second number of the task of one answer, over all steps with a target."""
        flat = []
        for output, target in pairs:
            known = self.known(target)
            flat.append((output[known], target[known]))
        measured = self.each.validate(flat)
        return measured | {"loss": self.columns * measured["loss"]}

    def chance(self, targets: Iterable[Tensor]) -> float:
        """See `Task.chance`; over all steps with a target."""
        return self.columns * self.each.chance(target[self.known(target)] for target in targets)

    def decide(self, outputs: Tensor, targets: Tensor) -> Decision | None:
        """Temperature and threshold on steps (M, output_size) and their targets, without gaps."""
        return self.each.decide(outputs, targets)

    def answer(self, outputs: Tensor, decision: Decision | None) -> Answer:
        """An answer for each of M steps: outputs (M, output_size)."""
        if not len(outputs):  # a threshold for no step, and its mean, are not defined
            outputs = torch.zeros(0, self.output_size)
        return self.each.answer(outputs, decision)
