"""CSV and its like: separator, quoting, header and types worked out; polars reads."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from recurra.data.sources.columns import is_number, typed, untyped
from recurra.data.sources.second_pass import read_slowly, refuse_ragged
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError

SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
_HEAD = 1 << 16
_HANDFUL = 8


@dataclass(frozen=True)
class Records:
    """All lines of a delimited file as strings, the first included, before it is settled what that one is.

    Args:
        cells: column_1, column_2, ... of strings.
        origin, form: as in `Table`.
        separator: what stands between the fields.
        notes: what had to be decided.
    """

    cells: pl.DataFrame
    origin: str
    form: str
    separator: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """Whether the first line names the columns, and why that is not plain; empty where it is."""

    present: bool
    why: str = ""


def read_delimited(data: bytes, origin: str, form: str = "csv", separator: str | None = None) -> Table:
    """A table of UTF-8 `data`, a record per line, quoted as RFC 4180 says.

    Raises:
        DataError: ragged rows, a quote left open, no record after the header; with row and line.
    """
    records = read_records(data, origin, form, separator)
    return as_table(records, judge_header(records))


def read_records(data: bytes, origin: str, form: str = "csv", separator: str | None = None) -> Records:
    """The records of UTF-8 `data`; see `read_delimited`.

    Raises:
        DataError: ragged rows, a quote left open; with row and line.
    """
    notes = []
    if b"\n" not in data and b"\r" in data:
        data = data.replace(b"\r", b"\n")
    whole, data = data, data.lstrip(b"\r\n")
    above = whole.count(b"\n", 0, len(whole) - len(data))
    if separator is None:
        preferred = "\t" if form == "tsv" else ","
        separator = separator_of(data, preferred) or preferred
        if separator != preferred:
            notes.append(f"fields are separated by {SEPARATORS[separator]}")
    cells = _strings(data, separator, origin, above)
    blank = cells.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if blank.any():
        inner = int(blank.sum()) - _trailing(blank)
        if inner:
            notes.append(f"{inner} blank line{'s' * (inner > 1)} skipped")
        cells = cells.filter(~blank)
    return Records(cells, origin, form, separator, tuple(notes))


def as_table(records: Records, header: Header) -> Table:
    """The typed table of `records`, named by their first line or by number.

    Raises:
        DataError: there is no record after the header.
    """
    names, body, said = records.cells.columns, records.cells, []
    if header.present and not body.is_empty():
        names, said = _unique(list(body.row(0)))
        body = body.slice(1)
        if header.why:
            said.append(
                f"the first line is taken for the header ({header.why}): if it is data, write one above"
            )
    elif not body.is_empty():
        said = [f"no header line ({header.why}): the columns are named {listed(names, 4)}"]
    if body.is_empty():
        raise DataError(
            f"there is a header ({listed(names)}) but no record under it",
            where=records.origin,
            fix="Give a file that holds records.",
        )
    body = body.rename(dict(zip(body.columns, names, strict=True)))
    # Between semicolons numbers may be written 1,5.
    frame = typed(body, decimal_comma=records.separator == ";")
    notes = (*records.notes, *said)
    return Table(frame, records.origin, records.form, notes, cells=untyped(body, frame))


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


def _strings(data: bytes, separator: str, origin: str, above: int) -> pl.DataFrame:
    """Every record, the first included, as strings in column_1, column_2, ...

    Args:
        above: blank lines of the file in front of `data`, for messages.
    """
    quoted = separator != "\t" or b'"' not in data or _quoted(data)
    try:
        frame = _fast(data, separator, quoted)
    except pl.exceptions.PolarsError:
        # With tabs, a quote that pairs with nothing is more likely a part of the text than a mistake.
        return read_slowly(data, separator, origin, quoted=separator != "\t", above=above)
    # A short row looks just like one that ends in empty fields; only a pass over the fields tells.
    if (
        frame.width > 1
        and not frame.filter(pl.last().is_null() & pl.any_horizontal(pl.all().is_not_null())).is_empty()
    ):
        refuse_ragged(data, separator, origin, quoted=quoted, above=above)
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


def judge_header(records: Records) -> Header:
    """A first line is data if it holds numbers above numbers, or a value that its column repeats below."""
    if records.cells.is_empty():
        return Header(True)
    body = records.cells.slice(1)
    cells = [cell or "" for cell in records.cells.row(0)]
    above = [j for j, cell in enumerate(cells) if is_number(cell) and _numbers_below(body, j)]
    numbers = [float(cell) for cell in cells if is_number(cell)]
    if numbers and above:
        if not _evenly_spaced(numbers):
            return Header(False, f"the first line holds the number {cells[above[0]].strip()}")
        return Header(True, f"its numbers {listed([cell for cell in cells if is_number(cell)], 4)} count up")
    if body.is_empty() or numbers:
        return Header(True)
    if body.width == 1:
        long = len(cells[0]) > 60 or len(cells[0].split()) > 4
        return Header(False, "the first line is a long text") if long else Header(True)
    for j, cell in enumerate(cells):
        if cell.strip() and len(cell) <= 60 and _repeats(records.cells.to_series(j)):
            return Header(False, f"{cell!r} of the first line comes again in its column")
    if any(len(cell) > 100 for cell in cells):
        return Header(False, "the first line holds a long text")
    return Header(True)


def _numbers_below(body: pl.DataFrame, j: int) -> bool:
    return body.is_empty() or _mostly_numbers(body.to_series(j))


def _repeats(column: pl.Series) -> bool:
    """Whether the first cell of a column comes again, as the others do: three times or more on average, in
    a handful of lines twice.

    Among values that hardly repeat, one that is also the column's name is chance.
    """
    least = 2 if len(column) <= _HANDFUL else 3
    return bool((column.slice(1) == column[0]).any()) and least * column.n_unique() <= len(column)


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
    names: dict[str, None] = {}
    notes = []
    for j, cell in enumerate(first):
        name = (cell or "").strip() or f"column_{j + 1}"
        while name in names:
            notes.append(f"two columns are named {name!r}: the later one is called {name + '_2'!r} here")
            name += "_2"
        names[name] = None
    return list(names), notes
