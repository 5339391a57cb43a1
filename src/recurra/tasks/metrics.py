"""How good predictions are: every score with its interval, over all examples at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from sklearn import metrics

from recurra.errors import DataError, InputError
from recurra.statistics.intervals import (
    Interval,
    auc_interval,
    bootstrap_interval,
    bootstrap_macro,
    bootstrap_sums,
    interval_of_draws,
    mean_interval,
    proportion_interval,
)

CALIBRATION_BINS = 15


@dataclass(frozen=True)
class Score:
    """One number about predictions.

    Args:
        name: of the metric, as people read it.
        value: NaN where it is not defined on these examples.
        interval: how sure the value is, as far as the choice of the examples goes.
        higher_is_better: whether more is better.
        n: examples it was computed over.
    """

    name: str
    value: float
    interval: Interval
    higher_is_better: bool
    n: int

    def to_json(self) -> dict[str, object]:
        """Plain types only; a value that is not finite becomes None."""
        value = float(self.value) if math.isfinite(self.value) else None
        return {
            "name": self.name,
            "value": value,
            "interval": self.interval.to_json(),
            "higher_is_better": self.higher_is_better,
            "n": self.n,
        }


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
    seed: int = 0,
) -> list[Score]:
    """Accuracy, balanced accuracy, macro F1, log loss, ROC AUC (two classes), calibration error, Brier score.

    Args:
        y_true: (N,) class names.
        probabilities: (N, K), rows sum to 1, columns in the order of `classes`.
        classes: K names; of two, the second is the positive one.
        threshold: for two classes, the probability of the second from which it is predicted.
        seed: of the bootstrap.

    >>> p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> for score in classification_scores(["no", "yes", "yes"], p, ["no", "yes"])[:2]:
    ...     print(score.name, round(score.value, 3))
    accuracy 0.667
    balanced accuracy 0.75
    """
    probabilities = _checked(probabilities, (len(y_true), len(classes)))
    truth, predicted = class_indices(y_true, classes), decide(probabilities, threshold)
    n, k = probabilities.shape
    scores = decision_scores(truth, predicted, k, seed=seed)

    tiny = np.finfo(np.float64).eps
    loss = -np.log(np.clip(probabilities[np.arange(n), truth], tiny, None))
    scores.append(Score("log loss", float(loss.mean()), mean_interval(loss).clip(0, math.inf), False, n))
    if k == 2 and 0 < truth.sum() < n:
        auc = float(metrics.roc_auc_score(truth, probabilities[:, 1]))
        positives = int(truth.sum())
        scores.append(Score("ROC AUC", auc, auc_interval(auc, positives, n - positives), True, n))
    confidence = probabilities[np.arange(n), predicted]
    scores.append(_calibration_score(confidence, predicted == truth, seed))
    squares = ((probabilities - (np.arange(k) == truth[:, None])) ** 2).sum(1) / (2 if k == 2 else 1)
    brier = mean_interval(squares).clip(0, 1 if k == 2 else 2)
    scores.append(Score("Brier score", float(squares.mean()), brier, False, n))
    return scores


def decision_scores(
    truth: np.ndarray, predicted: np.ndarray, n_classes: int, *, seed: int = 0
) -> list[Score]:
    """Accuracy, balanced accuracy and macro F1: the scores that need no probabilities; class indices (N,)."""
    n = len(truth)
    if not n:
        raise InputError("there are no examples to score", fix="Give at least one example with its target.")
    confusion = confusion_matrix(truth, predicted, n_classes)
    right = int(confusion.trace())
    scores = [Score("accuracy", right / n, proportion_interval(right, n), True, n)]
    for name, statistic in (("balanced accuracy", _balanced_accuracy), ("macro F1", _macro_f1)):
        value = float(statistic(np.diagonal(confusion), confusion.sum(1), confusion.sum(0)))
        scores.append(Score(name, value, bootstrap_macro(statistic, confusion, seed=seed), True, n))
    return scores


@dataclass(frozen=True)
class ClassRow:
    """One class in the per-class table; precision is NaN where the class is never predicted."""

    name: str
    precision: float
    recall: float
    f1: float
    precision_interval: Interval
    recall_interval: Interval
    f1_interval: Interval
    support: int
    predicted: int

    def to_json(self) -> dict[str, object]:
        """Plain types only; a share that is not defined becomes None."""
        shares = {name: getattr(self, name) for name in ("precision", "recall", "f1")}
        return {
            "name": self.name,
            **{name: None if math.isnan(share) else share for name, share in shares.items()},
            **{f"{name}_interval": getattr(self, f"{name}_interval").to_json() for name in shares},
            "support": self.support,
            "predicted": self.predicted,
        }


def per_class_table(
    right: np.ndarray, support: np.ndarray, predicted: np.ndarray, names: Sequence[Any]
) -> list[ClassRow]:
    """Precision, recall and F1 of every class or label, from counts (K,).

    For a confusion matrix `c` these are `np.diagonal(c)`, `c.sum(1)`, `c.sum(0)`. The interval of F1 is
    Wilson's for J = right / (support + predicted - right), turned by F1 = 2 J / (1 + J).

    >>> c = np.array([[8, 2], [1, 9]])
    >>> rows = per_class_table(np.diagonal(c), c.sum(1), c.sum(0), ["no", "yes"])
    >>> [(row.name, round(row.precision, 3), row.recall, row.support) for row in rows]
    [('no', 0.889, 0.8, 10), ('yes', 0.818, 0.9, 10)]
    """
    rows = []
    for name, tp, there, said in zip(
        names, right.tolist(), support.tolist(), predicted.tolist(), strict=True
    ):
        union = there + said - tp
        j = proportion_interval(tp, union)
        rows.append(
            ClassRow(
                name=str(name),
                precision=tp / said if said else math.nan,
                recall=tp / there if there else math.nan,
                f1=2 * tp / (there + said) if union else math.nan,
                precision_interval=proportion_interval(tp, said),
                recall_interval=proportion_interval(tp, there),
                f1_interval=Interval(2 * j.low / (1 + j.low), 2 * j.high / (1 + j.high), j.level, j.method),
                support=there,
                predicted=said,
            )
        )
    return rows


def multilabel_scores(
    y_true: np.ndarray,
    probabilities: np.ndarray,
    thresholds: float | np.ndarray = 0.5,
    *,
    seed: int = 0,
) -> list[Score]:
    """Micro F1 first, then macro F1, share of examples with every label right, average precision (macro).

    Args:
        y_true: (N, K) bool.
        probabilities: (N, K), one per label.
        thresholds: from which probability a label is given; one number or (K,).
        seed: of the bootstrap.

    >>> y = np.array([[True, False], [True, True]])
    >>> scores = multilabel_scores(y, np.array([[0.9, 0.2], [0.8, 0.4]]))
    >>> [(score.name, round(score.value, 3)) for score in scores[:3]]
    [('micro F1', 0.8), ('macro F1', 0.5), ('every label right', 0.5)]
    """
    y_true = np.asarray(y_true, dtype=bool)
    probabilities = _checked(probabilities, y_true.shape)
    n, predicted = len(y_true), probabilities >= thresholds
    columns = label_sums(y_true, predicted)
    drawn, total = bootstrap_sums(columns, seed=seed), columns.sum(0)
    scores = []
    for name, statistic in (("micro F1", micro_f1), ("macro F1", _macro_f1_of_sums)):
        value = float(statistic(total))
        scores.append(Score(name, value, interval_of_draws(statistic(drawn), value), True, n))
    exact = int((predicted == y_true).all(1).sum())
    scores.append(Score("every label right", exact / n, proportion_interval(exact, n), True, n))
    if (present := y_true.any(0)).any():
        y, p = y_true[:, present], probabilities[:, present]
        value = _average_precision(y, p)
        # Each resample sorts every column again; few of them are enough for many examples.
        resamples = int(np.clip(2_000_000 // y.size, 50, 500))
        interval = bootstrap_interval(_average_precision, y, p, seed=seed, resamples=resamples)
        scores.append(Score("average precision", value, interval, True, n))
    return scores


def label_sums(y_true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(N, 2 K): rightly given labels, then labels there plus labels given; their sums make every F1."""
    return np.hstack([y_true & predicted, y_true.astype(np.int8) + predicted])


