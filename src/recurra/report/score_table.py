"""The table of scores that runs and comparisons share: every value with its interval, drawn on one axis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recurra.report import wording
from recurra.report.page import render

if TYPE_CHECKING:
    from markupsafe import Markup

_TICKS = 3  # on the axis, or one more


@dataclass(frozen=True)
class Row:
    """One network or baseline.

    Args:
        name, description: who it is.
        score: its headline, as `metrics.json` holds scores.
        seconds: that it took.
        marked: whether it stands out.
        by_seed: the scores of its seeds in words; empty where seeds are not told apart.
        compared: whether the axis reaches to it. The trivial answer is often so far off that nothing else could be
            told apart.
    """

    name: str
    description: str
    score: dict[str, Any]
    seconds: float
    marked: bool = False
    by_seed: str = ""
    compared: bool = True


def score_table(caption: str, rows: Iterable[Row]) -> Markup:
    """The table as it stands in a page.

    Args:
        caption: what the scores are of.
        rows: in order; all of one measure.
    """
    rows = list(rows)
    axis = _Axis.of([row for row in rows if row.compared])
    return render(
        "score_table.html",
        caption=caption,
        name=rows[0].score["name"],
        rows=[(row, *axis.places(row)) for row in rows],
        ticks=axis.ticks(rows[0].score["name"]),
        seeds=any(row.by_seed for row in rows),
    )


@dataclass(frozen=True)
class _Axis:
    """From `low` to `high`, places on it in per cent."""

    low: float
    high: float

    @classmethod
    def of(cls, rows: list[Row]) -> _Axis:
        """An axis with room on both sides of these rows; shares stay between 0 and 1."""
        ends = [end for row in rows for end in _ends(row) if end is not None]
        low, high = min(ends, default=0.0), max(ends, default=1.0)
        margin = (high - low) or abs(high) or 1.0
        low, high = low - margin, high + margin
        if wording.is_share(rows[0].score["name"]):
            low, high = max(low, 0.0), min(high, 1.0)
        return cls(low, high)

    def place(self, value: float) -> float:
        """From 0 to 100."""
        return round(100 * (min(max(value, self.low), self.high) - self.low) / (self.high - self.low), 1)

    def places(self, row: Row) -> tuple[list[float | None], str | None]:
        """Those of value, low and high end; and on which side the row lies where it does not fit."""
        ends = _ends(row)
        value = ends[0]
        if value is not None and not self.low <= value <= self.high:
            return [None] * 3, "left" if value < self.low else "right"
        return [None if end is None else self.place(end) for end in ends], None

    def ticks(self, name: str) -> list[tuple[float, str]]:
        """(place, number) of round values."""
        from matplotlib.ticker import MaxNLocator

        values = MaxNLocator(_TICKS, steps=[1, 2, 2.5, 5, 10]).tick_values(self.low, self.high)
        there = [float(value) for value in values if self.low <= value <= self.high]
        return [(self.place(value), wording.tick(name, value)) for value in there]


def _ends(row: Row) -> list[float | None]:
    """The value and both ends of its interval."""
    interval = row.score["interval"]
    return [row.score["value"], interval["low"], interval["high"]]
