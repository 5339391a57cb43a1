"""Sequences given as frames, one each: the names of their columns are those of the features of a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recurra.errors import DataError


def numbered(size: int) -> list[str]:
    """What `size` features are called that have no names.

    >>> numbered(1), numbered(2)
    (['value'], ['feature 1', 'feature 2'])
    """
    return ["value"] if size == 1 else [f"feature {k + 1}" for k in range(size)]


def frame_columns(X: Any, channels: Sequence[str] | None = None) -> list[str] | None:
    """The names of the columns that all frames in X have; None where it holds anything else, or columns without names.

    Args:
        X: a list, series or array of objects, an entry for each sequence.
        channels: the names that they are to have, if these are names and no numbers.

    Raises:
        DataError: frames with other columns, or with the same in another order: what stands in which column decides
            what is read.

    >>> import polars as pl
    >>> frame_columns([pl.DataFrame({"x": [1.0], "y": [2.0]})])
    ['x', 'y']
    """
    if not isinstance(X, list | tuple) and not (getattr(X, "ndim", None) == 1 and X.dtype == object):
        return None
    items = list(X)
    if not items or not all(hasattr(item, "columns") for item in items):
        return None
    columns = [list(item.columns) for item in items]
    if not all(isinstance(name, str) for names in columns for name in names):
        return None
    known = channels is not None and list(channels) != numbered(len(channels))
    expected = list(channels or ()) if known else columns[0]
    for n, names in enumerate(columns):
        if names != expected:
            raise DataError(
                f"expected frames with the columns {', '.join(expected)}, in this order, found {', '.join(names)}",
                where=f"X[{n}]",
                fix="Give each as frame[columns], or as frame.to_numpy() if the places of the columns are right.",
            )
    return columns[0]
