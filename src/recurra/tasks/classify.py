"""Classification: one class of several, or several labels at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recurra.data.labels import TargetEncoder
from recurra.errors import InputError
from recurra.tasks import metrics
from recurra.tasks.calibration import TemperatureScaling, choose_threshold
from recurra.tasks.metrics import Score
from recurra.tasks.settings import TaskConfig
from recurra.tasks.task import Answer, Decision, gathered

_RARE = 1e-6  # probability at least of what does not occur


class ClassifyTask:
    """One class of K (two or more).

        loss = - sum_k q_k log softmax(z)_k,   q = (1 - s) onehot(y) + s / K

    with label smoothing s (Szegedy et al., arXiv:1512.00567), weighted by class where asked.

    Args:
        targets: knows the K class names.
        config: choices of loss and decision.
        counts: (K,) training examples of each class; needed for class weights only.
    """

    def __init__(self, targets: TargetEncoder, config: TaskConfig, counts: np.ndarray | None = None):
        self.targets, self.config = targets, config
        self.output_size = len(targets.classes)
        self.weights = None
        if counts is not None and isinstance(config.class_weight, dict):
            self.weights = given_weights(config.class_weight, targets.classes, counts)
        elif counts is not None and config.class_weight == "balanced":
            self.weights = balanced_weights(counts)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean cross-entropy: output (B, K), target (B,) int64.

        Weights have mean 1 over the training part. A mean over the weights of a batch would undo them: a batch
        without the rare class would count as much as one that holds it.
        """
        weights = None if self.weights is None else self.weights.to(output.device)
        smoothing = self.config.label_smoothing
        total = functional.cross_entropy(output, target, weights, label_smoothing=smoothing, reduction="sum")
        return total / len(target)

    def validate(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> dict[str, float]:
        """Loss as trained on, but without label smoothing, and accuracy."""
        outputs, targets = gathered(pairs)
        return {
            "loss": float(functional.cross_entropy(outputs, targets, self.weights)),
            "accuracy": float((outputs.argmax(1) == targets).double().mean()),
        }

    def chance(self, targets: Iterable[Tensor]) -> float:
        """See `Task.chance`."""
        truth = torch.cat([target.cpu() for target in targets])
        shares = torch.bincount(truth, minlength=self.output_size).float()
        if self.weights is not None:
            shares *= self.weights
        best = torch.log((shares / shares.sum()).clamp(min=_RARE))
        return self.validate([(best.expand(len(truth), -1), truth)])["loss"]

    def decide(self, outputs: Tensor, targets: Tensor) -> Decision:
        """Temperature, and for two classes the threshold."""
        logits, truth = outputs.double().numpy(), targets.numpy()
        scaling = TemperatureScaling.fit(logits, truth) if self.config.calibrate else TemperatureScaling()
        threshold = None
        if self.output_size == 2 and self.config.threshold != "half":
            threshold = choose_threshold(
                truth == 1, scaling.probabilities(logits)[:, 1], self.config.threshold
            )
        return Decision(temperature=scaling.temperature, threshold=threshold)

    def answer(self, outputs: Tensor, decision: Decision | None) -> Answer:
        """Calibrated probabilities, and the likeliest class or the one that the threshold decides for."""
        scaling, threshold = _decision(decision)
        probabilities = scaling.probabilities(outputs.double().numpy())
        chosen = metrics.decide(probabilities, threshold)
        return Answer(np.array(self.targets.classes, dtype=object)[chosen], probabilities)

    def scores(self, answer: Answer, targets: np.ndarray, groups: np.ndarray | None = None) -> list[Score]:
        """Accuracy first; for the decision as it was taken."""
        assert answer.probabilities is not None
        classes = self.targets.classes
        chosen = metrics.class_indices(answer.labels, classes)
        truth = metrics.class_indices(targets, classes)
        decided = metrics.decision_scores(truth, chosen, len(classes), groups=groups)
        rest = metrics.classification_scores(targets, answer.probabilities, classes, groups=groups)
        names = {score.name for score in decided}
        return decided + [score for score in rest if score.name not in names]

    def tables(self, answer: Answer, targets: np.ndarray, groups: np.ndarray | None = None) -> dict[str, Any]:
        """Confusion matrix (rows: true class) and the per-class table."""
        classes = self.targets.classes
        truth, said = (metrics.class_indices(names, classes) for names in (targets, answer.labels))

        def counts(chosen: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            found = metrics.confusion_matrix(truth[chosen], said[chosen], len(classes))
            return np.diagonal(found), found.sum(1), found.sum(0)

        confusion = metrics.confusion_matrix(truth, said, len(classes))
        rows = metrics.per_class_table(*counts(slice(None)), classes)
        rows = metrics.rows_over_groups(rows, counts, groups)
        return {"confusion": confusion.tolist(), "per_class": [row.to_json() for row in rows]}


class MultilabelTask:
    """K labels, each there or not.

    loss = mean_k [ - y_k log sigmoid(z_k) - (1 - y_k) log(1 - sigmoid(z_k)) ]

    Args:
        targets: knows the K label names.
        config: choices of loss and decision.
        counts: (2, K) training examples without and with each label; needed for class weights only.
    """

    def __init__(self, targets: TargetEncoder, config: TaskConfig, counts: np.ndarray | None = None):
        self.targets, self.config = targets, config
        self.output_size = len(targets.classes)
        self.weights = None
        if isinstance(config.class_weight, dict):
            raise InputError(
                "weights for single classes need one class of several, found several labels",
                where="task.class_weight",
                fix='Take "balanced" or "none".',
            )
        if counts is not None and config.class_weight == "balanced":
            absent, present = torch.as_tensor(counts, dtype=torch.float32).clamp(min=1)
            self.weights = absent / present

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean binary cross-entropy: output and target (B, K)."""
        weights = None if self.weights is None else self.weights.to(output.device)
        smooth = self.config.label_smoothing
        return functional.binary_cross_entropy_with_logits(
            output, target * (1 - smooth) + smooth / 2, pos_weight=weights
        )

    def validate(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> dict[str, float]:
        """Loss and the share of labels that are right."""
        outputs, targets = gathered(pairs)
        return {
            "loss": float(
                functional.binary_cross_entropy_with_logits(outputs, targets, pos_weight=self.weights)
            ),
            "labels right": float(((outputs > 0) == (targets > 0.5)).double().mean()),
        }

    def chance(self, targets: Iterable[Tensor]) -> float:
        """See `Task.chance`."""
        truth = torch.cat([target.cpu() for target in targets])
        best = torch.logit(truth.float().mean(0).clamp(_RARE, 1 - _RARE))
        if self.weights is not None:
            best += self.weights.log()
        return self.validate([(best.expand(len(truth), -1), truth)])["loss"]

    def decide(self, outputs: Tensor, targets: Tensor) -> Decision:
        """Temperature, and a threshold for each label."""
        logits, truth = outputs.double().numpy(), targets.numpy() > 0.5
        scaling = TemperatureScaling(several_labels=True)
        if self.config.calibrate:
            scaling = TemperatureScaling.fit(logits, truth, several_labels=True)
        threshold = None
        if self.config.threshold != "half":
            threshold = choose_threshold(truth, scaling.probabilities(logits), self.config.threshold)
        return Decision(temperature=scaling.temperature, threshold=threshold)

    def answer(self, outputs: Tensor, decision: Decision | None) -> Answer:
        """Calibrated probabilities, and the labels whose probability reaches their threshold."""
        scaling, threshold = _decision(decision, several_labels=True)
        probabilities = scaling.probabilities(outputs.double().numpy())
        return Answer(probabilities >= np.asarray(0.5 if threshold is None else threshold), probabilities)

    def scores(self, answer: Answer, targets: np.ndarray, groups: np.ndarray | None = None) -> list[Score]:
        """Micro F1 first."""
        assert answer.probabilities is not None
        return metrics.multilabel_scores(targets, answer.probabilities, answer.labels, groups=groups)

    def tables(self, answer: Answer, targets: np.ndarray, groups: np.ndarray | None = None) -> dict[str, Any]:
        """The per-label table."""

        def counts(chosen: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            there, said = targets[chosen], answer.labels[chosen]
            return (said & there).sum(0), there.sum(0), said.sum(0)

        rows = metrics.per_class_table(*counts(slice(None)), self.targets.classes)
        rows = metrics.rows_over_groups(rows, counts, groups)
        return {"per_class": [row.to_json() for row in rows]}


def given_weights(weights: dict[str, float], classes: Sequence[Any], counts: np.ndarray) -> Tensor:
    """(K,) the weight of each class, 1 where none is given, scaled to mean 1 over the `counts` (K,) examples.

    Raises:
        InputError: a weight for a class that there is not.

    >>> given_weights({"rare": 4}, ("common", "rare"), np.array([6, 1]))
    tensor([0.7000, 2.8000])
    """
    unknown = sorted(set(weights) - {str(name) for name in classes})
    if unknown:
        raise InputError(
            f"there is no class {unknown[0]!r}",
            where="task.class_weight",
            fix=f"The classes are: {', '.join(map(str, classes))}.",
        )
    chosen = torch.tensor([float(weights.get(str(name), 1.0)) for name in classes])
    present = torch.as_tensor(np.asarray(counts), dtype=torch.float32)
    return chosen * present.sum() / (chosen * present).sum()


def balanced_weights(counts: np.ndarray) -> Tensor:
    """N / (K n_k) for each class, so that every class weighs the same in all (King & Zeng 2001).

    >>> balanced_weights(np.array([30, 10]))
    tensor([0.6667, 2.0000])
    """
    present = torch.as_tensor(np.asarray(counts), dtype=torch.float32).clamp(min=1)
    return present.sum() / (len(present) * present)


def _decision(decision: Decision | None, several_labels: bool = False) -> tuple[TemperatureScaling, Any]:
    chosen = decision or Decision(temperature=1.0)
    return TemperatureScaling(chosen.temperature, several_labels), chosen.threshold
