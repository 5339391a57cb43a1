"""Examples of groups that may each be different: how a statistic changes when one group is left out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from recurra.statistics.intervals import Interval, effective_size, share_interval

MOST_PARTS = 50  # in which groups are left out: more would take time, and tell nothing more
_NORMAL = 1.96


@dataclass(frozen=True)
class Jackknife:
    """Variances of statistics of examples that belong to groups: a speaker, a patient, a machine (Tukey 1958).

        v = (J - 1) / J sum_j (t_j - mean of t)²,    t_j the statistic of all examples but those of part j

    with J parts of whole groups, one for each group up to 50 of them. Other groups are thought of as drawn as these
    were, so few groups make a wide interval, however many examples they have.

    Args:
        variances: (C,) v of each statistic; infinite where it is not defined without some part, or there is one group.
        parts: J.
        groups, examples: how many there are.

    >>> values, groups = np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0]), np.repeat([0, 1, 2], 2)
    >>> found = Jackknife.of(lambda rows: values[rows].mean(keepdims=True), groups)
    >>> print(round(float(found.variances[0]), 4))  # that of the mean of three numbers: 1 / 3
    0.3333
    """

    variances: np.ndarray
    parts: int
    groups: int
    examples: int

    @classmethod
    def of(
        cls, statistics: Callable[[np.ndarray], np.ndarray], groups: np.ndarray, *, seed: int = 0
    ) -> Jackknife:
        """Leave out part after part.

        Args:
            statistics: from the numbers of examples, in order, to (C,) values; NaN where one is not defined.
            groups: (N,) the group of each example.
            seed: of the parts, where there are more than 50 groups.
        """
        names, member = np.unique(groups.astype(str), return_inverse=True)
        count, parts = len(names), min(len(names), MOST_PARTS)
        part = (np.random.default_rng(seed).permutation(count) % parts)[member]
        if count < 2:
            width = len(statistics(np.arange(len(groups))))
            return cls(np.full(width, math.inf), parts, count, len(groups))
        left = np.stack([statistics(np.flatnonzero(part != j)) for j in range(parts)])
        with np.errstate(invalid="ignore"):
            variances = (parts - 1) * left.var(axis=0)
        return cls(np.where(np.isfinite(variances), variances, math.inf), parts, count, len(groups))

    def interval(
        self, k: int, value: float, limits: tuple[float, float] = (0.0, 1.0), level: float = 0.95
    ) -> Interval:
        """Of statistic k, whose value is `value`: Student's with J - 1 degrees of freedom.

        Of a share (`limits` 0 and 1) it is Wilson's, of as many examples as vary so much; no more than there are, and
        where nothing varies as many as there are groups.
        """
        variance = float(self.variances[k])
        if not math.isfinite(variance) or not math.isfinite(value):
            return Interval(*limits, level, "groups")
        reach = float(stats.t.ppf(0.5 + level / 2, self.parts - 1))
        if limits == (0.0, 1.0):
            size = effective_size(value, variance * (reach / _NORMAL) ** 2, self.groups)
            found = share_interval(value, min(size, self.examples), level)
            return Interval(found.low, found.high, level, "groups")
        half = reach * math.sqrt(variance)
        return Interval(value - half, value + half, level, "groups").clip(*limits)
