"""One class of two or more: decisions, probabilities, and how well both are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special
from sklearn.metrics import roc_auc_score

from recurra.errors import DataError, InputError
from recurra.statistics.bootstrap import macro_interval
from recurra.statistics.intervals import (
    Interval,
    auc_interval,
    mean_interval,
    proportion_interval,
)
from recurra.tasks.metrics.grouped import scores_over_groups
from recurra.tasks.metrics.score import Score, checked

CALIBRATION_BINS = 15
_ROUNDING = 1e-12  # a distance of shares below it counts as none
RESAMPLES = 1000


def class_indices(y: Sequence | np.ndarray, classes: Sequence[Any]) -> np.ndarray:
    """(N,) int64, the place of each name in `classes`.

    Raises:
        DataError: a name that is not in `classes`.

    >>> class_indices(["no", "yes", "no"], ["no", "yes"])
    array([0, 1, 0])
    """
    place = {name: k for k, name in enumerate(classes)}
    strangers = {name: None for name in y if name not in place}
    if strangers:
        raise DataError(
            f"expected classes {_some(classes)}, found {_some(list(strangers))}",
            where="target",
            fix="These classes were not among the training examples; leave the rows out, or train with them.",
        )
    return np.fromiter((place[name] for name in y), dtype=np.int64, count=len(y))


def decide(probabilities: np.ndarray, threshold: float | None = None) -> np.ndarray:
    """(N,) int64, the class decided for: the likeliest, or of two the second where it reaches `threshold`.

    >>> p = np.array([[0.9, 0.1], [0.6, 0.4]])
    >>> decide(p), decide(p, threshold=0.3)
    (array([0, 0]), array([0, 1]))
    """
    if threshold is None:
        return probabilities.argmax(1)
    if probabilities.shape[1] != 2:
        raise InputError(
            f"a threshold decides between two classes, found {probabilities.shape[1]}", where="threshold"
        )
    return (probabilities[:, 1] >= threshold).astype(np.int64)


def confusion_matrix(y_true: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """(K, K) int64 counts; row: true class, column: predicted class; both (N,) class indices.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    array([[1, 1],
           [0, 1]])
    """
    return np.bincount(y_true * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)


def classification_scores(
    y_true: Sequence | np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[Any],
    threshold: float | None = None,
    *,
    groups: np.ndarray | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> list[Score]:
    """Accuracy, balanced accuracy, macro F1, log loss, ROC AUC (two classes), calibration error, Brier score.

    Args:
        y_true: (N,) class names.
        probabilities: (N, K), rows sum to 1, columns in the order of `classes`.
        classes: K names; of two, the second is the positive one.
        threshold: for two classes, the probability of the second from which it is predicted.
        groups: (N,) of the examples, where those of one depend on each other: see `scores_over_groups`.
        seed, resamples: of the bootstrap.

    >>> p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> for score in classification_scores(["no", "yes", "yes"], p, ["no", "yes"])[:2]:
    ...     print(score.name, round(score.value, 3))
    accuracy 0.667
    balanced accuracy 0.75
    """
    probabilities = checked(probabilities, (len(y_true), len(classes)))
    truth, predicted = class_indices(y_true, classes), decide(probabilities, threshold)
    n, k = probabilities.shape
    scores = decision_scores(truth, predicted, k, seed=seed, resamples=resamples)

    tiny = np.finfo(np.float64).eps
    loss = -np.log(np.clip(probabilities[np.arange(n), truth], tiny, None))
    scores.append(Score("log loss", float(loss.mean()), mean_interval(loss).clip(0, math.inf), False, n))
    if k == 2 and 0 < truth.sum() < n:
        auc = float(roc_auc_score(truth, probabilities[:, 1]))
        positives = int(truth.sum())
        scores.append(Score("ROC AUC", auc, auc_interval(auc, positives, n - positives), True, n))
    confidence = probabilities[np.arange(n), predicted]
    scores.append(_calibration_score(confidence, predicted == truth))
    squares = ((probabilities - (np.arange(k) == truth[:, None])) ** 2).sum(1) / (2 if k == 2 else 1)
    brier = mean_interval(squares).clip(0, 1 if k == 2 else 2)
    scores.append(Score("Brier score", float(squares.mean()), brier, False, n))

    def again(rows: np.ndarray) -> list[Score]:
        chosen = [y_true[row] for row in rows.tolist()]
        return classification_scores(chosen, probabilities[rows], classes, threshold, resamples=1)

    return scores_over_groups(scores, again, groups)


def decision_scores(
    truth: np.ndarray,
    predicted: np.ndarray,
    n_classes: int,
    *,
    groups: np.ndarray | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> list[Score]:
    """Accuracy, balanced accuracy and macro F1: the scores that need no probabilities; class indices (N,).

    `groups`, `seed` and `resamples` as in `classification_scores`.
    """
    n = len(truth)
    if not n:
        raise InputError("there are no examples to score", fix="Give at least one example with its target.")
    confusion = confusion_matrix(truth, predicted, n_classes)
    right = int(confusion.trace())
    scores = [Score("accuracy", right / n, proportion_interval(right, n), True, n)]
    for name, statistic in (("balanced accuracy", _balanced_accuracy), ("macro F1", _macro_f1)):
        value = float(statistic(np.diagonal(confusion), confusion.sum(1), confusion.sum(0)))
        interval = macro_interval(statistic, confusion, seed=seed, resamples=resamples)
        scores.append(Score(name, value, interval, True, n))
    return scores_over_groups(
        scores, lambda rows: decision_scores(truth[rows], predicted[rows], n_classes, resamples=1), groups
    )


def _calibration_score(confidence: np.ndarray, right: np.ndarray) -> Score:
    """Expected calibration error over 15 equal bins of the decided class's probability (Guo et al. 2017).

        sum_b w_b |g_b|,    g_b = mean confidence - share right in bin b, w_b its share of the examples

    Chance makes |g_b| too large: by the mean of a folded normal distribution less its centre. The low
    end of the interval takes that off, with the centre at 0 where g_b is within two standard errors of
    0; the high end does not. In simulations it held the truth in 93 of 100 cases or more.
    """
    n = len(right)
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    filled, bins = np.unique(bins, return_inverse=True)
    size = np.bincount(bins, minlength=len(filled))
    gap = np.abs(np.bincount(bins, weights=confidence - right)) / size
    gap[gap < _ROUNDING] = 0.0
    share = (np.bincount(bins, weights=right) + 1) / (size + 2)
    error, weight = np.sqrt(share * (1 - share) / size), size / n
    value = float((weight * gap).sum())

    centre = np.sqrt(np.maximum(gap**2 - 4 * error**2, 0))
    ratio = centre / error
    folded = error * math.sqrt(2 / math.pi) * np.exp(-(ratio**2) / 2) + centre * (
        1 - 2 * special.ndtr(-ratio)
    )
    spread = math.sqrt((weight**2 * (centre**2 + error**2 - folded**2)).sum())
    low = value - float((weight * (folded - centre)).sum()) - 1.96 * spread
    high = value + 1.96 * math.sqrt((weight**2 * error**2).sum())
    interval = Interval(low, high, 0.95, "folded normal").clip(0, 1)
    return Score("calibration error", value, interval, False, n)


def _balanced_accuracy(right: np.ndarray, support: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Mean recall of the classes that are there."""
    there = support > 0
    return (right / np.where(there, support, 1)).sum(-1) / there.sum(-1)


def _macro_f1(right: np.ndarray, support: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Mean F1 of the classes that are there or are predicted."""
    total = support + predicted
    return (2 * right / np.where(total > 0, total, 1)).sum(-1) / (total > 0).sum(-1)


def _some(names: Sequence) -> str:
    shown = ", ".join(repr(str(name)) for name in list(names)[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")
