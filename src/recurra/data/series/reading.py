"""From a table and its schema to series on a regular grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recurra.data.packed import Packed
from recurra.data.series.collection import Report, Series
from recurra.data.series.definition import SeriesSchema
from recurra.data.series.placing import Steps, placed, reaches
from recurra.data.series.rows import from_rows
from recurra.data.series.values import numbers, parts_of, series_codes, settle_categories, static_values
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError


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
    series, report = from_rows(table, schema) if schema.layout == "rows" else _of_steps(table, schema)
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


def _of_steps(table: Table, schema: SeriesSchema) -> tuple[Series, Report]:
    """Layouts in which a row is a time."""
    code, ids = np.zeros(len(table), dtype=np.int64), [""]
    if schema.id is not None:
        code, ids = series_codes(table, schema.id)
    steps, disordered, repeated = placed(table, schema, code, ids)

    targets = steps.laid(numbers(table, schema.targets)[0])
    there = ~np.isnan(targets)
    reach = [reaches(row, steps.offsets) for row in there]
    several, ids_of = len(reach), range(len(ids))
    # Series of one id stand together, and share what is known beside their targets.
    first, last, count = (np.stack([r[k] for r in reach], axis=1).ravel() for k in range(3))
    column = np.tile(np.arange(several), len(ids))
    lengths = last + 1 - first
    names = [_name(ids[g], schema, c) for g in ids_of for c in range(several)]

    past, unknown_past, _ = _beside(table, schema, schema.past, steps)
    known, unknown_known, empty = _beside(table, schema, schema.known, steps)
    static, unknown_static, unsaid = static_values(table, schema, code, ids)
    ahead = lengths
    if known is not None:
        informed = reaches(known[1], steps.offsets)[1].repeat(several) + 1
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
    ends = np.zeros(steps.total + 1, dtype=np.int64)
    np.add.at(ends, (first + lengths)[used], 1)
    np.add.at(ends, (first + ahead)[used], -1)
    future = np.cumsum(ends)[:-1] > 0
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
        unsaid=unsaid,
        empty={name: int(where[future].sum()) for name, where in empty.items() if where[future].any()},
    )
    return series, report


def _name(identity: str, schema: SeriesSchema, column: int) -> str:
    if schema.id is None:
        return schema.targets[column]
    return identity if len(schema.targets) == 1 else f"{identity} / {schema.targets[column]}"


def _beside(
    table: Table, schema: SeriesSchema, columns: list[str], steps: Steps
) -> tuple[tuple[np.ndarray, np.ndarray] | None, dict[str, list[str]], dict[str, np.ndarray]]:
    """(total, channels) covariates and (total,) bool, the steps with any; values that are no category; and column of
    strings -> (total,) bool, the steps at which it is empty.
    """
    if not columns:
        return None, {}, {}
    values, unknown = numbers(table, columns, schema.categories)
    laid = np.ascontiguousarray(steps.laid(values).T)
    missing = np.isnan(laid)
    there = np.logical_not(missing.all(axis=1))
    channel = [name for name in columns for _ in schema.categories.get(name, [name])]
    empty = {name: missing[:, channel.index(name)] for name in columns if name in schema.categories}
    settle_categories(laid, columns, schema)
    return (laid, there), unknown, empty


def _parts(codes: np.ndarray, steps: Steps) -> np.ndarray:
    """(total,) int8: the part of each step, where it has no row that of the step before."""
    laid = np.zeros(steps.total, dtype=np.int8)
    laid[steps.place] = np.maximum.reduceat(codes[steps.order], steps.starts)
    latest = np.zeros(steps.total, dtype=np.int64)
    latest[steps.place] = steps.place
    return laid[np.maximum.accumulate(latest)]


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
