"""How sure a number is: confidence intervals for shares, means, and any statistic of a set of examples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats
from scipy.sparse import csr_array

from recurra.errors import InputError


@dataclass(frozen=True)
class Interval:
    """A confidence interval; both ends belong to it.

    Args:
        low, high: its ends; infinite where the data bound nothing.
        level: the share of repetitions in which such an interval holds the truth, 0.95 for most.
        method: how it was computed.

    >>> 0.9 in Interval(0.88, 0.92, 0.95, "wilson")
    True
    """

    low: float
    high: float
    level: float
    method: str

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def clip(self, low: float, high: float) -> Interval:
        """The same interval kept inside what the statistic can be at all."""
        return Interval(max(self.low, low), min(self.high, high), self.level, self.method)

    def to_json(self) -> dict[str, object]:
        """Plain types only; an infinite end becomes None, for JSON has no infinity."""
        ends = [float(end) if math.isfinite(end) else None for end in (self.low, self.high)]
        return {"low": ends[0], "high": ends[1], "level": self.level, "method": self.method}

    @classmethod
    def from_json(cls, record: dict) -> Interval:
        """The interval that `to_json` wrote."""
        low = -math.inf if record["low"] is None else record["low"]
        high = math.inf if record["high"] is None else record["high"]
        return cls(low, high, record["level"], record["method"])


def proportion_interval(successes: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval (1927) for a share such as accuracy; good for few examples and near 0 and 1.

    >>> interval = proportion_interval(30, 30)
    >>> f"{interval.low:.3f} to {interval.high:.3f}"
    '0.886 to 1.000'
    """
    _check_level(level)
    if n == 0:
        return Interval(0.0, 1.0, level, "wilson")
    if not 0 <= successes <= n:
        raise InputError(f"expected 0 to {n} successes, found {successes}", where="successes")
    found = stats.binomtest(int(successes), int(n)).proportion_ci(level, method="wilson")
    return Interval(float(found.low), float(found.high), level, "wilson")


