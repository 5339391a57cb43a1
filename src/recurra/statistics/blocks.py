"""Examples that depend on each other: drawn again in blocks, so that intervals are not too narrow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from recurra.errors import InputError


@dataclass(frozen=True)
class Blocks:
    """Which examples belong together when they are drawn again.

    Every example is of one unit (a series, a moment); a block is `length` units in a row, around the end
    to the first: the circular block bootstrap (Politis and Romano 1992). With length 1 units are taken to
    be independent of each other, whatever goes on within them.

    Args:
        unit: (N,) int, the unit of each example, 0 to U - 1, in the order of time where length > 1.
        units: U.
        length: units in a block, 1 to U.

    >>> blocks = Blocks.of(np.array(["a", "a", "b", "c"]))
    >>> blocks.sums(np.ones((4, 1))).ravel(), blocks.count
    (array([2., 1., 1.]), 3.0)
    """

    unit: np.ndarray
    units: int
    length: int = 1

    def __post_init__(self):
        if not 1 <= self.length <= max(self.units, 1):
            raise InputError(
                f"expected blocks of 1 to {self.units} units, found {self.length}", where="length"
            )

    @classmethod
    def of(cls, names: np.ndarray, length: int = 1) -> Blocks:
        """Examples of equal name are one unit; units are in the order of their sorted names."""
        found, unit = np.unique(names, return_inverse=True)
        return cls(unit.ravel(), len(found), min(length, max(len(found), 1)))

    @property
    def count(self) -> float:
        """How many blocks that do not overlap there is room for: about as many independent examples."""
        return self.units / self.length

    def sums(self, columns: np.ndarray) -> np.ndarray:
        """(U, C) sums of `columns` (N, C) over the examples of each unit."""
        return np.stack(
            [np.bincount(self.unit, weights=column, minlength=self.units) for column in columns.T], axis=1
        )

    def moving_sums(self, columns: np.ndarray) -> np.ndarray:
        """(U, C) sums of `columns` (N, C) over the block that begins at each unit."""
        sums = self.sums(columns)
        if self.length == 1:
            return sums
        # Added up from the mean, so that the differences of a long running sum stay exact.
        mean = sums.mean(0)
        around = np.concatenate([np.zeros((1, sums.shape[1])), sums - mean, (sums - mean)[: self.length - 1]])
        running = np.cumsum(around, axis=0)
        return running[self.length :] - running[: -self.length] + self.length * mean

    def separate_sums(self, columns: np.ndarray) -> np.ndarray:
        """(floor(U / length), C) sums of `columns` (N, C) over blocks side by side; the last may be longer."""
        sums, blocks = self.sums(columns), self.units // self.length
        return np.add.reduceat(sums, self.length * np.arange(blocks), axis=0)

    def reach(self, level: float) -> float:
        """How many standard deviations of block bootstrap draws an interval goes to either side.

            t sqrt(n / (n - 1)),    t the quantile (1 + level) / 2 of Student's t with n - 1 degrees of freedom

        and n the number of blocks: of the mean of n independent units that is Student's interval, which
        percentiles of few blocks, being too narrow, are not. Infinite for fewer than two blocks.

        Args:
            level: the share of repetitions in which the interval holds the truth, 0.95 for most.
        """
        n = self.count
        if n < 2:
            return math.inf
        return float(stats.t.ppf(0.5 + level / 2, n - 1)) * math.sqrt(n / (n - 1))


def grouped(groups: np.ndarray | None) -> bool:
    """Whether there are several groups, and several examples of one; nothing can be said of others from one group.

    >>> grouped(None), grouped(np.array(["a", "a"])), grouped(np.array(["a", "b"])), grouped(np.array(["a", "a", "b"]))
    (False, False, False, True)
    """
    return groups is not None and 1 < len(set(groups.tolist())) < len(groups)


def blocks_of(groups: np.ndarray | None) -> Blocks | None:
    """Groups that are drawn again as wholes; None where there are none, see `grouped`."""
    return Blocks.of(groups.astype(str)) if groups is not None and grouped(groups) else None
