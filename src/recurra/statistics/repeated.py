"""Scores repeated with several seeds on the same examples: how sure their means and differences are.

Two things make a score vary: the seed of the training, and which examples happened to be in the test part. With the
score Y_s of seed s (of S), the mean over seeds varies by

    v = var(Y_s) / S + b,    b the variance of the mean when the examples are drawn again (bootstrap)

What belongs to seed and example together stands in both terms, so v errs, a little, on the side of doubt; a bootstrap
over seeds, of three or five of them, errs on the other (its variance is (S - 1) / S of the true one, and it knows no
Student's t). Intervals and tests are Student's with the degrees of freedom of Satterthwaite (Biometrics 2, 1946):

    f = (v_1 + v_2 + ...)² / (v_1² / f_1 + v_2² / f_2 + ...),    f_1 = S - 1, ..., the last one examples (or blocks) - 1

Of a difference, the seeds of both sides are independent, and the examples are the same ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from recurra.errors import InputError
from recurra.statistics.blocks import Blocks
from recurra.statistics.bootstrap import bootstrap_sums
from recurra.statistics.intervals import Interval, effective_size, share_interval

LEAST_SEEDS = 3  # that a difference is told from: of two, one claim in ten was false in simulations
MOST_SEEDS = 1000  # that are ever recommended
_POWER = 0.8
_NORMAL = 1.96


@dataclass(frozen=True)
class Measure:
    """A score that is a function of sums over examples.

    Args:
        name: as people read it.
        statistic: (..., C) sums to (...) values.
        higher_is_better: whether more is better.
        share: whether it lies between 0 and 1 and each example is right or wrong.
        blocks: which examples depend on each other; None: none does.
        least: what no value lies below.
    """

    name: str
    statistic: Callable[[np.ndarray], np.ndarray]
    higher_is_better: bool
    share: bool = False
    blocks: Blocks | None = None
    least: float = 0.0


@dataclass(frozen=True)
class Difference:
    """One mean less another.

    Args:
        difference: of the means over seeds.
        interval: of it alone; unbounded where it cannot be told.
        p_value: how often a difference at least as large comes about where there is none; 1 where nothing can be told.
        seeds_needed: with how many seeds each a difference of this size would be found in four of five comparisons;
            None where no number of seeds would do, for there are too few test examples.
    """

    difference: float
    interval: Interval
    p_value: float
    seeds_needed: int | None


class RepeatedScores:
    """Scores of several candidates on the same N examples, each with one seed or several.

    Args:
        measure: the score.
        columns: of each candidate (S, N, C), what each example adds to the sums with each seed; NaN at examples that
            a candidate has no answer to.
        seeded: of each candidate, whether another seed would give another score.
        seed: of the resampling.
        level: of the intervals.

    Raises:
        InputError: no candidates, or arrays that do not fit each other.

    >>> right = np.random.default_rng(0).random((3, 200)) < 0.8
    >>> columns = np.stack([right, np.ones((3, 200))], axis=2)
    >>> measure = Measure("accuracy", lambda sums: sums[..., 0] / sums[..., 1], higher_is_better=True, share=True)
    >>> scores = RepeatedScores(measure, [columns, columns[:1]], [True, False])
    >>> round(scores.mean(0), 2), 0.8 in scores.interval(0)
    (0.77, True)
    """

    def __init__(
        self,
        measure: Measure,
        columns: Sequence[np.ndarray],
        seeded: Sequence[bool],
        *,
        seed: int = 0,
        level: float = 0.95,
    ):
        if not columns or any(c.ndim != 3 or c.shape[1:] != columns[0].shape[1:] for c in columns):
            raise InputError(
                f"expected columns of one shape (S, N, C), found {[c.shape for c in columns]}",
                where="columns",
            )
        self.measure, self.level, self._seed = measure, level, seed
        self._columns = [np.asarray(c, dtype=np.float64) for c in columns]
        self._there: list[np.ndarray] = [np.logical_not(np.isnan(c).any(axis=(0, 2))) for c in self._columns]
        self._seeded = list(seeded)
        self._draws: dict[bytes, list[np.ndarray]] = {}

    def seeds(self, k: int) -> int:
        """S of candidate k."""
        return len(self._columns[k])

    def values(self, k: int) -> np.ndarray:
        """(S,) the score of each seed, over all examples that candidate k has."""
        return self._values(k, self._there[k])

    def mean(self, k: int) -> float:
        """The mean over the seeds."""
        return float(self.values(k).mean())

    def interval(self, k: int) -> Interval:
        """Of the mean, over seeds and examples; over examples alone where there is one seed of several possible."""
        there = self._there[k]
        parts = [self._of_seeds(k, there)] if self._seeded[k] and self.seeds(k) > 1 else []
        method = "seeds and examples" if parts else "examples"
        variance, freedom = _total([*parts, self._of_examples(self._drawn(there)[k], there)])
        value = self.mean(k)
        if not math.isfinite(variance):
            limits = (0.0, 1.0) if self.measure.share else (self.measure.least, math.inf)
            return Interval(*limits, self.level, method)
        reach = float(stats.t.ppf(0.5 + self.level / 2, freedom))
        if self.measure.share:
            blocks, many = self.measure.blocks, int(there.sum())
            least = many if blocks is None else max(1, round(blocks.count))
            size = effective_size(value, variance * (reach / _NORMAL) ** 2, least)
            found = share_interval(value, size, self.level)
            return Interval(found.low, found.high, self.level, method)
        half = reach * math.sqrt(variance)
        found = Interval(value - half, value + half, self.level, method)
        return found.clip(self.measure.least, math.inf)

    def difference(self, a: int, b: int, *, comparisons: int = 1) -> Difference:
        """Candidate a less candidate b, on the examples that both have.

        Args:
            comparisons: how many are made in all; `seeds_needed` allows for them by Bonferroni's rule.
        """
        there = self._there[a] & self._there[b]
        gap = float(self._values(a, there).mean() - self._values(b, there).mean())
        drawn = self._drawn(there)
        seeded = [k for k in (a, b) if self._seeded[k]]
        parts = [self._of_seeds(k, there) for k in seeded]
        of_examples = self._of_examples(drawn[a] - drawn[b], there)
        variance, freedom = _total([*parts, of_examples])
        if not math.isfinite(variance) or any(self.seeds(k) < LEAST_SEEDS for k in seeded):
            unknown = Interval(-math.inf, math.inf, self.level, "seeds and examples")
            return Difference(gap, unknown, 1.0, None)
        spread = sum(part * self.seeds(k) for part, k in zip((v for v, _ in parts), seeded, strict=True))
        half = float(stats.t.ppf(0.5 + self.level / 2, freedom)) * math.sqrt(variance)
        if variance > 0:
            p_value = float(2 * stats.t.sf(abs(gap) / math.sqrt(variance), freedom))
        else:
            p_value = 1.0 if gap == 0 else 0.0
        return Difference(
            gap,
            Interval(gap - half, gap + half, self.level, "seeds and examples"),
            p_value,
            seeds_needed(gap, spread, len(parts), of_examples, (1 - self.level) / comparisons),
        )

    def _values(self, k: int, there: np.ndarray) -> np.ndarray:
        return self.measure.statistic(self._columns[k][:, there].sum(1))

    def _of_seeds(self, k: int, there: np.ndarray) -> tuple[float, float]:
        """The variance of the mean by seeds, and its degrees of freedom; infinite and 0 with one seed."""
        count = self.seeds(k)
        if count < 2:
            return math.inf, 0.0
        return float(self._values(k, there).var(ddof=1)) / count, count - 1.0

    def _of_examples(self, drawn: np.ndarray, there: np.ndarray) -> tuple[float, float]:
        """The variance of `drawn` (R,), by which the examples are chosen, and its degrees of freedom."""
        blocks = self.measure.blocks
        n = float(there.sum()) if blocks is None else blocks.count
        if n < 2:
            return math.inf, 0.0
        variance = float(drawn[np.isfinite(drawn)].var()) * n / (n - 1)
        if self.measure.share:  # as of one more example on which the two differ: of few, chance may show none
            variance += 1 / float(there.sum()) ** 2
        return variance, n - 1

    def _drawn(self, there: np.ndarray) -> list[np.ndarray]:
        """Of each candidate, (R,) its mean over seeds when the examples `there` are drawn again, the same for all."""
        key = there.tobytes()
        if key not in self._draws:
            masked = [np.where(there[:, None], np.nan_to_num(c), 0.0) for c in self._columns]
            if self.measure.blocks is None:
                masked = [c[:, there] for c in masked]
            flat = np.concatenate([c for each in masked for c in each], axis=1)
            sums = bootstrap_sums(flat, seed=self._seed, blocks=self.measure.blocks)
            width, found, start = self._columns[0].shape[2], [], 0
            with np.errstate(invalid="ignore", divide="ignore"):
                for each in masked:
                    part = sums[:, start : start + len(each) * width].reshape(len(sums), len(each), width)
                    found.append(self.measure.statistic(part).mean(1))
                    start += len(each) * width
            self._draws[key] = found
        return self._draws[key]


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values of several comparisons, corrected so that a false claim among all of them stays as rare as in one.

        p'_(k) = max over j <= k of min(1, (m - j + 1) p_(j)),    p_(1) <= ... <= p_(m)

    (Holm, Scandinavian Journal of Statistics 6, 1979.) Whatever the comparisons have to do with each other.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(np.minimum(1.0, (len(p) - np.arange(len(p))) * p[order]))
    corrected = np.empty(len(p))
    corrected[order] = stepped
    return [float(value) for value in corrected]


def seeds_needed(
    gap: float, spread: float, sides: int, of_examples: tuple[float, float], alpha: float
) -> int | None:
    """With how many seeds on each side a difference `gap` is found with a power of 0.8; None: with no number.

    The least n with |gap| >= (t_{1 - alpha/2, f} + t_{0.8, f}) sqrt(spread / n + b).

    Args:
        spread: the variances over single seeds of both sides together.
        sides: how many of the two sides vary with the seed.
        of_examples: b, the variance that the choice of examples gives, and its degrees of freedom.
        alpha: how often a difference may be claimed where there is none.

    >>> seeds_needed(0.02, 2 * 0.01**2, 2, (0.0, 1000.0), 0.05)
    6
    """
    if gap == 0:
        return None
    for count in range(LEAST_SEEDS, MOST_SEEDS + 1):
        parts = [(spread / sides / count, count - 1.0)] * sides if sides else []
        variance, freedom = _total([*parts, of_examples])
        reach = float(stats.t.ppf(1 - alpha / 2, freedom) + stats.t.ppf(_POWER, freedom))
        if abs(gap) >= reach * math.sqrt(variance):
            return count
        if abs(gap) < (stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(_POWER)) * math.sqrt(of_examples[0]):
            return None
    return None


def _total(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The sum of variances, and Satterthwaite's degrees of freedom of it."""
    variance = sum(v for v, _ in parts)
    if not math.isfinite(variance) or variance == 0:
        return variance, 1.0
    return variance, variance**2 / sum(v**2 / f for v, f in parts if v > 0)