def mean_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """Student's t interval for the mean of independent values; without bounds for fewer than two of them.

    >>> interval = mean_interval(np.array([1.0, 2.0, 3.0]))
    >>> f"{interval.low:.2f} to {interval.high:.2f}"
    '-0.48 to 4.48'
    """
    _check_level(level)
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        return Interval(-math.inf, math.inf, level, "t")
    half = stats.t.ppf(0.5 + level / 2, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    return Interval(float(values.mean() - half), float(values.mean() + half), level, "t")


def mean_over_seeds(values: np.ndarray, level: float = 0.95) -> tuple[float, Interval]:
    """The mean of one score over repetitions with other seeds, and the t interval of that mean.

    It tells how much the seed matters, not how much the choice of test examples does.

    >>> mean, interval = mean_over_seeds(np.array([0.89, 0.90, 0.91]))
    >>> f"{mean:.3f}, {interval.low:.3f} to {interval.high:.3f}"
    '0.900, 0.875 to 0.925'
    """
    return float(np.mean(values)), mean_interval(values, level)


def auc_interval(auc: float, positives: int, negatives: int, level: float = 0.95) -> Interval:
    """Newcombe's score interval for the area under the ROC curve (method 5, Statistics in Medicine 25, 2006).

    The ends t solve |auc - t| = z sqrt(V(t)) with the variance under the hypothesis t,

        V(t) = t (1 - t) (1 + m (1 - t) / (2 - t) + m t / (1 + t)) / (positives * negatives)
        m = (positives + negatives) / 2 - 1

    so that, as Wilson's, it does not collapse when every pair is in order.

    >>> interval = auc_interval(1.0, 20, 20)
    >>> f"{interval.low:.3f} to {interval.high:.3f}"
    '0.899 to 1.000'
    """
    _check_level(level)
    if positives < 1 or negatives < 1:
        return Interval(0.0, 1.0, level, "newcombe")
    z = float(stats.norm.ppf(0.5 + level / 2))
    m = (positives + negatives) / 2 - 1

    def excess(t: float) -> float:
        variance = t * (1 - t) * (1 + m * (1 - t) / (2 - t) + m * t / (1 + t)) / (positives * negatives)
        return float((auc - t) ** 2 - z**2 * variance)

    # 0 and 1 solve the equation too where auc is 0 or 1: the other root is looked for a little inside.
    low = _root(excess, 0.0, min(auc, 1 - 1e-9)) if auc > 0 else 0.0
    high = _root(excess, max(auc, 1e-9), 1.0) if auc < 1 else 1.0
    return Interval(low, high, level, "newcombe")


def bootstrap_interval(
    statistic: Callable[..., float],
    *arrays: np.ndarray,
    seed: int = 0,
    level: float = 0.95,
    resamples: int | None = None,
) -> Interval:
    """Percentile bootstrap of any statistic of examples (Efron 1979).

    Whole examples are drawn: entry n of every array goes with entry n of the others.

    Args:
        statistic: takes arrays like those given, returns a number.
        arrays: each with one entry per example along its first axis.
        seed: same seed, same interval.
        level: the share of repetitions in which the interval holds the truth.
        resamples: by default 1000, fewer for more than 25,000 examples, never fewer than 200.

    >>> interval = bootstrap_interval(np.median, np.arange(101.0))
    >>> 50 in interval, 30 in interval
    (True, False)
    """
    n = len(arrays[0])
    if any(len(array) != n for array in arrays):
        raise InputError(
            f"expected arrays of one length, found {[len(array) for array in arrays]}", where="arrays"
        )
    rng = np.random.default_rng(seed)
    drawn = np.empty(resamples or affordable_resamples(n))
    for k in range(len(drawn)):
        chosen = rng.integers(n, size=n)
        drawn[k] = statistic(*(array[chosen] for array in arrays))
    return interval_of_draws(drawn, float(statistic(*arrays)), level)


def bootstrap_sums(columns: np.ndarray, *, seed: int = 0, resamples: int | None = None) -> np.ndarray:
    """(R, C) column sums of R bootstrap samples of the rows of `columns` (N, C).

    Many statistics are functions of a few sums over examples (F1, RMSE, R², calibration error); from
    these sums their bootstrap costs one matrix product.

    >>> bootstrap_sums(np.ones((5, 2)), resamples=3)
    array([[5., 5.],
           [5., 5.],
           [5., 5.]])
    """
    columns = np.asarray(columns, dtype=np.float64)
    n = len(columns)
    resamples = resamples or affordable_resamples(n)
    return np.concatenate([counts @ columns for counts in _resampled_counts(n, resamples, seed)])


def bootstrap_macro(
    statistic: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    confusion: np.ndarray,
    *,
    seed: int = 0,
    level: float = 0.95,
    resamples: int = 1000,
) -> Interval:
    """Bootstrap of an average over classes, such as macro F1, from a confusion matrix (K, K), rows the truth.

    Drawing examples again is drawing a confusion matrix from a multinomial. Two right and two wrong
    examples, spread over the classes as the truth is, are mixed in first (Agresti and Coull 1998), so
    that a predictor without an error among 30 examples is not said to be without error for certain.

    Args:
        statistic: takes `right`, `support`, `predicted`, each (..., K): examples of each class that are
            right, that are there, and that are predicted; returns (...).
        confusion: counts of examples.
        seed: same seed, same interval.
        level: the share of repetitions in which the interval holds the truth.
        resamples: R.
    """
    k, n = len(confusion), int(confusion.sum())
    classes = np.arange(k)
    support = confusion.sum(1)
    smoothed = confusion.astype(np.float64)
    smoothed[classes, classes] += 2 * support / n
    smoothed[classes, (classes + 1) % k] += 2 * support / n
    truth, predicted = np.nonzero(smoothed)
    share = smoothed[truth, predicted]
    drawn = np.random.default_rng(seed).multinomial(n, share / share.sum(), size=resamples).astype(np.float64)
    cells = np.arange(len(truth))

    def per_class(of: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        member = csr_array((np.ones(chosen.sum()), (cells[chosen], of[chosen])), shape=(len(cells), k))
        return drawn @ member

    everywhere = np.ones(len(cells), dtype=bool)
    values = statistic(
        per_class(truth, truth == predicted), per_class(truth, everywhere), per_class(predicted, everywhere)
    )
    point = statistic(np.diagonal(confusion), support, confusion.sum(0))
    return interval_of_draws(values, float(point), level)


def interval_of_draws(
    drawn: np.ndarray, point: float, level: float = 0.95, *, basic: bool = False
) -> Interval:
    """The percentile interval of bootstrap draws; it always holds the observed `point`.

    `basic` mirrors the percentiles at the point (Davison and Hinkley 1997): for statistics such as the
    calibration error that resampling pushes to one side.
    """
    _check_level(level)
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return Interval(-math.inf, math.inf, level, "bootstrap")
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    if basic:
        low, high = 2 * point - high, 2 * point - low
    return Interval(float(min(low, point)), float(max(high, point)), level, "bootstrap")


def affordable_resamples(n: int) -> int:
    """1000 resamples as long as that is 25 million draws, then fewer, at least 200; a second or so."""
    return int(np.clip(25_000_000 // max(n, 1), 200, 1000))


def _resampled_counts(n: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Blocks of rows (r, N): how often each example is drawn. A block stays within the processor's cache."""
    rng = np.random.default_rng(seed)
    rows = max(1, 200_000 // max(n, 1))
    for start in range(0, resamples, rows):
        r = min(rows, resamples - start)
        drawn = rng.integers(n, size=(r, n)) + n * np.arange(r)[:, None]
        yield np.bincount(drawn.ravel(), minlength=r * n).reshape(r, n).astype(np.float64)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(optimize.brentq(function, low, high))  # pyright: ignore[reportArgumentType]


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise InputError(f"expected a level between 0 and 1, found {level}", where="level", fix="Take 0.95.")
