"""Where the rows of a table stand among the steps of a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recurra.data.series.definition import SeriesSchema
from recurra.data.series.grid import shown
from recurra.data.series.times import read_times
from recurra.data.sources.table import Table
from recurra.errors import DataError

_SPREAD = 50  # steps of the grid for each row, at most
_ALWAYS = 1_000_000  # steps that are never too many


@dataclass(frozen=True)
class Steps:
    """Where the rows of a table stand among the steps of all its ids, which lie end to end.

    Args:
        order: (n,) rows, those of one id and step next to each other, ids and steps ascending.
        starts: (m,) where in `order` each step with a row begins.
        place: (m,) the step of each.
        offsets: (G + 1,) between which the steps of each id lie.
        base: (G,) grid index of the first of them.
    """

    order: np.ndarray
    starts: np.ndarray
    place: np.ndarray
    offsets: np.ndarray
    base: np.ndarray

    @property
    def total(self) -> int:
        return int(self.offsets[-1])

    def laid(self, values: np.ndarray) -> np.ndarray:
        """(channels, total) of (rows, channels): rows of the same step averaged, NaN where there is none."""
        values = values[self.order]
        if len(self.starts) < len(values):
            there = ~np.isnan(values)
            counts = np.add.reduceat(there, self.starts, axis=0, dtype=np.int64)
            sums = np.add.reduceat(np.where(there, values, 0.0), self.starts, axis=0)
            values = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
        laid = np.full((values.shape[1], self.total), np.nan)
        laid[:, self.place] = values.T
        return laid


def reaches(there: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of (steps,) bool, for each run of steps between offsets: the first and last that holds, and how many do.

    Where none does, the first is that of the run and the last the one before it.

    >>> reaches(np.array([False, True, True, False, False]), np.array([0, 4, 5]))
    (array([1, 4]), array([2, 3]), array([2, 0]))
    """
    steps = np.flatnonzero(there)
    upto = np.searchsorted(steps, offsets)
    count = np.diff(upto)
    first, last = offsets[:-1].copy(), offsets[:-1] - 1
    some = count > 0
    first[some], last[some] = steps[upto[:-1][some]], steps[upto[1:][some] - 1]
    return first, last, count


def placed(
    table: Table, schema: SeriesSchema, code: np.ndarray, ids: list[str]
) -> tuple[Steps, bool, list[int]]:
    """The steps, whether a row stood behind a later one of its id, and the numbers of rows that repeat a step."""
    rows = np.arange(len(code))
    if schema.time is None:
        # Without times the rows of each id are its steps.
        order = np.argsort(code, kind="stable")
        index = np.empty(len(code), dtype=np.int64)
        index[order] = rows - np.searchsorted(code[order], code[order])
    else:
        where = f"{table.origin}, column {schema.time!r}"
        index = schema.grid.index_of(read_times(table, schema.time, schema.grid), where=where)
        order = np.lexsort((index, code))
    by_id = np.argsort(code, kind="stable")
    disordered = bool(((np.diff(index[by_id]) < 0) & (np.diff(code[by_id]) == 0)).any())
    code, index = code[order], index[order]
    fresh = np.append(True, (np.diff(code) != 0) | (np.diff(index) != 0))
    starts = np.flatnonzero(fresh)
    code, index = code[starts], index[starts]
    edges = np.searchsorted(code, np.arange(len(ids) + 1))
    base = index[edges[:-1]]
    spans = index[edges[1:] - 1] - base + 1
    if spans.sum() > max(_ALWAYS, _SPREAD * len(rows)):
        g = int(np.argmax(spans))
        ends = schema.grid.times_of(np.array([base[g], base[g] + spans[g] - 1]))
        raise DataError(
            f"the {edges[g + 1] - edges[g]:,} times from {shown(ends, 0)} to {shown(ends, 1)}"
            f"{f' of {ids[g]!r}' if ids[g] else ''} lie on {spans[g]:,} steps, {schema.grid.words}",
            where=table.origin,
            fix="Mend a time that is far from the others, or say how often the steps are (--frequency).",
        )
    offsets = np.concatenate([[0], np.cumsum(spans)])
    place = offsets[code] + index - base[code]
    return Steps(order, starts, place, offsets, base), disordered, sorted((order[~fresh] + 1).tolist())
