"""The slow pass over a table that the fast reader refused: reads what can be read, names what is broken."""

from __future__ import annotations

import csv
import io

import polars as pl

from recurra.data.sources.table import numbered
from recurra.errors import DataError


def read_slowly(data: bytes, separator: str, origin: str) -> pl.DataFrame:
    """All records of UTF-8 `data` as strings, column_1, column_2, ...; the first record included.

    Lets a quote inside an unquoted field stand as it is (`5" nail`), which the fast reader refuses.

    Raises:
        DataError: rows of unequal length, a quote that is not closed; with row and line.
    """
    records, lines = _records(data, separator, origin)
    width = len(records[0])
    ragged = [i for i, record in enumerate(records) if len(record) != width]
    if ragged:
        _refuse_ragged(records, lines, ragged, origin)
    columns = {f"column_{j + 1}": [record[j] for record in records] for j in range(width)}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def _records(data: bytes, separator: str, origin: str) -> tuple[list[list[str]], list[int]]:
    records: list[list[str]] = []
    lines: list[int] = []
    # The limit is one setting for the whole process.
    before = csv.field_size_limit(max(len(data), 1) + 1)
    start = 1
    try:
        stream = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
        reader = csv.reader(stream, delimiter=separator, strict=True)
        for record in reader:
            if record:
                records.append(record)
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        what = (
            'a quote (") is opened and not closed'
            if "end of data" in str(error)
            else f"a quoted field is not closed properly ({str(error).replace(chr(39), '`')})"
        )
        raise DataError(
            f"{what}, in the record that begins in line {start}",
            where=f"{origin}, row {max(len(records), 1)}",
            fix='Inside a quoted field write each quote twice ("").',
        ) from None
    finally:
        csv.field_size_limit(before)
    return records, lines


def _refuse_ragged(records: list[list[str]], lines: list[int], ragged: list[int], origin: str) -> None:
    i = ragged[0]
    width, found = len(records[0]), len(records[i])
    others = f" ({numbered(ragged)})" if len(ragged) > 1 else ""
    more = "too many: is a separator or a line break inside a field not quoted?" if found > width else ""
    raise DataError(
        f"{found} fields in line {lines[i]}, but the first line has {width}{others}",
        where=f"{origin}, row {i}",
        fix=f"Give every row the same number of fields. {more}".strip().replace("fields. too", "fields; too"),
    )