def micro_f1(sums: np.ndarray) -> np.ndarray:
    """F1 over all labels together, from sums (..., 2 K) of `label_sums`; 1 where there is nothing to find."""
    k = sums.shape[-1] // 2
    return _f1(sums[..., :k].sum(-1), sums[..., k:].sum(-1), empty=1.0)


def regression_scores(y_true: np.ndarray, predicted: np.ndarray, *, seed: int = 0) -> list[Score]:
    """RMSE first, then MAE, R² and the median absolute error; both arrays (N,), in the target's unit.

    >>> scores = regression_scores(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    >>> [(score.name, round(score.value, 3)) for score in scores]
    [('RMSE', 0.577), ('MAE', 0.333), ('R²', 0.5), ('median absolute error', 0.0)]
    """
    y_true = np.asarray(y_true, dtype=np.float64)
    predicted = _checked(predicted, y_true.shape)
    n, error = len(y_true), np.abs(predicted - y_true)
    centred = y_true - y_true.mean()  # sums of squares of large targets would lose their digits
    columns = np.stack([error**2, centred, centred**2], 1)
    drawn, total = bootstrap_sums(columns, seed=seed), columns.sum(0)

    def rmse(sums: np.ndarray) -> np.ndarray:
        return np.sqrt(sums[..., 0] / n)

    def r2(sums: np.ndarray) -> np.ndarray:
        spread = sums[..., 2] - sums[..., 1] ** 2 / n
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(spread > 1e-12 * max(total[2], 1e-300), 1 - sums[..., 0] / spread, np.nan)

    scores = []
    for name, statistic, higher in (("RMSE", rmse, False), ("R²", r2, True)):
        value = float(statistic(total))
        scores.append(Score(name, value, interval_of_draws(statistic(drawn), value), higher, n))
    scores.insert(1, Score("MAE", float(error.mean()), mean_interval(error).clip(0, math.inf), False, n))
    scores.append(Score("median absolute error", float(np.median(error)), _median_interval(error), False, n))
    return scores


