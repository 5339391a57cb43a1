"""Whether two predictors differ, judged on the same examples: far sharper than two intervals side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from recurra.errors import InputError
from recurra.statistics.blocks import Blocks
from recurra.statistics.bootstrap import affordable_resamples, bootstrap_sums, interval_of_draws
from recurra.statistics.intervals import Interval


@dataclass(frozen=True)
class PairedResult:
    """What the paired comparison of a with b found.

    Args:
        difference: the statistic of a less that of b.
        interval: of the difference.
        p_value: how often a difference at least as large comes about when a and b are equally good.
        test: the name of the test.
        n: examples compared.
    """

    difference: float
    interval: Interval
    p_value: float
    test: str
    n: int

    @property
    def differs(self) -> bool:
        """Whether the difference is more than chance at the interval's level; otherwise it is a tie."""
        return self.p_value < 1 - self.interval.level and 0 not in self.interval

    def to_json(self) -> dict[str, object]:
        """Plain types only."""
        return {
            "difference": self.difference,
            "interval": self.interval.to_json(),
            "p_value": self.p_value,
            "test": self.test,
            "n": self.n,
        }


def compare_correct(a: np.ndarray, b: np.ndarray, level: float = 0.95) -> PairedResult:
    """Which of two classifiers is right more often: McNemar's exact test on the examples where they disagree.

    The interval is Agresti and Min's (Statistics in Medicine 24, 2005): Wald's after half an example is
    added to each of the four outcomes. With n + 2 = m, only_a' and only_b' the counts so enlarged,

        (only_a' - only_b') / m ± z sqrt(only_a' + only_b' - (only_a' - only_b')² / m) / m

    Args:
        a, b: (N,) bool, whether each example was classified rightly.
        level: of the interval.

    >>> right = np.arange(100) < 90
    >>> result = compare_correct(right, right & (np.arange(100) >= 12))
    >>> round(result.difference, 2), result.differs
    (0.12, True)
    """
    a, b = _same_length(np.asarray(a, dtype=bool), np.asarray(b, dtype=bool))
    n, only_a, only_b = len(a), int((a & ~b).sum()), int((b & ~a).sum())
    disagree = only_a + only_b
    p_value = stats.binomtest(only_a, disagree).pvalue if disagree else 1.0
    m, lead = n + 2, only_a - only_b
    half = float(stats.norm.ppf(0.5 + level / 2)) * math.sqrt(disagree + 1 - lead**2 / m) / m
    # The enlarged centre lies closer to 0 than the observed difference, which stays inside all the same.
    low, high = min(lead / m - half, lead / n), max(lead / m + half, lead / n)
    interval = Interval(low, high, level, "agresti-min").clip(-1.0, 1.0)
    return PairedResult(lead / n, interval, float(p_value), "mcnemar exact", n)


def compare_errors(
    a: np.ndarray, b: np.ndarray, level: float = 0.95, *, measure: str = "rms", seed: int = 0
) -> PairedResult:
    """Which of two predictors is closer: difference of root mean squared or mean absolute errors.

    Args:
        a, b: (N,) errors, with or without sign.
        level: of the interval.
        measure: "rms" or "mean" (of absolute values).
        seed: of the resampling.

    >>> noise = np.random.default_rng(0).normal(size=200)
    >>> result = compare_errors(0.5 * noise, noise)
    >>> result.difference < 0, result.differs
    (True, True)
    """
    a, b = _same_length(np.abs(a, dtype=np.float64), np.abs(b, dtype=np.float64))
    n = len(a)
    if measure == "rms":
        return compare_sums(
            lambda sums: np.sqrt(sums[..., 0] / n), a[:, None] ** 2, b[:, None] ** 2, level, seed=seed
        )
    if measure == "mean":
        return compare_sums(lambda sums: sums[..., 0] / n, a[:, None], b[:, None], level, seed=seed)
    raise InputError(f"expected 'rms' or 'mean', found {measure!r}", where="measure")


def compare_sums(
    statistic: Callable[[np.ndarray], np.ndarray],
    a: np.ndarray,
    b: np.ndarray,
    level: float = 0.95,
    *,
    seed: int = 0,
    blocks: Blocks | None = None,
) -> PairedResult:
    """Compare any statistic that is a function of sums over examples, such as RMSE or micro F1.

    The p-value is that of the permutation test that swaps a and b at random, example by example; the
    interval is the paired percentile bootstrap. Where examples depend on each other both go by blocks. The test
    holds for any number of examples, the interval is too narrow for few: where the test cannot tell the
    difference from chance, the interval is drawn out to 0.

    Args:
        statistic: (..., C) sums to (...) values.
        a, b: (N, C) what each example adds to the sums of either predictor.
        level: of the interval.
        seed: same seed, same result.
        blocks: which examples depend on each other; None: none does.
    """
    a, b = _same_length(a.astype(np.float64), b.astype(np.float64))
    examples, c = a.shape
    point = float(statistic(a.sum(0)) - statistic(b.sum(0)))
    sums = bootstrap_sums(np.hstack([a, b]), seed=seed, blocks=blocks)
    interval = interval_of_draws(statistic(sums[:, :c]) - statistic(sums[:, c:]), point, level, blocks)
    if blocks is not None:
        a, b = blocks.separate_sums(a), blocks.separate_sums(b)
    n = len(a)

    rng = np.random.default_rng([seed, 1])
    swaps, at_least = 2 * affordable_resamples(n), 0
    both, gap = (a + b).sum(0), a - b
    rows = max(1, 200_000 // n)
    for start in range(0, swaps, rows):
        signs = rng.integers(0, 2, size=(min(rows, swaps - start), n), dtype=np.int8) * 2.0 - 1.0
        tilt = signs @ gap
        drawn = statistic((both + tilt) / 2) - statistic((both - tilt) / 2)
        at_least += int((np.abs(drawn) >= abs(point) * (1 - 1e-9)).sum())
    p_value = (1 + at_least) / (1 + swaps)
    if p_value >= 1 - level:
        interval = replace(interval, low=min(interval.low, 0.0), high=max(interval.high, 0.0))
    test = "paired permutation" if blocks is None else "paired permutation of blocks"
    return PairedResult(point, interval, p_value, test, examples)


def _same_length(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if a.shape != b.shape or not len(a):
        raise InputError(
            f"expected two arrays of one shape with at least one example, found {a.shape} and {b.shape}",
            where="a, b",
            fix="Give both predictors the same examples in the same order.",
        )
    return a, b
