"""CSV and its like: separator, quoting, header and types worked out; polars reads."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from recurra.data.sources.columns import is_number, typed
from recurra.data.sources.second_pass import read_slowly, refuse_ragged
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError

SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
_HEAD = 1 << 16


def read_delimited(data: bytes, origin: str, form: str = "csv", separator: str | None = None) -> Table:
    """A table of UTF-8 `data`, a record per line, quoted as RFC 4180 says.

    Raises:
        DataError: ragged rows, a quote left open, no record after the header; with row and line.
    """
    notes = []
    if b"\n" not in data and b"\r" in data:
        data = data.replace(b"\r", b"\n")
    data = data.lstrip(b"\r\n")
    if separator is None:
        preferred = "\t" if form == "tsv" else ","
        separator = separator_of(data, preferred) or preferred
        if separator != preferred:
            notes.append(f"fields are separated by {SEPARATORS[separator]}")
    records = _strings(data, separator, origin)
    blank = records.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if blank.any():
        inner = int(blank.sum()) - _trailing(blank)
        if inner:
            notes.append(f"{inner} blank line{'s' * (inner > 1)} skipped")
        records = records.filter(~blank)
    names, body, said = _header(records)
    if body.is_empty():
        raise DataError(
            f"there is a header ({listed(names)}) but no record under it",
            where=origin,
            fix="Give a file that holds records.",
        )
    frame = typed(body.rename(dict(zip(body.columns, names, strict=True))), decimal_comma=separator == ";")
    return Table(frame, origin, form, tuple(notes + said))


def separator_of(data: bytes, preferred: str | None = None) -> str | None:
    """The separator that cuts the first records into the same number of fields, two or more; None if none
    does.

    >>> separator_of(b"a;b\\n1,5;2,5\\n")
    ';'
    """
    # A last line cut off by the sample would look ragged.
    head = data if len(data) <= _HEAD else data[: data.rfind(b"\n", 0, _HEAD) + 1] or data[:_HEAD]
    text = head.decode("utf-8", errors="ignore")
    found: dict[str, int] = {}
    before = csv.field_size_limit(len(text) + 1)
    try:
        for separator in SEPARATORS:
            widths = {len(r) for r in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if r}
            if len(widths) == 1 and (width := widths.pop()) > 1:
                found[separator] = width
    finally:
        csv.field_size_limit(before)
    if preferred in found:
        return preferred
    if not found and preferred:
        # Ragged under every separator: the header's own decides, and the reader will name the row.
        first = text.split("\n", 1)[0]
        counts = {separator: first.count(separator) for separator in SEPARATORS}
        return (
            max(counts, key=lambda s: counts[s])
            if not counts[preferred] and any(counts.values())
            else preferred
        )
    return max(found, key=lambda s: found[s], default=None)


def _strings(data: bytes, separator: str, origin: str) -> pl.DataFrame:
    """Every record, the first included, as strings in column_1, column_2, ..."""
    quoted = separator != "\t" or b'"' not in data or _quoted(data)
    try:
        frame = _fast(data, separator, quoted)
    except pl.exceptions.PolarsError:
        # With tabs, a quote that pairs with nothing is more likely a part of the text than a mistake.
        return read_slowly(data, separator, origin, quoted=separator != "\t")
    # A short row looks just like one that ends in empty fields; only a pass over the fields tells.
    if (
        frame.width > 1
        and not frame.filter(pl.last().is_null() & pl.any_horizontal(pl.all().is_not_null())).is_empty()
    ):
        refuse_ragged(data, separator, origin, quoted=quoted)
    return frame.rename({name: f"column_{j + 1}" for j, name in enumerate(frame.columns)})


def _fast(data: bytes, separator: str, quoted: bool) -> pl.DataFrame:
    quote = '"' if quoted else None
    return pl.read_csv(data, has_header=False, infer_schema=False, separator=separator, quote_char=quote)


def _quoted(data: bytes) -> bool:
    """Whether quotes in tab-separated `data` quote fields; often they are part of the text, and unpaired."""
    try:
        frame = _fast(data, "\t", quoted=False)
    except pl.exceptions.PolarsError:
        return True
    opened = pl.all().str.starts_with('"')
    closed = pl.all().str.contains(r'(?s)^"(?:[^"]|"")*"$')
    return bool(frame.select(pl.all_horizontal((~opened | closed).all())).item())


def _trailing(blank: pl.Series) -> int:
    last = blank.not_().arg_true()
    return len(blank) - 1 - int(last[-1]) if len(last) else len(blank)


@dataclass(frozen=True)
class _Header:
    present: bool
    why: str = ""


def _header(records: pl.DataFrame) -> tuple[list[str], pl.DataFrame, list[str]]:
    """Column names, the records under them, and what was decided."""
    if records.is_empty():
        return [], records, []
    first = [None if cell is None else str(cell) for cell in records.row(0)]
    found = _judge(first, records.slice(1))
    if not found.present:
        names = records.columns
        return names, records, [f"no header line ({found.why}): the columns are named {listed(names, 4)}"]
    names, notes = _unique(first)
    return names, records.slice(1), notes


def _judge(first: list[str | None], body: pl.DataFrame) -> _Header:
    """A first line is data if it holds numbers above numbers, or a value that its column repeats below."""
    cells = [cell or "" for cell in first]
    numbers = [float(cell) for cell in cells if is_number(cell)]
    if numbers and not _evenly_spaced(numbers):
        for j, cell in enumerate(cells):
            if is_number(cell) and (body.is_empty() or _mostly_numbers(body.to_series(j))):
                return _Header(False, f"the first line holds the number {cell.strip()}")
    if body.is_empty() or numbers:
        return _Header(True)
    if body.width == 1:
        return _Header(len(cells[0]) <= 60 and len(cells[0].split()) <= 4, "the first line is a long text")
    for j, cell in enumerate(cells):
        column = body.to_series(j)
        if cell.strip() and len(cell) <= 60 and (column == cell).any() and column.n_unique() < len(column):
            return _Header(False, f"{cell!r} of the first line comes again in its column")
    if any(len(cell) > 100 for cell in cells):
        return _Header(False, "the first line holds a long text")
    return _Header(True)


def _evenly_spaced(numbers: list[float]) -> bool:
    """Numbered steps of a wide table (0, 1, 2, ... or 2019, 2020, ...) are names, not data."""
    if len(numbers) < 3:
        return False
    step = numbers[1] - numbers[0]
    return step > 0 and all(abs((b - a) - step) <= 1e-6 * step for a, b in pairwise(numbers))


def _mostly_numbers(column: pl.Series) -> bool:
    sample = column.drop_nulls().head(200).to_list()
    return bool(sample) and sum(map(is_number, sample)) >= 0.9 * len(sample)


def _unique(first: list[str | None]) -> tuple[list[str], list[str]]:
    names: list[str] = []
    notes = []
    for j, cell in enumerate(first):
        name = (cell or "").strip() or f"column_{j + 1}"
        while name in names:
            notes.append(f"two columns are named {name!r}: the later one is called {name + '_2'!r} here")
            name += "_2"
        names.append(name)
    return names, notes
