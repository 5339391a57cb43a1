"""Series on one grid, as windows are cut from them; and what had to be done to get them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from recurra.data.packed import Packed
from recurra.data.series.grid import Grid
from recurra.data.sources.table import numbered

_FEW = 3


@dataclass(frozen=True)
class Series:
    """N series of one number at every step of a grid, with what is known beside them.

    Step j of series n is step `first[n] + j` of the grid. Its first and its last target are there; between
    them NaN marks what is missing.

    Args:
        names: (N,) the id, the column, or "id / column".
        targets: N sequences, values (steps, 1) float64.
        past: (steps, P) covariates known up to now; NaN where missing; None where there are none.
        known: (steps and those known after the last target, K) covariates known ahead; likewise.
        static: (N, S) float64 what holds for a whole series.
        first: (N,) int64.
        parts: values (steps,) int8, 0 train, 1 validation, 2 test; None where the source does not say.
        grid: of all of them.
    """

    names: list[str]
    targets: Packed
    past: Packed | None
    known: Packed | None
    static: np.ndarray
    first: np.ndarray
    parts: Packed | None
    grid: Grid

    def __len__(self) -> int:
        return len(self.names)

    @property
    def lengths(self) -> np.ndarray:
        """(N,) int64 steps from the first to the last target."""
        return self.targets.lengths

    def take(self, indices: np.ndarray) -> Series:
        """The series at `indices`, in that order, over the same values."""

        def of(packed: Packed | None) -> Packed | None:
            return None if packed is None else packed.take(indices)

        return replace(
            self,
            names=[self.names[n] for n in indices],
            targets=self.targets.take(indices),
            past=of(self.past),
            known=of(self.known),
            static=self.static[indices],
            first=self.first[indices],
            parts=of(self.parts),
        )


@dataclass(frozen=True)
class Report:
    """What had to be done to a table's rows to make series of them.

    Args:
        disordered: some rows stood behind a later time of their series.
        repeated: numbers, from 1, of rows on a step for which their series has one already; they are averaged.
        gaps: id -> steps without a row; "" of a lone record.
        missing: name -> steps whose target is missing, those without a row left out.
        trimmed: steps without a target left out before the first and after the last one of a series.
        future: most steps after the last target for which known covariates are there.
        short: name -> targets, of the series set aside.
        least: targets that a series must have.
        unknown: column -> values that are none of its categories.
        unsaid: static column of numbers -> ids of which it says nothing.
        empty: column of strings known ahead -> steps after the last target at which it is empty.
    """

    disordered: bool = False
    repeated: list[int] = field(default_factory=list)
    gaps: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    trimmed: int = 0
    future: int = 0
    short: dict[str, int] = field(default_factory=dict)
    least: int = 1
    unknown: dict[str, list[str]] = field(default_factory=dict)
    unsaid: dict[str, list[str]] = field(default_factory=dict)
    empty: dict[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Sentences for people, with a few names and row numbers; none where nothing had to be done.

        >>> Report(repeated=[4], gaps={"": 2}).lines()
        ['1 row falls on a step that has a row already, and was averaged with it: row 4',
         '2 steps have no row, and are missing values']
        """
        lines = []
        if self.disordered:
            lines.append("the rows were not in the order of time, and were sorted")
        if count := len(self.repeated):
            have = "falls on a step that has a row already, and was averaged with it"
            if count > 1:
                have = "fall on steps that have a row already, and were averaged with it"
            lines.append(f"{_many(count, 'row')} {have}: {numbered(self.repeated)}")
        if count := sum(self.gaps.values()):
            have = (
                "has no row, and is a missing value" if count == 1 else "have no row, and are missing values"
            )
            lines.append(f"{_many(count, 'step')} {have}{_counted(self.gaps)}")
        if count := sum(self.missing.values()):
            lines.append(
                f"{_many(count, 'target')} {'is' if count == 1 else 'are'} missing{_counted(self.missing)}"
            )
        if self.trimmed:
            have = "has" if self.trimmed == 1 else "have"
            lines.append(
                f"{_many(self.trimmed, 'step')} before the first target of a series or after its last {have} none, "
                "and are left out"
            )
        if self.future:
            lines.append(
                f"what is known ahead goes on for {_many(self.future, 'step')} after the last target"
            )
        if count := len(self.short):
            fewer = f"with fewer than {_many(self.least, 'target')}{_counted(self.short)}"
            lines.append(f"{count:,} series {'is' if count == 1 else 'are'} set aside, {fewer}")
        lines += [
            f"{column}: {_named(found)} {'is' if len(found) == 1 else 'are'} none of its known values, and "
            f"{'counts' if len(found) == 1 else 'count'} as none"
            for column, found in self.unknown.items()
        ]
        lines += [
            f"{column}: it says nothing of {_named(found)}, and counts as its mean there"
            for column, found in self.unsaid.items()
        ]
        lines += [
            f"{column} is empty at {_many(count, 'step')} after the last target, and counts as none there"
            for column, count in self.empty.items()
        ]
        return lines


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


def _counted(found: dict[str, int]) -> str:
    """The names with the most, and their counts; nothing for a lone record."""
    if set(found) <= {""}:
        return ""
    most = sorted(found, key=lambda name: -found[name])
    return ": " + _named([f"{name} ({found[name]:,})" for name in most])


def _named(items: list[str]) -> str:
    more = f" and {len(items) - _FEW:,} more" if len(items) > _FEW else ""
    return ", ".join(items[:_FEW]) + more
