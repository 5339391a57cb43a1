"""Columns of numbers to packed sequences, one function per layout."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl

from recurra.data.numbers import compact
from recurra.data.packed import Packed
from recurra.data.schema.definition import Schema
from recurra.data.schema.values import infinite_number, not_numbers, text_among_numbers
from recurra.data.sources.columns import number
from recurra.data.sources.table import Table
from recurra.errors import DataError


def matrix(table: Table, names: list[str]) -> np.ndarray:
    """(rows, columns) of flat columns, as `compact` holds them; NaN where a value is missing.

    Raises:
        DataError: text in a cell, an infinite number, or one too large for float32; with row and column.
    """
    frame = table.frame.select(names)
    dtypes = dict(frame.schema)  # polars builds the schema anew at every access
    strings = [name for name in names if dtypes[name] == pl.String]
    for name in strings:
        if bad := not_numbers(frame[name]):
            raise text_among_numbers(table, name, bad)
    if strings:
        frame = frame.with_columns(number(pl.col(strings)))
    for name in names:
        dtype = dtypes[name]
        if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null, pl.String)):
            raise DataError("this column does not hold numbers", where=f"{table.origin}, column {name!r}")
    values = compact(frame.cast(pl.Float64).fill_null(float("nan")).to_numpy())
    infinite = np.isinf(values)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        raise infinite_number(table, names[column], int(row) + 1, int(infinite.sum()))
    return values


def wide(table: Table, schema: Schema) -> Packed:
    """A sequence per row, without the steps at its end that have no value in any channel; one step stays."""
    values = matrix(table, schema.features)
    channels = len(schema.channels)
    return trimmed(values.reshape(len(values), channels, -1).transpose(0, 2, 1))


def trimmed(values: np.ndarray) -> Packed:
    """(N, T, I) as sequences that end with their last step that has a value; at least one step each.

    >>> trimmed(np.array([[[1.0], [np.nan], [3.0]], [[4.0], [np.nan], [np.nan]]])).lengths
    array([3, 1])
    """
    known = np.logical_not(np.isnan(values).all(axis=2))
    steps = values.shape[1]
    lengths = np.where(known.any(axis=1), steps - np.argmax(known[:, ::-1], axis=1), 1)
    return Packed.end_to_end(values[np.arange(steps) < lengths[:, None]], lengths)


def without_ends(sequences: Packed) -> Packed:
    """Sequences end to end that end with their last step that has a value; at least one step each.

    As `trimmed`, without padding: the memory is that of the steps there are, whatever the longest sequence.

    >>> values = np.array([[1.0], [np.nan], [3.0], [4.0], [np.nan]])
    >>> without_ends(Packed.end_to_end(values, np.array([3, 2]))).lengths
    array([3, 1])
    """
    known = np.flatnonzero(~np.isnan(sequences.values).all(axis=1))
    up_to_end = np.searchsorted(known, sequences.starts + sequences.lengths)
    last = np.concatenate([[-1], known])[up_to_end]
    return replace(sequences, lengths=np.maximum(last - sequences.starts, 0) + 1).narrowed()


def lists(table: Table, schema: Schema) -> tuple[Packed, dict[str, list[int]], np.ndarray]:
    """A sequence per row of List columns; rows without steps, or with channels of unequal length, are left
    out.

    Returns the sequences, the reasons with their rows, and (N,) bool, the rows kept.
    """
    columns = [_list_column(table, name) for name in schema.features]
    lengths = np.stack([c.list.len().fill_null(0).to_numpy().astype(np.int64) for c in columns])
    unequal = (lengths != lengths[0]).any(axis=0)
    empty = ~unequal & (lengths[0] == 0)
    kept = ~unequal & ~empty
    reasons = {
        "channels of unequal length": rows_of(unequal),
        "no steps": rows_of(empty),
    }
    flat = [
        _flat(table, name, column.filter(pl.Series(kept)), np.flatnonzero(kept))
        for name, column in zip(schema.features, columns, strict=True)
    ]
    values = np.concatenate(flat, axis=1)
    if values.shape[1] != len(schema.channels):
        raise DataError(
            f"{values.shape[1]} channels, but {len(schema.channels)} were learned from",
            where=table.origin,
            fix=f"Give the channels {', '.join(schema.channels)}.",
        )
    bad = np.isinf(values).any(axis=1)
    if bad.any():
        step = int(np.argmax(bad))
        row = int(np.repeat(np.flatnonzero(kept), lengths[0][kept])[step]) + 1
        channel = schema.channels[int(np.argmax(np.isinf(values[step])))]
        raise infinite_number(table, channel, row, int(np.isinf(values).sum()))
    packed = Packed.end_to_end(values, lengths[0][kept])
    return packed, {k: v for k, v in reasons.items() if v}, kept


def _list_column(table: Table, name: str) -> pl.Series:
    column = table.frame[name]
    if isinstance(column.dtype, pl.Array):
        return column.arr.to_list()
    if column.dtype == pl.Null:
        return column.cast(pl.List(pl.Float64))
    if not isinstance(column.dtype, pl.List):
        place = int(column.is_not_null().arg_true()[0])
        raise DataError(
            f"{column[place]!r} is not a sequence",
            where=f"{table.origin}, row {place + 1}, column {name!r}",
            fix="Give a list of steps in every row.",
        )
    return column


def _flat(table: Table, name: str, column: pl.Series, rows: np.ndarray) -> np.ndarray:
    """(total steps, channels) of a column of lists, or of lists of lists (steps, channels), as `compact` holds them.

    Args:
        column: none of its lists is missing or empty.
        rows: the index in the table of each of them.
    """
    lengths = column.list.len().to_numpy()
    row = np.repeat(rows, lengths)
    steps = column.explode()
    if isinstance(steps.dtype, pl.Array):
        steps = steps.arr.to_list()
    if not isinstance(steps.dtype, pl.List):
        return _floats(table, name, steps, row)[:, None]
    widths = steps.list.len().fill_null(-1).to_numpy()
    width = max(int(widths.max(initial=0)), 0)
    uneven = np.flatnonzero(widths != width)
    if len(uneven):
        first = int(uneven[0])
        step = first - int(np.searchsorted(row, row[first])) + 1
        found = "is null" if widths[first] < 0 else f"has {widths[first]} values"
        raise DataError(
            f"the steps do not all have {width} channels: step {step} {found}",
            where=f"{table.origin}, row {row[first] + 1}, column {name!r}",
            fix="Give every step the same channels; null where a value is missing.",
        )
    if not width:
        return np.zeros((len(steps), 0), dtype=np.float32)
    return _floats(table, name, steps.explode(), np.repeat(row, width)).reshape(-1, width)


def _floats(table: Table, name: str, values: pl.Series, rows: np.ndarray) -> np.ndarray:
    """(N,) single values that stand in `rows` of the table, as `compact` holds them."""
    if values.dtype == pl.String:
        if bad := not_numbers(values):
            raise text_among_numbers(table, name, [(int(rows[place - 1]) + 1, cell) for place, cell in bad])
        values = values.to_frame().select(number(pl.col(values.name))).to_series()
    elif not (values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.Null)):
        raise DataError(
            f"these steps hold no numbers (their type is {values.dtype})",
            where=f"{table.origin}, column {name!r}",
            fix="Give lists of numbers, or lists of steps that are lists of numbers.",
        )
    return compact(values.cast(pl.Float64).fill_null(float("nan")).to_numpy())


def rows_of(mask: np.ndarray) -> list[int]:
    """Row numbers, from 1, where `mask` holds."""
    return (np.flatnonzero(mask) + 1).tolist()


def in_time(table: Table, column: str, rows: np.ndarray | None = None) -> pl.Series:
    """The values of a time column, to sort by: numbers, dates, or strings that are dates.

    Args:
        rows: the index of each row that is asked for; all of them where it is left out.

    Raises:
        DataError: a row has no time.
    """
    values = table.frame[column] if rows is None else table.frame[column][rows]
    if values.null_count():
        place = int(values.is_null().arg_true()[0])
        row = place + 1 if rows is None else int(rows[place]) + 1
        raise DataError(
            "there is no time in this row, and the rows are ordered by it",
            where=f"{table.origin}, row {row}, column {column!r}",
            fix="Fill it in, or leave the row out.",
        )
    if values.dtype == pl.String:
        try:
            return values.str.to_datetime(strict=True)
        except pl.exceptions.PolarsError:
            # Written year first, strings sort as their times do; other forms are not to be guessed at.
            if not values.str.contains(r"^\s*\d{4}").all():
                raise DataError(
                    "these times are in no form that can be ordered",
                    where=f"{table.origin}, column {column!r}",
                    fix="Write them as 2024-12-31 or 2024-12-31 23:59:59, or as numbers.",
                ) from None
    return values


def long(table: Table, schema: Schema) -> tuple[Packed, np.ndarray, np.ndarray]:
    """The rows of each id, in the order of their time, as a sequence; sequences in the order they first
    appear.

    Returns the sequences, (N,) the index of each one's first row, and (rows,) the index of each step's row,
    sequence after sequence.
    """
    ids = table.column(schema.id or "", "the sequence id")
    if ids.null_count():
        row = int(ids.is_null().arg_true()[0]) + 1
        raise DataError(
            "there is no sequence id in this row", where=f"{table.origin}, row {row}, column {schema.id!r}"
        )
    codes = ids.rank("dense").to_numpy().astype(np.int64) - 1
    first = np.full(codes.max() + 1, len(codes), dtype=np.int64)
    np.minimum.at(first, codes, np.arange(len(codes)))
    place = np.empty(len(first), dtype=np.int64)
    place[np.argsort(first)] = np.arange(len(first))
    sequence = place[codes]
    time = np.arange(len(codes))
    if schema.time:
        time = in_time(table, schema.time).rank("ordinal").to_numpy()
    order = np.lexsort((time, sequence))
    values = matrix(table, schema.features)[order]
    lengths = np.bincount(sequence, minlength=len(first))
    return Packed.end_to_end(values, lengths), np.sort(first), order


def stream(table: Table, schema: Schema) -> tuple[Packed, np.ndarray, dict[str, list[int]], np.ndarray]:
    """Windows of `window` steps, one every `stride`, in the order of the time of their last step.

    A window never reaches over a change of id, group or part. Windows that overlap share their values. Returns
    the windows, (N,) the index of the last row of each, the rows that stand in no window, by reason, and (N,) the same
    number for windows between two such changes.

    Raises:
        DataError: nowhere are there as many rows as a window has steps.
    """
    rows = len(table)
    moment = np.arange(rows)
    if schema.time:
        moment = in_time(table, schema.time).rank("dense").to_numpy().astype(np.int64)
    segment = _segments(table, schema)
    order = np.lexsort((moment, segment)) if schema.id else np.argsort(moment, kind="stable")
    window, stride = schema.window or 1, schema.stride or schema.window or 1
    moved = np.flatnonzero(np.diff(segment[order])) + 1
    bounds = np.concatenate([[0], moved, [rows]])
    start = np.concatenate([np.arange(a, b - window + 1, stride) for a, b in pairwise(bounds)])
    if not len(start):
        raise DataError(
            f"the longest unbroken stretch has {int(np.diff(bounds).max())} rows, a window {window}",
            where=table.origin,
            fix="Say a shorter --window.",
        )
    start = start[np.argsort(moment[order[start + window - 1]], kind="stable")]
    values = matrix(table, schema.features)[order]
    packed = Packed(values, start, np.full(len(start), window))
    outside = np.sort(order[~packed.covered()]) + 1
    reasons = {f"in no window of {window} steps": outside.tolist()} if len(outside) else {}
    return packed, order[start + window - 1], reasons, segment[order[start]]


def stretches(starts: np.ndarray, window: int, unbroken: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(N,) int64, the same number for windows of a stream that depend on each other.

    Windows overlap, and what a person does or a machine is in lasts: for as long as a target stays the same, all that
    a network makes of it stands or falls together. So a stretch ends where the target changes (a number: where it
    crosses the median) and a window or more has passed since it began.

    Args:
        starts: (N,) where each window begins.
        window: its steps.
        unbroken: (N,) the same for windows that no change of id, group or part lies between.
        targets: (N,) or (N, K), any values.

    >>> stretches(np.arange(8), 2, np.zeros(8), np.array(list("aaabbbba")))
    array([0, 0, 0, 1, 1, 1, 1, 2])
    >>> stretches(np.arange(6), 3, np.zeros(6), np.array(list("ababab")))
    array([0, 0, 0, 1, 1, 1])
    """
    if targets.ndim == 1 and np.issubdtype(targets.dtype, np.floating):
        targets = targets > np.median(targets)
    in_order = np.lexsort((starts, unbroken))
    begin, side, state = starts[in_order], unbroken[in_order], targets[in_order]
    changes = state[1:] != state[:-1]
    broken = side[1:] != side[:-1]
    may_end = (changes if changes.ndim == 1 else changes.any(axis=1)) | broken
    ends, first = np.zeros(len(starts), dtype=np.int64), 0
    for place in (np.flatnonzero(may_end) + 1).tolist():
        if broken[place - 1] or begin[place] - begin[first] >= window:
            ends[place], first = 1, place
    found = np.empty_like(ends)
    found[in_order] = np.cumsum(ends)
    return found


def _segments(table: Table, schema: Schema) -> np.ndarray:
    """(rows,) int64, the same number for rows of the same id, group and part."""
    segment = np.zeros(len(table), dtype=np.int64)
    for key in (schema.id, schema.group, schema.split):
        if key and key in table.frame.columns:
            codes = table.frame[key].rank("dense").fill_null(0).to_numpy().astype(np.int64)
            segment = np.unique(segment * (len(table) + 1) + codes, return_inverse=True)[1]
    return segment
