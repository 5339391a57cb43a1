"""From a table and its schema to series on a regular grid."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from recurra.data.packed import Packed
from recurra.data.schema.names import numbered_family
from recurra.data.schema.sequences import rows_of
from recurra.data.series.collection import Report, Series
from recurra.data.series.definition import SeriesSchema
from recurra.data.series.grid import shown
from recurra.data.series.times import read_times
from recurra.data.series.values import numbers, parts_of, series_codes
from recurra.data.sources.table import Table, listed, numbered
from recurra.errors import DataError

_SPREAD = 50  # steps of the grid for each row, at most
_ALWAYS = 1_000_000  # steps that are never too many


def to_series(table: Table, schema: SeriesSchema, *, least: int = 1) -> tuple[Series, Report]:
    """The series of `table`, and what had to be done to get them.

    Rows may stand in any order. Rows of one series with the same time are averaged; steps without a row are
    NaN, as missing values are. A series begins with its first and ends with its last target. After that, its
    covariates known ahead go on as far as there are any. Strings become a channel of 0 and 1 for each
    category; a value that is none, or missing, is 0 in all.

    Args:
        least: targets that a series must have; others are set aside by name.

    Raises:
        DataError: a column is not there; a row has no time, a time off the grid, or no id; text or an infinite
            number stands in a column of numbers; a static column changes within a series; times lie too far
            apart for their frequency; no series has targets enough.

    >>> from recurra.data.sources import read
    >>> table = read({"t": ["2024-03", "2024-01"], "y": [3, 1]})
    >>> schema = SeriesSchema.model_validate({"layout": "wide", "time": "t", "targets": ["y"], "grid":
    ...     {"kind": "date", "frequency": "1mo", "origin": "2024-01-01", "day": 1}})
    >>> series, report = to_series(table, schema)
    >>> series.names, series.targets[0].ravel(), series.first
    (['y'], array([ 1., nan,  3.]), array([0]))
    """
    _require(table, schema)
    series, report = _of_rows(table, schema) if schema.layout == "rows" else _of_steps(table, schema)
    return _long_enough(table, series, report, least)


def _require(table: Table, schema: SeriesSchema) -> None:
    wanted = [schema.time, schema.id, *schema.known, *schema.past, *schema.static]
    if schema.layout != "rows":
        wanted += schema.targets
    there = set(table.frame.columns)
    absent = [name for name in dict.fromkeys(wanted) if name and name not in there]
    if absent:
        several = len(absent) > 1
        raise DataError(
            f"the column{'s' * several} {listed([repr(name) for name in absent])} "
            f"{'are' if several else 'is'} not there",
            where=table.origin,
            fix=f"The columns are: {listed(table.frame.columns)}.",
        )


@dataclass(frozen=True)
class _Steps:
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

    def reaches(self, there: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of (total,) bool, for each id: the first and the last step that holds, and how many do.

        Where none does, the first is that of the id and the last the one before it.
        """
        steps = np.flatnonzero(there)
        upto = np.searchsorted(steps, self.offsets)
        count = np.diff(upto)
        first, last = self.offsets[:-1].copy(), self.offsets[:-1] - 1
        some = count > 0
        first[some], last[some] = steps[upto[:-1][some]], steps[upto[1:][some] - 1]
        return first, last, count


def _of_steps(table: Table, schema: SeriesSchema) -> tuple[Series, Report]:
    """Layouts in which a row is a time."""
    code, ids = np.zeros(len(table), dtype=np.int64), [""]
    if schema.id is not None:
        code, ids = series_codes(table, schema.id)
    steps, disordered, repeated = _steps(table, schema, code, ids)

    targets = steps.laid(numbers(table, schema.targets)[0])
    there = ~np.isnan(targets)
    reach = [steps.reaches(row) for row in there]
    several, ids_of = len(reach), range(len(ids))
    # Series of one id stand together, and share what is known beside their targets.
    first, last, count = (np.stack([r[k] for r in reach], axis=1).ravel() for k in range(3))
    column = np.tile(np.arange(several), len(ids))
    lengths = last + 1 - first
    names = [_name(ids[g], schema, c) for g in ids_of for c in range(several)]

    past, unknown_past = _beside(table, schema, schema.past, steps)
    known, unknown_known = _beside(table, schema, schema.known, steps)
    static, unknown_static = _static(table, schema, code, ids)
    ahead = lengths
    if known is not None:
        informed = steps.reaches(known[1])[1].repeat(several) + 1
        ahead = np.maximum(informed - first, lengths)
    parts = None
    if schema.split is not None and schema.split in table.frame.columns:
        parts = Packed(_parts(parts_of(table, schema.split), steps), first, lengths)

    with_row = np.zeros(steps.total, dtype=np.int64)
    with_row[steps.place] = 1
    covered = np.concatenate([[0], np.cumsum(with_row)])
    rows_within = covered[last + 1] - covered[first]
    rows_of_id = np.repeat(np.diff(covered[steps.offsets]), several)
    gaps = np.diff(steps.offsets) - rows_of_id[::several]
    base = np.repeat(steps.base - steps.offsets[:-1], several)
    used = count > 0
    series = Series(
        names=names,
        targets=Packed(targets.reshape(-1, 1), first + column * steps.total, lengths),
        past=None if past is None else Packed(past[0], first, lengths),
        known=None if known is None else Packed(known[0], first, ahead),
        static=static.repeat(several, axis=0),
        first=first + base,
        parts=parts,
        grid=schema.grid,
    )
    report = Report(
        disordered=disordered,
        repeated=repeated,
        gaps={ids[g]: int(gaps[g]) for g in np.flatnonzero(gaps)},
        missing={names[n]: int(rows_within[n] - count[n]) for n in np.flatnonzero(rows_within - count)},
        trimmed=int((rows_of_id - covered[first + ahead] + covered[first])[used].sum()),
        future=int((ahead - lengths)[used].max(initial=0)),
        unknown=unknown_past | unknown_known | unknown_static,
    )
    return series, report


