"""From a path, `-`, or a Python object to a table: which reader it takes."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from recurra.data.images.files import is_image
from recurra.data.sources.columns import is_number
from recurra.data.sources.delimited import read_delimited, separator_of
from recurra.data.sources.encodings import load, refuse_empty, to_utf8
from recurra.data.sources.folder import read_folder
from recurra.data.sources.idx import is_idx, read_idx
from recurra.data.sources.images import read_image_file
from recurra.data.sources.jsonl import read_jsonl
from recurra.data.sources.lines import read_lines
from recurra.data.sources.memory import read_object
from recurra.data.sources.parquet import MAGIC, read_parquet
from recurra.data.sources.table import Table
from recurra.data.sources.ts import read_ts

_SNIFFED = 200


def read(source: Any, *, encoding: str | None = None) -> Table:
    """The table in a file, a folder, standard input (`-`) or a Python object.

    The ending of the name decides (.csv, .tsv, .jsonl, .ndjson, .json, .parquet, .ts, MNIST's idx3-ubyte, each also
    .gz; of an image .png, .jpg and others that pillow knows); other names, .txt and standard input are told by their
    content. Every decision that could be wrong is one of the table's `notes`.

    Args:
        source: a str or path, or what `read_object` takes.
        encoding: forces the encoding of text; otherwise a byte order mark, UTF-8, or detected.

    Raises:
        DataError: the source is missing, empty, broken, binary or of no known form; where, and what to do.

    >>> read({"text": ["good", "bad"], "label": [1, 0]}).frame.height
    2
    """
    if not isinstance(source, str | os.PathLike):
        return read_object(source)
    if source == "-":
        return read_content(load(None, "standard input"), "standard input", "", encoding)
    path = Path(source)
    if path.is_dir():
        return read_folder(path, encoding)
    if is_idx(path):
        return read_idx(path)
    if is_image(path.name):
        return read_image_file(path)
    data = load(path, path.name)
    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    return replace(read_content(data, path.name, kind, encoding), folder=path.parent)


def read_content(data: bytes, origin: str, kind: str = "", encoding: str | None = None) -> Table:
    """The table in the bytes of a file.

    Args:
        origin: its name, for messages.
        kind: the ending of its name; where that says nothing, the content is looked at.
    """
    if data[:4] == MAGIC or kind == "parquet":
        return read_parquet(data, origin)
    data, notes = to_utf8(data, origin, encoding)
    refuse_empty(data, origin)  # a byte order mark may have been all there was
    if kind not in ("csv", "tsv", "jsonl", "ndjson", "json", "ts"):
        kind = _sniff(data)
    if kind == "ts":
        table = read_ts(data, origin)
    elif kind in ("jsonl", "ndjson", "json"):
        table = read_jsonl(data, origin)
    elif kind == "numbers":
        # Columns of numbers with blanks between them.
        table = read_delimited(
            re.sub(rb"(?m)^ | (?=\r?$)", b"", re.sub(rb"[ \t]+", b" ", data)), origin, "numbers", " "
        )
    elif kind == "lines":
        table = read_lines(data, origin)
    else:
        table = read_delimited(data, origin, kind)
    return table.noting(*notes)


def _sniff(data: bytes) -> str:
    """The form of a text file by its first lines."""
    end = data.find(b"\n", 1 << 15)
    head = [
        line
        for line in re.split(r"\r\n|\r|\n", data[: end if end > 0 else None].decode("utf-8"))
        if line.strip()
    ][:_SNIFFED]
    if head[0].startswith(("#", "@")) and any(line.lower().startswith("@data") for line in head):
        return "ts"
    if re.match(r'[\[{]\s*["\[{\]}\d-]', head[0]):
        return "jsonl"
    cells = [line.split() for line in head]
    if len(cells[0]) >= 3 and all(len(row) == len(cells[0]) and all(map(is_number, row)) for row in cells):
        return "numbers"
    separator = separator_of(data)
    if separator is None or len(head) < 2 or (separator != "\t" and _prose(head, separator)):
        return "lines"
    return "tsv" if separator == "\t" else "csv"


def _prose(head: list[str], separator: str) -> bool:
    """In texts a comma is followed by a blank, in tables only where numbers are aligned."""
    followed = sum(line.count(separator + " ") for line in head)
    if 2 * followed < sum(line.count(separator) for line in head):
        return False
    return not all(is_number(cell) for line in head[1:] for cell in line.split(separator))
