"""Tables in which a row is a whole series: numbered columns, columns named by times, or a column of lists."""

from __future__ import annotations

import numpy as np
import polars as pl

from recurra.data.packed import Packed
from recurra.data.schema.names import numbered_family
from recurra.data.schema.sequences import rows_of
from recurra.data.schema.values import LARGEST, infinite_number, too_large
from recurra.data.series.collection import Report, Series
from recurra.data.series.definition import SeriesSchema
from recurra.data.series.placing import reaches
from recurra.data.series.times import named_by_times, times_in_names
from recurra.data.series.values import numbers, parts_of, series_codes, static_values
from recurra.data.sources.table import Table, listed, numbered
from recurra.errors import DataError


def from_rows(table: Table, schema: SeriesSchema) -> tuple[Series, Report]:
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
    values, offsets, begin = _row_values(table, schema, order)
    first, last, count = reaches(~np.isnan(values), offsets)
    lengths = last + 1 - first
    # Empty cells at the end of a row only say that other rows are longer.
    lead = first - offsets[:-1]
    parts = None
    if schema.split is not None and schema.split in table.frame.columns:
        codes = np.repeat(parts_of(table, schema.split)[order], np.diff(offsets))
        parts = Packed(codes, first, lengths)
    static, unknown, unsaid = static_values(table, schema, code, names)
    series = Series(
        names=names,
        targets=Packed(values[:, None], first, lengths),
        past=None,
        known=None,
        static=static,
        first=lead + begin,
        parts=parts,
        grid=schema.grid,
    )
    missing = {names[n]: int(lengths[n] - count[n]) for n in np.flatnonzero(lengths - count)}
    return series, Report(missing=missing, trimmed=int(lead[count > 0].sum()), unknown=unknown, unsaid=unsaid)


def _row_values(table: Table, schema: SeriesSchema, order: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """(steps,) float64 of all rows end to end in this order, the offsets between which each row lies, and the
    grid index of the first step of them all.
    """
    column = schema.targets[0]
    if len(schema.targets) == 1 and column in table.frame.columns and table.frame[column].dtype.is_nested():
        lists = table.frame[column][order]
        lists = lists.arr.to_list() if isinstance(lists.dtype, pl.Array) else lists
        lengths = lists.list.len().fill_null(0).to_numpy().astype(np.int64)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        values = lists.explode(empty_as_null=False, keep_nulls=False).cast(pl.Float64).to_numpy()
        for wrong, error in ((np.isinf(values), infinite_number), (np.abs(values) > LARGEST, too_large)):
            if wrong.any():
                row = int(order[np.searchsorted(offsets, np.argmax(wrong), side="right") - 1]) + 1
                raise error(table, column, row, int(wrong.sum()))
        return values, offsets, 0
    columns, begin = step_columns(table, schema), 0
    grid = numbers(table, columns)[0][order]
    times = times_in_names(columns) if schema.times_in_names else None
    if times is not None:
        index = schema.grid.index_of(times, where=f"{table.origin}, names of columns")
        if len(np.unique(index)) < len(index):
            raise DataError(
                "two columns are named by the same time", where=table.origin, fix="Leave one out."
            )
        begin = int(index.min())
        spread = np.full((len(grid), int(index.max()) - begin + 1), np.nan)
        spread[:, index - begin] = grid
        grid = spread
    there = ~np.isnan(grid)
    steps = grid.shape[1]
    lengths = np.where(there.any(axis=1), steps - np.argmax(there[:, ::-1], axis=1), 0)
    return grid[np.arange(steps) < lengths[:, None]], np.concatenate([[0], np.cumsum(lengths)]), begin


def step_columns(table: Table, schema: SeriesSchema) -> list[str]:
    """The columns of steps of a table whose rows are series: as many as it has of the kind of those learned.

    >>> schema = SeriesSchema.model_validate({"layout": "rows", "targets": ["V2", "V3", "V4", "V5"], "grid": {}})
    >>> step_columns(Table(pl.DataFrame({"V1": ["a"], "V2": [1.0], "V3": [2.0], "V4": [3.0]}), "t", "csv"), schema)
    ['V2', 'V3', 'V4']
    """
    learned = schema.targets
    family = next(iter(numbered_family(learned)), None)
    frame = table.frame
    found = [name for name in frame.columns if name in learned]
    if schema.times_in_names:
        others = {schema.id, schema.split, *schema.static, *schema.set_aside}
        found = named_by_times([name for name in frame.columns if name not in others])
    elif family is not None:
        able = [name for name, dtype in frame.schema.items() if dtype.is_numeric() or name in learned]
        found = numbered_family(able).get(family, found)
    if not found:
        raise DataError(
            f"none of the columns of steps is there ({listed(learned, 4)})",
            where=table.origin,
            fix=f"The columns are: {listed(frame.columns)}.",
        )
    return found
