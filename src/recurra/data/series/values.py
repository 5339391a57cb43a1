"""Cells of a table over time as numbers: float64, strings as channels of 0 and 1."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import polars as pl

from recurra.data.schema import names
from recurra.data.schema.values import class_names, real_values, texts
from recurra.data.series.definition import SeriesSchema
from recurra.data.sources.columns import missing
from recurra.data.sources.table import Table
from recurra.errors import DataError

PARTS = ("train", "validation", "test")
MOST_CATEGORIES = 100


def numbers(
    table: Table, columns: list[str], categories: dict[str, list[str]] | None = None
) -> tuple[np.ndarray, dict[str, list[str]]]:
    """(rows, channels) float64, NaN where a value is missing; and column -> values that are no category of it.

    Args:
        categories: of columns of strings, which become a channel for each; all 0 where the value is another.

    Raises:
        DataError: text in a column of numbers, or an infinite number; with row and column.

    >>> numbers(Table(pl.DataFrame({"x": [1, None], "s": ["a", "?"]}), "t", "csv"), ["x", "s"], {"s": ["a"]})
    (array([[ 1.,  1.],
           [nan, nan]]), {})
    """
    categories = categories or {}
    sizes = [len(categories.get(name, [name])) for name in columns]
    values, unknown = np.empty((len(table), sum(sizes))), {}
    at = 0
    for name, size in zip(columns, sizes, strict=True):
        into = values[:, at : at + size]
        at += size
        if name not in categories:
            into[:, 0] = real_values(_with_numbers(table, name), name)
            continue
        cells = strings(table, name)
        for j, value in enumerate(categories[name]):
            into[:, j] = (cells == value).fill_null(False).to_numpy()
        into[cells.is_null().to_numpy()] = np.nan
        others = cells.filter(~cells.is_in(categories[name]).fill_null(True)).unique().sort().to_list()
        if others:
            unknown[name] = others
    return values, unknown


def _with_numbers(table: Table, name: str) -> Table:
    column = table.frame[name]
    if column.dtype == pl.Null:
        return replace(table, frame=pl.DataFrame({name: column.cast(pl.Float64)}))
    if column.dtype in (pl.Categorical, pl.Enum):
        return replace(table, frame=pl.DataFrame({name: column.cast(pl.String)}))
    return table


def strings(table: Table, name: str) -> pl.Series:
    """(rows,) strings without blanks around them, whole numbers without a point; null where one is missing."""
    column = table.frame[name]
    cells = class_names(column) if column.dtype.is_float() else texts(table, name)
    cells = cells.alias("cell").to_frame()
    return cells.select(pl.when(~missing(pl.col("cell"))).then(pl.col("cell").str.strip_chars())).to_series()


def categories_of(table: Table, name: str) -> list[str]:
    """The values of a column of strings, sorted; none where it holds numbers.

    Raises:
        DataError: too many of them to be categories.
    """
    if table.frame[name].dtype not in (pl.String, pl.Categorical, pl.Enum):
        return []
    found = strings(table, name).drop_nulls().unique().to_list()
    if len(found) > MOST_CATEGORIES:
        raise DataError(
            f"{len(found):,} different values are too many to tell apart (at most {MOST_CATEGORIES})",
            where=f"{table.origin}, column {name!r}",
            fix="Leave the column out, or put its values into groups.",
        )
    return sorted(found, key=natural)


def series_codes(table: Table, name: str) -> tuple[np.ndarray, list[str]]:
    """(rows,) int64 which series each row belongs to, and the names of the series.

    Series are in the order of their names, numbers in them by their size, whatever the order of the rows.

    Raises:
        DataError: a row has no id.

    >>> series_codes(Table(pl.DataFrame({"id": ["W10", "W9", "W10"]}), "t", "csv"), "id")
    (array([1, 0, 1]), ['W9', 'W10'])
    """
    column = table.frame[name]
    if column.dtype.is_float():
        column = column.fill_nan(None)
    if column.null_count():
        row = int(column.is_null().arg_true()[0]) + 1
        raise DataError(
            "there is no series id in this row",
            where=f"{table.origin}, row {row}, column {name!r}",
            fix="Fill it in, or leave the row out.",
        )
    cells = (class_names(column) if column.dtype.is_float() else texts(table, name)).str.strip_chars()
    found = sorted(cells.unique().to_list(), key=natural)
    return cells.cast(pl.Enum(found)).to_physical().to_numpy().astype(np.int64), found


def natural(text: str) -> tuple:
    """A key to sort by, under which W9 comes before W10."""
    parts = re.split(r"(\d+)", text)
    return (tuple((int(p), "") if j % 2 else (-1, p) for j, p in enumerate(parts)), text)


def parts_of(table: Table, name: str) -> np.ndarray:
    """(rows,) int8, 0 train, 1 validation, 2 test.

    Raises:
        DataError: a cell says none of them; with its row.
    """
    cells = strings(table, name).str.to_lowercase()
    found = cells.replace_strict(names.PARTS, default=None, return_dtype=pl.String)
    if found.null_count():
        row = int(found.is_null().arg_true()[0])
        raise DataError(
            f"{table.frame[name][row]!r} names no part of a split",
            where=f"{table.origin}, row {row + 1}, column {name!r}",
            fix="Write train, validation or test in every row.",
        )
    return found.cast(pl.Enum(PARTS)).to_physical().to_numpy().astype(np.int8)


def settle_categories(values: np.ndarray, columns: list[str], schema: SeriesSchema) -> None:
    """What is missing in a column of strings is none of its categories: 0 in all of their channels, in place."""
    of_strings = [name in schema.categories for name in columns for _ in schema.categories.get(name, [name])]
    values[np.isnan(values) & np.array(of_strings, dtype=bool)] = 0.0


def static_values(
    table: Table, schema: SeriesSchema, code: np.ndarray, ids: list[str]
) -> tuple[np.ndarray, dict[str, list[str]], dict[str, list[str]]]:
    """(G, S) what the rows of each id say of it, NaN where they say nothing; values that are no category; and
    column of numbers -> ids of which it says nothing.
    """
    if not schema.static:
        return np.zeros((len(ids), 0)), {}, {}
    values, unknown = numbers(table, schema.static, schema.categories)
    columns = [c for c in schema.static for _ in schema.categories.get(c, [c])]
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(len(ids)))
    low = np.fmin.reduceat(values[order], starts, axis=0)
    high = np.fmax.reduceat(values[order], starts, axis=0)
    changing = np.argwhere(low < high)
    if len(changing):
        g, channel = changing[0]
        name = columns[channel]
        raise DataError(
            f"this static column changes within the series {ids[g]!r}",
            where=f"{table.origin}, column {name!r}",
            fix=f"Say --known {name} if it is known ahead of time, or --past {name} if not.",
        )
    settle_categories(low, schema.static, schema)
    unsaid = {
        columns[channel]: [ids[g] for g in np.flatnonzero(np.isnan(low[:, channel]))]
        for channel in np.flatnonzero(np.isnan(low).any(axis=0))
    }
    return low, unknown, unsaid
