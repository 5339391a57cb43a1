"""How sure a number is: confidence intervals for shares, means, and any statistic of a set of examples."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

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
    check_level(level)
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
    check_level(level)
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
    check_level(level)
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


def share_interval(value: float, size: float, level: float = 0.95) -> Interval:
    """Wilson's interval for a statistic between 0 and 1 that is no plain share, such as macro F1.

    Args:
        value: of the statistic.
        size: the number of examples of which a plain share would vary as much, see `effective_size`.
        level: the share of repetitions in which the interval holds the truth.

    >>> interval = share_interval(1.0, 30)
    >>> f"{interval.low:.3f} to {interval.high:.3f}"
    '0.886 to 1.000'
    """
    check_level(level)
    value = min(max(value, 0.0), 1.0)
    z2 = float(stats.norm.ppf(0.5 + level / 2)) ** 2 / size
    centre = (value + z2 / 2) / (1 + z2)
    half = math.sqrt(z2 * value * (1 - value) + z2**2 / 4) / (1 + z2)
    low, high = min(centre - half, value), max(centre + half, value)
    return Interval(max(low, 0.0), min(high, 1.0), level, "wilson, effective size")


def effective_size(value: float, variance: float, n: int) -> float:
    """As many examples as make a plain share vary so, value (1 - value) / variance; n where nothing varies.

    >>> round(effective_size(0.9, 0.9 * 0.1 / 50, 200))
    50
    """
    return value * (1 - value) / variance if variance > 0 and 0 < value < 1 else float(n)


def ratio_interval(numerator: np.ndarray, denominator: np.ndarray, level: float = 0.95) -> Interval:
    """For mean(numerator) / mean(denominator) of values not below 0, both (N,), by the delta method on its logarithm.

        log ratio ± t s / sqrt(N),    s the standard deviation of numerator / mean - denominator / mean

    >>> interval = ratio_interval(np.array([1.0, 2.0, 3.0]), np.ones(3))
    >>> f"{interval.low:.2f} to {interval.high:.2f}"
    '0.58 to 6.93'
    """
    check_level(level)
    n, top, bottom = len(numerator), float(np.mean(numerator)), float(np.mean(denominator))
    if n < 2 or bottom == 0:
        return Interval(0.0, math.inf, level, "delta")
    if top == 0:
        return Interval(0.0, 0.0, level, "delta")
    spread = float(np.std(numerator / top - denominator / bottom, ddof=1))
    half = float(stats.t.ppf(0.5 + level / 2, n - 1)) * spread / math.sqrt(n)
    with np.errstate(over="ignore"):
        return Interval(
            float(top / bottom * np.exp(-half)), float(top / bottom * np.exp(half)), level, "delta"
        )


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(optimize.brentq(function, low, high))  # pyright: ignore[reportArgumentType]


def check_level(level: float) -> None:
    """Refuse a level that is none."""
    if not 0 < level < 1:
        raise InputError(f"expected a level between 0 and 1, found {level}", where="level", fix="Take 0.95.")
