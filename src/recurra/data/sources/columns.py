"""Columns of strings to columns of numbers, where every value is one."""

from __future__ import annotations

import re

import polars as pl

MISSING = ("", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "?", "-", ".")
_TRIED = 256
_DIGITS = r"^\s*[+-]?\d+\s*$"
# Only a column that holds both marks, as in 1.234,50 or 1,234.50, says that the first of them groups thousands.
_POINTS = r"^[+-]?\d{1,3}(\.\d{3})*(,\d+)?$|^[+-]?\d+(,\d+)?$"
_COMMAS = r"^[+-]?\d{1,3}(,\d{3})*(\.\d+)?$|^[+-]?\d+(\.\d+)?$"


def number(text: pl.Expr, *, decimal_comma: bool = False, commas: bool = False) -> pl.Expr:
    """Float64 of a string column; null where a value is missing or is no number. Commas may group thousands where
    `commas` says so.

    >>> frame = pl.DataFrame({"a": ["1.234,50", "850"]})
    >>> frame.select(number(pl.col("a"), decimal_comma=True))["a"].to_list()
    [1234.5, 850.0]
    """
    text = text.str.strip_chars()
    if decimal_comma or commas:
        mark, grouped, both = (
            (".", _POINTS, r"\.\d{3},\d") if decimal_comma else (",", _COMMAS, r",\d{3}\.\d")
        )
        thousands = (
            text.str.contains(both).any()
            & (text.str.contains(grouped) | text.str.to_lowercase().is_in(list(MISSING))).all()
        )
        text = pl.when(thousands).then(text.str.replace_all(mark, "", literal=True)).otherwise(text)
    if decimal_comma:
        text = text.str.replace(",", ".", literal=True)
    return text.cast(pl.Float64, strict=False).fill_nan(None)


def missing(text: pl.Expr) -> pl.Expr:
    """Where a string column has no value: null, empty, or one of the usual marks (NA, NaN, ?, ...)."""
    return text.is_null() | text.str.strip_chars().str.to_lowercase().is_in(list(MISSING))


def typed(frame: pl.DataFrame, *, decimal_comma: bool = False) -> pl.DataFrame:
    """String columns in which every value that is there is a number, as Int64 or Float64; others untouched.

    Codes such as "007" stay strings: their zeros mean something; so do whole numbers beyond 64 bits, which tell
    things apart that would be equal as floats. A column without any value is Float64, all null.

    >>> typed(pl.DataFrame({"a": ["1", "NA"], "b": ["1.5", "2"], "c": ["007", "8"]})).dtypes
    [Int64, Float64, String]
    """
    # A few rows rule out most columns of text before all of their rows are looked at.
    strings = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    names = _numeric(frame.head(_TRIED), strings, decimal_comma)[0]
    names, numbers = _numeric(frame, names, decimal_comma)
    if not names:
        return frame
    likely = [name for name in names if (numbers[name].head(_TRIED).drop_nulls() % 1 == 0).all()]
    whole = (
        frame.select(pl.col(likely).str.strip_chars().cast(pl.Int64, strict=False))
        if likely
        else frame.select()
    )
    exact = [name for name in likely if whole[name].null_count() == numbers[name].null_count() < frame.height]
    beyond = [name for name in likely if whole[name].null_count() > numbers[name].null_count()]
    codes = frame.select(
        pl.col(exact).str.contains(r"^\s*[+-]?0\d").any(),
        *((pl.col(name).str.contains(_DIGITS) | missing(pl.col(name))).all() for name in beyond),
    )
    coded = {name for name, found in codes.row(0, named=True).items() if found} if exact or beyond else set()
    return frame.with_columns(numbers[name] for name in names if name not in coded).with_columns(
        whole[name] for name in exact if name not in coded
    )


def untyped(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The columns of strings `before` that `typed` made numbers.

    >>> frame = pl.DataFrame({"a": ["1.50", "2"], "b": ["x", "1"]})
    >>> untyped(frame, typed(frame)).to_dict(as_series=False)
    {'a': ['1.50', '2']}
    """
    return before.select(name for name in before.columns if before[name].dtype != after[name].dtype)


def _numeric(frame: pl.DataFrame, names: list[str], decimal_comma: bool) -> tuple[list[str], pl.DataFrame]:
    """Those of the columns in which every cell is a number or missing, and their numbers."""
    if not names:
        return [], frame.select()
    numbers = frame.select(number(pl.col(names), decimal_comma=decimal_comma))
    wrong = _not_numeric(frame, numbers)
    if wrong and not decimal_comma:  # few columns need this slower look
        grouped = frame.select(number(pl.col(wrong), commas=True))
        numbers, wrong = numbers.with_columns(grouped), _not_numeric(frame, grouped)
    names = [name for name in names if name not in wrong]
    return names, numbers.select(names)


def _not_numeric(frame: pl.DataFrame, numbers: pl.DataFrame) -> list[str]:
    """The columns of `numbers` that lost a cell of `frame` which does not say that a value is missing."""
    # Which marks mean "missing" is asked only of columns that lost a value.
    lost = [name for name in numbers.columns if numbers[name].null_count() > frame[name].null_count()]
    unknown = frame.select(
        (numbers[name].is_null() & ~missing(pl.col(name))).any().alias(name) for name in lost
    )
    return [name for name in lost if unknown[name][0]]


def is_number(text: str | None) -> bool:
    """Whether one cell is a number.

    >>> is_number(" -1.5e3 "), is_number("x1"), is_number(None)
    (True, False, False)
    """
    return text is not None and bool(re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", text))
