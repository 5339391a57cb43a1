"""The slow pass over a table that the fast reader refused: reads what can be read, names what is broken."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import polars as pl

from recurra.data.sources.table import numbered
from recurra.errors import DataError


def read_slowly(
    data: bytes, separator: str, origin: str, *, quoted: bool = True, above: int = 0
) -> pl.DataFrame:
    """All records of UTF-8 `data` as strings, column_1, column_2, ...; the first record included.

    Lets a quote inside an unquoted field stand as it is (`5" nail`), which the fast reader refuses; or, where
    fields are not `quoted`, every quote.

    Args:
        above: lines of the file in front of `data`, which messages count.

    Raises:
        DataError: rows of unequal length, a quote that is not closed; with row and line.
    """
    refuse_ragged(data, separator, origin, quoted=quoted, above=above)
    fields = list(
        zip(*(record for _, record in _records(data, separator, origin, quoted, above)), strict=True)
    )
    columns = {f"column_{j + 1}": values for j, values in enumerate(fields)}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def refuse_ragged(data: bytes, separator: str, origin: str, *, quoted: bool = True, above: int = 0) -> None:
    """Raise if a record has another number of fields than the first; only such records are kept in memory.

    Args:
        above: lines of the file in front of `data`, which messages count.
    """
    width = 0
    ragged: list[tuple[int, int, int]] = []
    for row, (line, record) in enumerate(_records(data, separator, origin, quoted, above)):
        width = width or len(record)
        if len(record) != width:
            ragged.append((row, line, len(record)))
    if ragged:
        row, line, found = ragged[0]
        others = f" ({numbered([row for row, _, _ in ragged])})" if len(ragged) > 1 else ""
        unquoted = " Put a field that holds the separator between quotes." if found > width else ""
        raise DataError(
            f"{found} field{'s' * (found > 1)} in line {line}, but the first line has {width}{others}",
            where=f"{origin}, row {row}",
            fix=f"Give every row the same number of fields.{unquoted}",
        )


def _records(
    data: bytes, separator: str, origin: str, quoted: bool, above: int
) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it begins in; row 0 is the first, as a rule the header."""
    # The limit is one setting for the whole process.
    before = csv.field_size_limit(max(len(data), 1) + 1)
    quoting = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    start, row = above + 1, 0
    try:
        stream = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
        reader = csv.reader(stream, delimiter=separator, strict=True, quoting=quoting)
        for record in reader:
            if record:
                yield start, record
                row += 1
            start = above + reader.line_num + 1
    except csv.Error as error:
        open_end = "end of data" in str(error)
        what = (
            'a quote (") is opened and not closed' if open_end else "a quoted field goes on behind its quote"
        )
        raise DataError(
            f"{what}, in the record that begins in line {start}",
            where=f"{origin}, row {row}",
            fix='Inside a quoted field write each quote twice ("").',
        ) from None
    finally:
        csv.field_size_limit(before)
