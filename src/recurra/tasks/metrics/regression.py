"""Real numbers: how far predictions are off."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from recurra.statistics.intervals import Interval, mean_interval, ratio_interval
from recurra.tasks.metrics.grouped import scores_over_groups
from recurra.tasks.metrics.score import Score, checked


def regression_scores(
    y_true: np.ndarray, predicted: np.ndarray, *, groups: np.ndarray | None = None
) -> list[Score]:
    """RMSE first, then MAE, R² and the median absolute error; both arrays (N,), in the target's unit.

    R² is NaN where all targets are the same. Where examples of one of the `groups` (N,) depend on each other, intervals
    are those of `scores_over_groups`.

    >>> scores = regression_scores(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    >>> [(score.name, round(score.value, 3)) for score in scores]
    [('RMSE', 0.577), ('MAE', 0.333), ('R²', 0.5), ('median absolute error', 0.0)]
    """
    y_true = np.asarray(y_true, dtype=np.float64)
    predicted = checked(predicted, y_true.shape)
    n, error = len(y_true), np.abs(predicted - y_true)
    squared = error**2
    rmse, mse = float(np.sqrt(squared.mean())), ratio_interval(squared, np.ones(n))
    scores = [
        Score(
            "RMSE", rmse, Interval(math.sqrt(mse.low), math.sqrt(mse.high), mse.level, mse.method), False, n
        ),
        Score("MAE", float(error.mean()), mean_interval(error).clip(0, math.inf), False, n),
    ]
    spread = (y_true - y_true.mean()) ** 2
    if spread.mean() > 1e-24 * max(float(np.abs(y_true).max()), 1e-150) ** 2:
        unexplained = ratio_interval(squared, spread)
        interval = Interval(1 - unexplained.high, 1 - unexplained.low, unexplained.level, unexplained.method)
        scores.append(Score("R²", float(1 - squared.sum() / spread.sum()), interval, True, n))
    else:
        scores.append(Score("R²", math.nan, Interval(-math.inf, 1.0, 0.95, "undefined"), True, n))
    scores.append(Score("median absolute error", float(np.median(error)), _median_interval(error), False, n))
    return scores_over_groups(scores, lambda rows: regression_scores(y_true[rows], predicted[rows]), groups)


def _median_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """From order statistics, exact for any distribution (Conover 1999); unbounded for very few values."""
    found = stats.quantile_test(values, p=0.5).confidence_interval(level)
    low, high = (
        end if math.isfinite(end) else side for end, side in zip(found, (0.0, math.inf), strict=True)
    )
    return Interval(float(low), float(high), level, "order statistics")
