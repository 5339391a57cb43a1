"""Tables of tagged words written again with other tags: every other value stands as it was written."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from recurra.data.sources.delimited import judge_header, read_records

_NOTHING = frozenset({"", "_", "-", "?"})  # what stands where a tag is to come


def holds_tags(values: Iterable[Any], answers: frozenset[str]) -> bool:
    """Whether a column of data to be tagged is one of tags, to be replaced: most of its values may be answers, or say
    that nothing is known.

    >>> holds_tags(["B-LOC", "O"], frozenset({"B-LOC", "O"})), holds_tags(["Oslo", "is"], frozenset({"O"}))
    (True, False)
    >>> holds_tags(["_", None], frozenset({"O"}))
    True
    """
    said = [str(value) for value in values if value is not None and str(value) not in _NOTHING]
    return 2 * sum(value in answers for value in said) >= len(said)


def free_name(name: str, names: Sequence[str]) -> str:
    """A name that no column has.

    >>> free_name("tags", ["tokens", "tags"])
    'tags_2'
    """
    number, found = 1, name
    while found in names:
        number += 1
        found = f"{name}_{number}"
    return found


def typed_tags(values: Sequence[str], *, numbers: bool) -> list[Any]:
    """Tags as they stand in a record."""
    return [int(value) for value in values] if numbers else list(values)


def with_lists(
    records: Iterable[dict[str, Any]], target: str, tags: Iterable[list[Any]], *, whole: bool
) -> str:
    """JSON of records, each with its list of tags.

    Args:
        whole: whether they stand in one list; else each in a line.
    """
    written = [
        json.dumps(record | {target: own}, ensure_ascii=False, default=str)
        for record, own in zip(records, tags, strict=True)
    ]
    return f"[{', '.join(written)}]\n" if whole else "".join(f"{line}\n" for line in written)


def json_records(text: str) -> tuple[list[dict[str, Any]], bool]:
    """The objects of a text, and whether they stand in one list instead of a line each."""
    if text.lstrip()[:1] == "[":
        return json.loads(text), True
    return [json.loads(line) for line in text.split("\n") if line.strip()], False


def with_cells(data: bytes, form: str, origin: str, target: str, values: Sequence[str]) -> str:
    """Lines of cells, as UTF-8, with other values in the column of that name; one that is not there comes last."""
    records = read_records(data, origin, form)
    rows = [["" if cell is None else cell for cell in row] for row in records.cells.iter_rows()]
    header = judge_header(records).present
    names = [name.strip() for name in rows.pop(0)] if header else records.cells.columns
    at = names.index(target) if target in names else len(names)
    written = [[*row[:at], value, *row[at + 1 :]] for row, value in zip(rows, values, strict=True)]
    return _delimited(
        [*([[*names[:at], target, *names[at + 1 :]]] if header else []), *written],
        records.separator,
        "\r\n" if b"\r\n" in data else "\n",
    )


def with_frame(frame: pl.DataFrame, form: str, target: str, values: Sequence[str]) -> str:
    """Lines of cells of a table that was no text."""
    names = frame.columns
    at = names.index(target) if target in names else len(names)
    rows = [[*row[:at], value, *row[at + 1 :]] for row, value in zip(frame.iter_rows(), values, strict=True)]
    return _delimited([[*names[:at], target, *names[at + 1 :]], *rows], "\t" if form == "tsv" else ",", "\n")


def _delimited(rows: list[list[Any]], separator: str, ending: str) -> str:
    """Quoted where it must be; between tabs a quote is a part of the text."""
    plain = separator == "\t" and not any(
        mark in str(cell) for row in rows for cell in row for mark in "\t\r\n"
    )
    if plain:
        return "".join(separator.join(map(str, row)) + ending for row in rows)
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator, lineterminator=ending).writerows(rows)
    return stream.getvalue()
