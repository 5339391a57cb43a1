"""Columns of strings to columns of numbers, where every value is one."""

from __future__ import annotations

import re

import polars as pl

MISSING = ("", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "?", "-", ".")
_TRIED = 256


def number(text: pl.Expr, *, decimal_comma: bool = False) -> pl.Expr:
    """Float64 of a string column; null where a value is missing or is no number."""
    text = text.str.strip_chars()
    if decimal_comma:
        text = text.str.replace(",", ".", literal=True)
    return text.cast(pl.Float64, strict=False).fill_nan(None)


def missing(text: pl.Expr) -> pl.Expr:
    """Where a string column has no value: null, empty, or one of the usual marks (NA, NaN, ?, ...)."""
    return text.is_null() | text.str.strip_chars().str.to_lowercase().is_in(list(MISSING))


def typed(frame: pl.DataFrame, *, decimal_comma: bool = False) -> pl.DataFrame:
    """String columns in which every value that is there is a number, as Int64 or Float64; others untouched.

    Codes such as "007" stay strings: their zeros mean something. A column without any value is Float64, all null.

    >>> typed(pl.DataFrame({"a": ["1", "NA"], "b": ["1.5", "2"], "c": ["007", "8"]})).dtypes
    [Int64, Float64, String]
    """
    # A few rows rule out most columns of text before all of their rows are looked at.
    names = _numeric(
        frame.head(_TRIED), [n for n, t in frame.schema.items() if t == pl.String], decimal_comma
    )
    names = _numeric(frame, names, decimal_comma)
    if not names:
        return frame
    columns = pl.col(names)
    numbers = frame.select(number(columns, decimal_comma=decimal_comma))
    whole = frame.select(columns.str.strip_chars().cast(pl.Int64, strict=False))
    exact = [
        name
        for name, a, b in zip(names, whole.null_count().row(0), numbers.null_count().row(0), strict=True)
        if a == b and b < frame.height
    ]
    return frame.with_columns(numbers.get_columns()).with_columns([whole[name] for name in exact])


def _numeric(frame: pl.DataFrame, names: list[str], decimal_comma: bool) -> list[str]:
    """Those of the columns in which every cell is a number without leading zeros, or missing."""
    if not names:
        return []
    columns = pl.col(names)
    fits = number(columns, decimal_comma=decimal_comma).is_not_null() | missing(columns)
    coded = columns.str.contains(r"^\s*[+-]?0\d")
    verdict = frame.select(fits.all() & ~coded.any().fill_null(False)).row(0)
    return [name for name, good in zip(names, verdict, strict=True) if good]


def is_number(text: str | None) -> bool:
    """Whether one cell is a number.

    >>> is_number(" -1.5e3 "), is_number("x1"), is_number(None)
    (True, False, False)
    """
    return text is not None and bool(re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", text))
