"""Parquet, by polars."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from recurra.data.sources.table import Table
from recurra.errors import DataError

MAGIC = b"PAR1"


def read_parquet(source: Path | bytes, origin: str) -> Table:
    """The table of a Parquet file, or of its bytes.

    Raises:
        DataError: the file is cut off, damaged, or has no rows.
    """
    try:
        frame = pl.read_parquet(source if isinstance(source, Path) else io.BytesIO(source))
    except (pl.exceptions.PolarsError, OSError) as error:
        first = str(error).splitlines()[0]
        raise DataError(
            f"the Parquet file is cut off or damaged ({first})", where=origin, fix="Fetch or write it again."
        ) from None
    if frame.is_empty():
        raise DataError("the Parquet file has no rows", where=origin, fix="Give a file that holds records.")
    return Table(frame, origin, "parquet")
