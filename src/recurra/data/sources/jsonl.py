"""JSON lines: an object per line is a record, a list per line a sequence, a string per line a text."""

from __future__ import annotations

import json
import re
from typing import Any

import polars as pl

from recurra.data.sources.columns import typed, untyped
from recurra.data.sources.table import Table
from recurra.errors import DataError


def read_jsonl(data: bytes, origin: str) -> Table:
    """A table of UTF-8 `data`; a file that is one list of objects is read too.

    polars reads lines of objects; Python reads the rest (NaN, lists, mixed kinds), and names a broken line.

    Raises:
        DataError: a line is no JSON, or the lines are of different kinds; with row and line.
    """
    name = {b"[": b"sequence", b'"': b"text"}.get(data.lstrip()[:1])
    if re.match(rb"\s*\[\s*\{", data):
        name = None
    try:
        # polars takes objects only, and is much the faster.
        lines = data
        if name is not None:
            lines = b"\n".join(b'{"%s":%s}' % (name, line) for line in data.split(b"\n") if line.strip())
        frame = pl.read_ndjson(lines, infer_schema_length=None)
    except pl.exceptions.PolarsError:
        frame = _slowly(data, origin)
    numbers = typed(frame)
    return Table(numbers, origin, "jsonl", cells=untyped(frame, numbers))


def _slowly(data: bytes, origin: str) -> pl.DataFrame:
    values = _whole(data) or _lines(data, origin)
    _refuse_mixed(values, origin)
    records = [value for _, value in values]
    try:
        if isinstance(records[0], dict):
            return pl.DataFrame(records, infer_schema_length=None, strict=False)
        return pl.DataFrame({"text" if isinstance(records[0], str) else "sequence": records}, strict=False)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        _refuse_mixed_values(values, origin)
        raise DataError(f"the lines do not make a table: {error}", where=origin) from None


def _refuse_mixed(values: list[tuple[int, Any]], origin: str) -> None:
    """Raise if a line is neither object, list nor text, or not of the kind of the first."""
    kinds = [next((k for k in (dict, list, str) if isinstance(value, k)), None) for _, value in values]
    i = next((i for i, kind in enumerate(kinds) if kind is None or kind is not kinds[0]), None)
    if i is not None:
        but = f", but the first {_called(values[0][1])}" if i else ""
        raise DataError(
            f"line {values[i][0]} holds {_called(values[i][1])}{but}",
            where=f"{origin}, row {i + 1}",
            fix="Write an object with the same keys, a list of numbers, or a text in every line.",
        )


def _refuse_mixed_values(values: list[tuple[int, Any]], origin: str) -> None:
    """Raise if one key holds lists, or objects, in some lines and something else in others."""
    seen: dict[str, tuple[int, Any, type | None]] = {}
    for i, (line, record) in enumerate(values):
        for key, value in record.items() if isinstance(record, dict) else ():
            if value is None:
                continue
            kind = next((k for k in (dict, list) if isinstance(value, k)), None)
            first, known, wanted = seen.setdefault(key, (line, value, kind))
            if kind is not wanted:
                raise DataError(
                    f"line {line} holds {_called(value)}, but line {first} {_called(known)}",
                    where=f"{origin}, row {i + 1}, column {key!r}",
                    fix="Write values of one kind in every line; null where there is none.",
                )


def _whole(data: bytes) -> list[tuple[int, Any]] | None:
    """The records of a file that is one JSON list of objects over one or many lines."""
    if not data.lstrip().startswith(b"["):
        return None
    try:
        records = json.loads(data)
    except (json.JSONDecodeError, RecursionError):
        return None
    if records and all(isinstance(record, dict) for record in records):
        return [(i + 1, record) for i, record in enumerate(records)]
    return None


def _lines(data: bytes, origin: str) -> list[tuple[int, Any]]:
    values = []
    for number, line in enumerate(data.replace(b"\r\n", b"\n").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            values.append((number, json.loads(line)))
        except (json.JSONDecodeError, RecursionError) as error:
            what = (
                f"{error.msg} at character {error.colno}"
                if isinstance(error, json.JSONDecodeError)
                else "too deep"
            )
            raise DataError(
                f"line {number} is not JSON: {what}",
                where=f"{origin}, row {len(values) + 1}",
                fix="Write one JSON object per line.",
            ) from None
    return values


def _called(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a text", type(None): "null"}.get(type(value), "a number")