def _median_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """From order statistics, exact for any distribution (Conover 1999); unbounded for very few values."""
    found = stats.quantile_test(values, p=0.5).confidence_interval(level)
    low, high = (
        end if math.isfinite(end) else side for end, side in zip(found, (0.0, math.inf), strict=True)
    )
    return Interval(float(low), float(high), level, "order statistics")


def _calibration_score(confidence: np.ndarray, right: np.ndarray, seed: int) -> Score:
    """Expected calibration error over 15 equal bins of the decided class's probability (Guo et al. 2017)."""
    n = len(right)
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    columns = np.zeros((n, CALIBRATION_BINS))
    columns[np.arange(n), bins] = confidence - right
    value = float(np.abs(columns.sum(0)).sum() / n)
    drawn = np.abs(bootstrap_sums(columns, seed=seed)).sum(1) / n
    return Score("calibration error", value, interval_of_draws(drawn, value, basic=True).clip(0, 1), False, n)


def _balanced_accuracy(right: np.ndarray, support: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Mean recall of the classes that are there."""
    there = support > 0
    return (right / np.where(there, support, 1)).sum(-1) / there.sum(-1)


def _macro_f1(right: np.ndarray, support: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Mean F1 of the classes that are there or are predicted."""
    total = support + predicted
    return (2 * right / np.where(total > 0, total, 1)).sum(-1) / (total > 0).sum(-1)


def _macro_f1_of_sums(sums: np.ndarray) -> np.ndarray:
    """Mean F1 over labels; a label that is neither there nor given counts as 0, as in scikit-learn."""
    k = sums.shape[-1] // 2
    return _f1(sums[..., :k], sums[..., k:], empty=0.0).mean(-1)


def _f1(right: np.ndarray, total: np.ndarray, empty: float) -> np.ndarray:
    return np.where(total > 0, 2 * right / np.where(total > 0, total, 1), empty)


def _average_precision(y_true: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean over the labels that are there; a resample may have lost some of them.

    Of one label, with the examples by falling probability and P(k) the precision of the first k,

        sum_n y_n P(end of n's ties) / sum_n y_n

    as scikit-learn's `average_precision_score`, which a bootstrap would wait for.
    """
    present = y_true.any(0)
    if not present.any():
        return math.nan
    y, p = y_true[:, present], probabilities[:, present]
    order = np.argsort(-p, axis=0, kind="stable")
    y, p = np.take_along_axis(y, order, 0), np.take_along_axis(p, order, 0)
    place = np.arange(len(y))[:, None]
    is_end = np.vstack([p[1:] != p[:-1], np.ones((1, p.shape[1]), dtype=bool)])
    end = np.minimum.accumulate(np.where(is_end, place, len(y))[::-1], axis=0)[::-1]
    precision = np.take_along_axis(np.cumsum(y, 0) / (place + 1), end, 0)
    return float(((y * precision).sum(0) / y.sum(0)).mean())


def _checked(predictions: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    predictions = np.asarray(predictions, dtype=np.float64)
    if predictions.shape != shape or not len(predictions):
        raise InputError(
            f"expected predictions of shape {shape} with at least one example, found {predictions.shape}",
            where="predictions",
            fix="Give one prediction for each target, in the same order.",
        )
    if not np.isfinite(predictions).all():
        raise InputError("expected finite predictions, found NaN or infinite ones", where="predictions")
    return predictions


def _some(names: Sequence) -> str:
    shown = ", ".join(repr(str(name)) for name in list(names)[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")
