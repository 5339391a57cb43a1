"""Python objects to a table: pandas and polars frames, NumPy arrays, dicts of columns, lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from recurra.data.masks import unmasked
from recurra.data.sources.table import Table
from recurra.errors import DataError

_KINDS = (
    "a frame of pandas or polars, a NumPy array, a dict of columns, or a list of texts, sequences or records"
)


def read_object(source: Any, origin: str = "the data given") -> Table:
    """The table in a Python object.

    A frame or dict: its columns, and the dates in the index of a pandas frame as another, named "time" where
    the index has no name. A list of dicts: records. A list or 1-D array of str: the column `text`; of numbers:
    the column `value`. A list of arrays, (T_i,) or (T_i, I), or an array (N, T, I): a List column per channel.
    A 2-D array: wide, a row per sequence, columns column_1, column_2, ... for the steps.

    Raises:
        DataError: nothing of the kind, no rows, or columns of unequal length.

    >>> read_object({"text": ["good", "bad"], "label": [1, 0]}).frame.columns
    ['text', 'label']
    >>> read_object(np.array([112.0, 118.0])).frame.columns
    ['value']
    """
    frame = _frame(source, origin)
    if frame.width == 0 or frame.height == 0:
        raise DataError("there are no rows", where=origin, fix="Give data that hold records.")
    return Table(frame, origin, "python")


def _frame(source: Any, origin: str) -> pl.DataFrame:
    if isinstance(source, pl.Series):
        source = source.alias(source.name or ("value" if source.dtype.is_numeric() else "text")).to_frame()
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, pl.LazyFrame):
        collected = source.collect()
        return collected if isinstance(collected, pl.DataFrame) else pl.DataFrame(collected)
    try:
        if isinstance(source, dict):
            return pl.DataFrame({str(name): _plain(column) for name, column in source.items()}, strict=False)
        if isinstance(source, np.ndarray):
            return _array(unmasked(source))
        if isinstance(source, list | tuple):
            return _list(list(source))
        return _foreign(source, origin)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"the columns do not make a table: {error}", where=origin, fix=f"Give {_KINDS}."
        ) from None


def _plain(column: Any) -> Any:
    """A column as polars takes it: it knows no objects, and no times in seconds, hours, months or years."""
    column = unmasked(column)
    if not isinstance(column, np.ndarray):
        return column
    if column.dtype == object:
        return column.tolist()
    if column.dtype.kind == "M":
        days = np.datetime_data(column.dtype)[0] in ("Y", "M", "W", "D")
        return column.astype("datetime64[D]" if days else "datetime64[us]")
    return column


def _array(array: np.ndarray) -> pl.DataFrame:
    if array.ndim == 1 and array.dtype.kind in "OUS":
        return _list(array.tolist())
    if array.ndim == 1 and array.dtype.kind in "fiub":
        return pl.DataFrame({"value": array})
    if array.ndim == 2:
        return pl.DataFrame(
            {f"column_{j + 1}": _plain(array[:, j]) for j in range(array.shape[1])}, strict=False
        )
    if array.ndim == 3:
        columns = {
            f"channel_{j + 1}": pl.Series(list(np.asarray(array[:, :, j], dtype=np.float64)))
            for j in range(array.shape[2])
        }
        return pl.DataFrame(columns)
    raise DataError(
        f"an array of {array.ndim} axes makes no table", fix="Give (sequences, steps[, channels])."
    )


def _list(items: list[Any]) -> pl.DataFrame:
    if not items:
        return pl.DataFrame()
    if all(isinstance(item, dict) for item in items):
        return pl.from_dicts(items, infer_schema_length=None)
    if all(isinstance(item, str) or item is None for item in items):
        return pl.DataFrame({"text": items}, schema={"text": pl.String})
    if all(item is None or np.isscalar(item) for item in items):
        return pl.DataFrame({"value": [np.nan if item is None else float(item) for item in items]})
    return list_columns([np.asarray(unmasked(item), dtype=np.float64) for item in items])


def list_columns(sequences: list[np.ndarray]) -> pl.DataFrame:
    """Sequences (T_i,) or (T_i, I) as a List column per channel, channel_1 to channel_I."""
    for i, sequence in enumerate(sequences):
        if sequence.ndim not in (1, 2):
            raise DataError(
                f"sequence {i + 1} has {sequence.ndim} axes", fix="Give arrays (steps,) or (steps, channels)."
            )
    stacked = [s[:, None] if s.ndim == 1 else s for s in sequences]
    width = stacked[0].shape[1]
    for i, sequence in enumerate(stacked):
        if sequence.shape[1] != width:
            raise DataError(
                f"sequence {i + 1} has {sequence.shape[1]} channels, but the first has {width}",
                fix="Give every sequence the same channels.",
            )
    return pl.DataFrame(
        {
            f"channel_{j + 1}": pl.Series([s[:, j] for s in stacked], dtype=pl.List(pl.Float64))
            for j in range(width)
        }
    )


def _foreign(source: Any, origin: str) -> pl.DataFrame:
    import narwhals as nw

    source = _with_dates(source)
    known = nw.from_native(source, allow_series=True, pass_through=True)
    if isinstance(known, nw.Series):
        name = known.name or ("text" if known.dtype in (nw.String, nw.Object) else "value")
        known = known.alias(str(name)).to_frame()
    if isinstance(known, nw.LazyFrame):
        known = known.collect()
    if isinstance(known, nw.DataFrame):
        names = [str(name) for name in known.columns]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"two columns are named {twice!r}", where=origin, fix="Rename one of them.")
        # pandas may name its columns by numbers, and known[0] would be a row.
        return pl.DataFrame(
            {str(name): _values(known.get_column(name)) for name in known.columns}, strict=False
        )
    raise DataError(f"a {type(source).__name__} is not a table", where=origin, fix=f"Give {_KINDS}.")


def _values(column: Any) -> Any:
    """A narwhals column as polars takes it without pyarrow: NumPy where nothing is missing, else a list."""
    gaps = column.is_null()
    if column.dtype.is_float() or (
        not gaps.any() and (column.dtype.is_numeric() or column.dtype.is_boolean())
    ):
        return column.to_numpy()
    return [None if gap else value for value, gap in zip(column.to_list(), gaps.to_list(), strict=True)]


def _with_dates(source: Any) -> Any:
    """A frame of pandas, or a series of numbers, with the dates of its index as a column; else as it is."""
    index = getattr(source, "index", None)
    if index is None or not hasattr(source, "reset_index") or not hasattr(index, "nlevels"):
        return source
    if hasattr(source, "to_frame") and source.dtype.kind not in "fiub":
        return source
    levels = [index.get_level_values(k) for k in range(index.nlevels)]
    dated = [level.dtype.kind == "M" or hasattr(level, "to_timestamp") for level in levels]
    if not any(dated):
        return source
    frame = source.to_frame(source.name or "value") if hasattr(source, "to_frame") else source
    named = [level.name if level.name is not None else "time" for level in levels]
    beside = {
        str(name): level.to_timestamp() if hasattr(level, "to_timestamp") else level
        for name, level in zip(named, levels, strict=True)
        if name not in frame.columns
    }
    frame = frame.reset_index(drop=True)
    for place, (name, level) in enumerate(beside.items()):
        frame.insert(place, name, level)
    return frame
