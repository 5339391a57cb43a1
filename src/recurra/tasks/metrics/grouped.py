"""Scores of examples that belong to groups: their intervals are over the groups, which may each be different."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from recurra.statistics.blocks import grouped
from recurra.statistics.jackknife import Jackknife
from recurra.tasks.metrics.score import Score
from recurra.tasks.metrics.table import ClassRow

_SHARE, _ANY = (0.0, 1.0), (0.0, math.inf)
# Between which ends each score lies.
_LIMITS = {
    **dict.fromkeys(("accuracy", "balanced accuracy", "macro F1", "micro F1", "every label right"), _SHARE),
    **dict.fromkeys(("ROC AUC", "average precision", "calibration error", "exactly right"), _SHARE),
    **dict.fromkeys(("log loss", "Brier score", "NLL per step"), _ANY),
    **dict.fromkeys(("RMSE", "MAE", "median absolute error"), _ANY),
    **dict.fromkeys(("word error rate", "character error rate"), _ANY),
    "R²": (-math.inf, 1.0),
}


def scores_over_groups(
    scores: Sequence[Score], again: Callable[[np.ndarray], Sequence[Score]], groups: np.ndarray | None
) -> list[Score]:
    """The scores, each with an interval over groups in the place of that over examples; see `Jackknife`.

    Args:
        scores: of all examples.
        again: the same scores of those examples alone whose numbers it is given.
        groups: (N,) of the examples; where these are not `grouped`, nothing is changed.
    """
    if groups is None or not grouped(groups):
        return list(scores)

    def values(rows: np.ndarray) -> np.ndarray:
        found = {score.name: score.value for score in again(rows)}
        return np.array([found.get(score.name, math.nan) for score in scores])

    jackknife, found = Jackknife.of(values, groups), []
    for k, score in enumerate(scores):
        limits = _LIMITS[score.name]
        if limits == _SHARE or jackknife.variances[k] > 0:
            found.append(replace(score, interval=jackknife.interval(k, score.value, limits)))
        else:  # no group has any error: that it might is told by the examples alone
            found.append(score)
    return found


def rows_over_groups(
    rows: Sequence[ClassRow],
    counts: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]],
    groups: np.ndarray | None,
) -> list[ClassRow]:
    """The table of K classes, with intervals as `scores_over_groups` has them.

    Args:
        counts: from numbers of examples to (K,) counts: rightly given, there and given.
    """
    if groups is None or not grouped(groups):
        return list(rows)

    def shares(chosen: np.ndarray) -> np.ndarray:
        right, there, said = (each.astype(np.float64) for each in counts(chosen))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.concatenate([right / said, right / there, 2 * right / (there + said)])

    jackknife, k = Jackknife.of(shares, groups), len(rows)
    return [
        replace(
            row,
            precision_interval=jackknife.interval(place, row.precision),
            recall_interval=jackknife.interval(k + place, row.recall),
            f1_interval=jackknife.interval(2 * k + place, row.f1),
        )
        for place, row in enumerate(rows)
    ]
