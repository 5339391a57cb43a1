"""Several labels at once, each there or not."""

from __future__ import annotations

import math

import numpy as np

from recurra.statistics.bootstrap import bootstrap_interval, bootstrap_sums
from recurra.statistics.intervals import effective_size, proportion_interval, share_interval
from recurra.tasks.metrics.grouped import scores_over_groups
from recurra.tasks.metrics.score import Score, checked


def multilabel_scores(
    y_true: np.ndarray,
    probabilities: np.ndarray,
    predicted: np.ndarray | None = None,
    *,
    groups: np.ndarray | None = None,
    seed: int = 0,
    resamples: int | None = None,
) -> list[Score]:
    """Micro F1 first, then macro F1, share of examples with every label right, average precision (macro).

    Args:
        y_true: (N, K) bool.
        probabilities: (N, K), one per label.
        predicted: (N, K) bool, the labels given; None gives those with a probability of at least 0.5.
        groups: (N,) of the examples, where those of one depend on each other: see `scores_over_groups`.
        seed, resamples: of the bootstrap; by default as many as are affordable.

    >>> y = np.array([[True, False], [True, True]])
    >>> scores = multilabel_scores(y, np.array([[0.9, 0.2], [0.8, 0.4]]))
    >>> [(score.name, round(score.value, 3)) for score in scores[:3]]
    [('micro F1', 0.8), ('macro F1', 0.5), ('every label right', 0.5)]
    """
    y_true = np.asarray(y_true, dtype=bool)
    probabilities = checked(probabilities, y_true.shape)
    n, predicted = len(y_true), probabilities >= 0.5 if predicted is None else predicted
    columns = label_sums(y_true, predicted)
    drawn, total = bootstrap_sums(columns, seed=seed, resamples=resamples), columns.sum(0)
    scores = []
    for name, statistic in (("micro F1", micro_f1), ("macro F1", _macro_f1_of_sums)):
        value = float(statistic(total))
        size = effective_size(value, float(np.var(statistic(drawn))), n)
        scores.append(Score(name, value, share_interval(value, size), True, n))
    exact = int((predicted == y_true).all(1).sum())
    scores.append(Score("every label right", exact / n, proportion_interval(exact, n), True, n))
    if (present := y_true.any(0)).any():
        y, p = y_true[:, present], probabilities[:, present]
        value = _average_precision(y, p)
        # Each resample sorts every column again; few of them are enough for many examples.
        fewer = resamples or int(np.clip(2_000_000 // y.size, 50, 500))
        interval = bootstrap_interval(_average_precision, y, p, seed=seed, resamples=fewer)
        scores.append(Score("average precision", value, interval, True, n))
    return scores_over_groups(
        scores,
        lambda rows: multilabel_scores(y_true[rows], probabilities[rows], predicted[rows], resamples=1),
        groups,
    )


def label_sums(y_true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(N, 2 K): rightly given labels, then labels there plus labels given; their sums make every F1."""
    return np.hstack([y_true & predicted, y_true.astype(np.int8) + predicted])


def micro_f1(sums: np.ndarray) -> np.ndarray:
    """F1 over all labels together, from sums (..., 2 K) of `label_sums`; 1 where there is nothing to find."""
    k = sums.shape[-1] // 2
    return _f1(sums[..., :k].sum(-1), sums[..., k:].sum(-1), empty=1.0)


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