def _name(identity: str, schema: SeriesSchema, column: int) -> str:
    if schema.id is None:
        return schema.targets[column]
    return identity if len(schema.targets) == 1 else f"{identity} / {schema.targets[column]}"


def _steps(
    table: Table, schema: SeriesSchema, code: np.ndarray, ids: list[str]
) -> tuple[_Steps, bool, list[int]]:
    """The steps, whether a row stood behind a later one of its id, and the numbers of rows that repeat a step."""
    rows = np.arange(len(code))
    if schema.time is None:
        # Without times the rows of each id are its steps.
        order = np.argsort(code, kind="stable")
        index = np.empty(len(code), dtype=np.int64)
        index[order] = rows - np.searchsorted(code[order], code[order])
    else:
        where = f"{table.origin}, column {schema.time!r}"
        index = schema.grid.index_of(read_times(table, schema.time), where=where)
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
    return _Steps(order, starts, place, offsets, base), disordered, sorted((order[~fresh] + 1).tolist())


def _beside(
    table: Table, schema: SeriesSchema, columns: list[str], steps: _Steps
) -> tuple[tuple[np.ndarray, np.ndarray] | None, dict[str, list[str]]]:
    """(total, channels) covariates and (total,) bool, the steps with any; and values that are no category."""
    if not columns:
        return None, {}
    values, unknown = numbers(table, columns, schema.categories)
    laid = np.ascontiguousarray(steps.laid(values).T)
    there = np.logical_not(np.isnan(laid).all(axis=1))
    _settle_categories(laid, columns, schema)
    return (laid, there), unknown


def _settle_categories(values: np.ndarray, columns: list[str], schema: SeriesSchema) -> None:
    """What is missing in a column of strings is none of its categories: 0 in all of their channels, in place."""
    of_strings = [name in schema.categories for name in columns for _ in schema.categories.get(name, [name])]
    values[np.isnan(values) & np.array(of_strings, dtype=bool)] = 0.0


def _static(
    table: Table, schema: SeriesSchema, code: np.ndarray, ids: list[str]
) -> tuple[np.ndarray, dict[str, list[str]]]:
    """(G, S) what the rows of each id say of it; NaN where they say nothing."""
    if not schema.static:
        return np.zeros((len(ids), 0)), {}
    values, unknown = numbers(table, schema.static, schema.categories)
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(len(ids)))
    low = np.fmin.reduceat(values[order], starts, axis=0)
    high = np.fmax.reduceat(values[order], starts, axis=0)
    changing = np.argwhere(low < high)
    if len(changing):
        g, channel = changing[0]
        name = [c for c in schema.static for _ in schema.categories.get(c, [c])][channel]
        raise DataError(
            f"this static column changes within the series {ids[g]!r}",
            where=f"{table.origin}, column {name!r}",
            fix=f"Say --known {name} if it is known ahead of time, or --past {name} if not.",
        )
    _settle_categories(low, schema.static, schema)
    return low, unknown


def _parts(codes: np.ndarray, steps: _Steps) -> np.ndarray:
    """(total,) int8: the part of each step, where it has no row that of the step before."""
    laid = np.zeros(steps.total, dtype=np.int8)
    laid[steps.place] = np.maximum.reduceat(codes[steps.order], steps.starts)
    latest = np.zeros(steps.total, dtype=np.int64)
    latest[steps.place] = steps.place
    return laid[np.maximum.accumulate(latest)]


