"""Values of target columns: class names, sets of labels, real numbers; and the errors of a broken cell."""

from __future__ import annotations

import numpy as np
import polars as pl

from recurra.data.sources.columns import missing, number
from recurra.data.sources.table import Table
from recurra.errors import DataError

# In a column of numbers more marks mean "missing"; among class names "none", "-" and "." may be classes.
_HOLES = ("", "nan", "na", "n/a", "#n/a", "null", "?")
FLAGS = ("0", "1", "false", "true")  # what a column may hold that says of every row whether a label holds
LARGEST = 1e150  # in size: the sum of the squares of ten million such numbers is still a float
_EXACT = 2.0**53  # from here on not every whole number is a float of its own


def class_names(column: pl.Series) -> pl.Series:
    """Class names of a target column; null where it has a hole.

    Whole numbers are written without a point (1.0 is "1"), booleans "false" and "true"
    (also where a column of text holds nothing else, in any case of letters).

    >>> class_names(pl.Series([1.0, 0.0, None])).to_list()
    ['1', '0', None]
    """
    text = written(column)
    text = text.set(text.str.to_lowercase().is_in(list(_HOLES)), None)
    small = text.str.to_lowercase()
    return small if set(small.drop_nulls().unique()) <= {"true", "false"} else text


def written(column: pl.Series) -> pl.Series:
    """The cells of a target column as text without blanks at its ends; null where there is nothing.

    >>> written(pl.Series(["null ", " ", None])).to_list(), written(pl.Series([1.0, 0.5])).to_list()
    (['null', None, None], ['1', '0.5'])
    """
    if column.dtype.is_float():
        column = _floats_written(column.fill_nan(None))
    text = column.cast(pl.String).str.strip_chars()
    return text.set(text == "", None)


def _floats_written(column: pl.Series) -> pl.Series:
    """Floats as text, whole ones without a point as long as floats tell whole numbers apart."""
    value = pl.col(column.name)
    whole = (value % 1 == 0) & (value.abs() < _EXACT)
    as_text = value.cast(pl.Int64, strict=False).cast(pl.String)
    return column.to_frame().select(pl.when(whole).then(as_text).otherwise(value.cast(pl.String))).to_series()


def label_sets(column: pl.Series, separator: str | None) -> pl.Series:
    """Lists of class names of a column with several labels in one cell; null where it has a hole.

    An empty list is no hole: none of the labels holds. An empty cell of text is one. Text without a separator
    is one label.
    """
    if isinstance(column.dtype, pl.Array):
        column = column.arr.to_list()
    if isinstance(column.dtype, pl.List):
        return column.cast(pl.List(pl.String))
    names = class_names(column)
    if separator is None:
        one = pl.when(pl.col(names.name).is_not_null()).then(pl.concat_list(names.name))
        return names.to_frame().select(one).to_series()
    parts = names.str.split(separator).list.eval(pl.element().str.strip_chars())
    return parts.list.eval(pl.element().filter(pl.element() != ""))


def texts(table: Table, name: str) -> pl.Series:
    """A column as strings.

    Raises:
        DataError: it holds bytes that are not UTF-8, with their row; lists or records.
    """
    column = table.frame[name]
    if column.dtype.is_nested():
        raise DataError(
            f"this column holds no texts (its type is {column.dtype})",
            where=f"{table.origin}, column {name!r}",
        )
    if column.dtype != pl.Binary:
        return column.cast(pl.String)
    decoded = []
    for row, cell in enumerate(column, 1):
        try:
            decoded.append(None if cell is None else cell.decode("utf-8"))
        except UnicodeDecodeError:
            raise DataError(
                "these bytes are not UTF-8 text",
                where=f"{table.origin}, row {row}, column {name!r}",
                fix="Write the column as text.",
            ) from None
    return pl.Series(name, decoded, dtype=pl.String)


def real_values(table: Table, name: str) -> np.ndarray:
    """(N,) float64 of a target column, NaN where it has a hole.

    Raises:
        DataError: a cell is text, infinite, or too large to be squared; with its row.
    """
    column = table.frame[name]
    if column.dtype == pl.String:
        if bad := not_numbers(column):
            raise text_among_numbers(table, name, bad)
        column = column.to_frame().select(number(pl.col(name))).to_series()
    elif not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        raise DataError(
            f"this column holds no numbers (its type is {column.dtype})",
            where=f"{table.origin}, column {name!r}",
            fix="Name a column of numbers, or say --task classify.",
        )
    values = column.cast(pl.Float64).to_numpy()
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise infinite_number(table, name, int(infinite[0]) + 1, len(infinite))
    large = np.flatnonzero(np.abs(values) > LARGEST)
    if len(large):
        raise too_large(table, name, int(large[0]) + 1, len(large))
    return values


def not_numbers(column: pl.Series) -> list[tuple[int, str]]:
    """(row, cell) of every cell that is neither a number nor missing; rows counted from 1."""
    cells = column.alias("cell").to_frame().with_row_index("row", offset=1)
    bad = cells.filter(number(pl.col("cell")).is_null() & ~missing(pl.col("cell")))
    return [(int(row), cell) for row, cell in bad.iter_rows()]


def text_among_numbers(table: Table, name: str, bad: list[tuple[int, str]]) -> DataError:
    """The error for text in a column of numbers."""
    row, cell = bad[0]
    shown = cell if len(cell) <= 40 else cell[:37] + "..."
    more = f" (and {len(bad) - 1} more such cells)" if len(bad) > 1 else ""
    return DataError(
        f"{shown!r} is not a number{more}",
        where=f"{table.origin}, row {row}, column {name!r}",
        fix="Mend the cell, or leave it empty where the value is missing; or ignore the column.",
    )


def infinite_number(table: Table, name: str, row: int, count: int) -> DataError:
    """The error for infinite numbers, or numbers that float32 cannot hold."""
    more = f" ({count} such values in all)" if count > 1 else ""
    return DataError(
        f"an infinite number, or one too large for float32{more}",
        where=f"{table.origin}, row {row}, column {name!r}",
        fix="Mend the value, or leave it empty where it is missing.",
    )


def too_large(table: Table, name: str, row: int, count: int) -> DataError:
    """The error for numbers beyond `LARGEST`."""
    more = f" ({count:,} such values in all)" if count > 1 else ""
    return DataError(
        f"expected numbers of at most {LARGEST:g} in size, found a larger one{more}",
        where=f"{table.origin}, row {row}, column {name!r}",
        fix="Mend the value, give all of them in a larger unit, or leave it empty where it is missing.",
    )