def _of_rows(table: Table, schema: SeriesSchema) -> tuple[Series, Report]:
    """The layout in which a row is a whole series."""
    code, names = np.arange(len(table)), [f"row {row + 1}" for row in range(len(table))]
    if schema.id is not None:
        code, names = series_codes(table, schema.id)
        if len(names) < len(code):
            twice = int(np.argmax(np.bincount(code) > 1))
            raise DataError(
                f"the series {names[twice]!r} is there twice, and a row is a whole series",
                where=f"{table.origin}, {numbered(rows_of(code == twice))}, column {schema.id!r}",
                fix="Give each series one row.",
            )
    order = np.argsort(code, kind="stable")
    rows = replace(table, frame=table.frame[order])
    values, offsets = _row_values(table, schema, order)
    there = ~np.isnan(values)
    steps = _Steps(order, order, order, offsets, np.zeros(len(order), dtype=np.int64))
    first, last, count = steps.reaches(there)
    lengths = last + 1 - first
    # Empty cells at the end of a row only say that other rows are longer.
    lead = first - offsets[:-1]
    parts = None
    if schema.split is not None and schema.split in table.frame.columns:
        codes = np.repeat(parts_of(table, schema.split)[order], np.diff(offsets))
        parts = Packed(codes, first, lengths)
    static, unknown = _static(rows, schema, np.arange(len(order)), names)
    series = Series(
        names=names,
        targets=Packed(values[:, None], first, lengths),
        past=None,
        known=None,
        static=static,
        first=lead,
        parts=parts,
        grid=schema.grid,
    )
    missing = {names[n]: int(lengths[n] - count[n]) for n in np.flatnonzero(lengths - count)}
    return series, Report(missing=missing, trimmed=int(lead[count > 0].sum()), unknown=unknown)


def _row_values(table: Table, schema: SeriesSchema, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(steps,) float64 of all rows end to end in this order, and the offsets between which each row lies."""
    column = schema.targets[0]
    if len(schema.targets) == 1 and column in table.frame.columns and table.frame[column].dtype.is_nested():
        lists = table.frame[column][order]
        lists = lists.arr.to_list() if isinstance(lists.dtype, pl.Array) else lists
        cells = lists.explode(empty_as_null=False, keep_nulls=False).alias(column)
        lengths = lists.list.len().fill_null(0).to_numpy().astype(np.int64)
        values = numbers(replace(table, frame=cells.to_frame()), [column])[0][:, 0]
        return values, np.concatenate([[0], np.cumsum(lengths)])
    grid = numbers(table, step_columns(table, schema.targets))[0][order]
    there = ~np.isnan(grid)
    steps = grid.shape[1]
    lengths = np.where(there.any(axis=1), steps - np.argmax(there[:, ::-1], axis=1), 0)
    return grid[np.arange(steps) < lengths[:, None]], np.concatenate([[0], np.cumsum(lengths)])


def step_columns(table: Table, learned: list[str]) -> list[str]:
    """The columns of steps of a table whose rows are series: as many as it has of the family of those learned.

    >>> step_columns(Table(pl.DataFrame({"V1": ["a"], "V2": [1.0], "V3": [2.0], "V4": [3.0]}), "t", "csv"),
    ...              ["V2", "V3", "V4", "V5"])
    ['V2', 'V3', 'V4']
    """
    family = next(iter(numbered_family(learned)), None)
    frame = table.frame
    found = [name for name in frame.columns if name in learned]
    if family is not None:
        able = [name for name, dtype in frame.schema.items() if dtype.is_numeric() or name in learned]
        found = numbered_family(able).get(family, found)
    if not found:
        raise DataError(
            f"none of the columns of steps is there ({listed(learned, 4)})",
            where=table.origin,
            fix=f"The columns are: {listed(frame.columns)}.",
        )
    return found


def _long_enough(table: Table, series: Series, report: Report, least: int) -> tuple[Series, Report]:
    values = series.targets
    there = np.concatenate([[0], np.cumsum(~np.isnan(values.values[:, 0]))])
    counts = there[values.starts + values.lengths] - there[values.starts]
    least = max(least, 1)
    kept = counts >= least
    short = {series.names[n]: int(counts[n]) for n in np.flatnonzero(~kept)}
    if not kept.any():
        most = int(np.argmax(counts))
        found = f"{counts[most]:,} target{'s' if counts[most] != 1 else ''}"
        longest = f"the longest, {series.names[most]!r}, has" if len(series) > 1 else "this one has"
        raise DataError(
            f"a series must have {least:,} target{'s' * (least > 1)} or more, and {longest} {found}",
            where=table.origin,
            fix="Give longer series, or look less far back and ahead.",
        )
    if short:
        series = series.take(np.flatnonzero(kept))
        report = replace(report, missing={n: count for n, count in report.missing.items() if n not in short})
    return series, replace(report, short=short, least=least)
