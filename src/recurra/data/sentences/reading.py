"""From a source to sentences: which reader it takes, and whether it holds tagged words at all."""

from __future__ import annotations

import gzip
import json
import os
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from recurra.data.sentences.definition import SentenceOptions, SentenceSchema
from recurra.data.sentences.document import Document, columns_document, conllu_document
from recurra.data.sentences.lines import is_conllu
from recurra.data.sentences.tables import column_of_words, has_words_and_tags, table_document
from recurra.data.sources import read
from recurra.data.sources.columns import is_number
from recurra.data.sources.delimited import SEPARATORS
from recurra.data.sources.encodings import load, refuse_empty, to_utf8
from recurra.data.sources.reading import read_content
from recurra.data.sources.table import Table
from recurra.errors import DataError

_RECORDS = {"csv", "jsonl", "ndjson", "json", "parquet"}
_COLUMNS = {"conll", "iob", "iob1", "iob2", "bio", "bioes", "bilou"}
_OTHERS = {
    "ts",
    "arff",
    "xml",
    "html",
    "md",
    "py",
    "png",
    "jpg",
    "jpeg",
    "wav",
    "flac",
    "mid",
    "midi",
    "zip",
    "npz",
}
_JSON = re.compile(r'\s*(\{\s*"|\[\s*[{["])')
_HEAD = 1 << 16
_REGULAR = 0.98  # of the lines of a file of columns have the same number of fields
_MOST_COLUMNS = 20

Reader = Literal["columns", "conllu", "records"]


def read_document(
    source: Any,
    options: SentenceOptions | None = None,
    *,
    schema: SentenceSchema | None = None,
    answers: Iterable[str] | None = None,
    encoding: str | None = None,
) -> Document:
    """The sentences of a file or a frame.

    Args:
        source: a path, "-" for standard input, or what `recurra.data.sources.read` takes.
        options: what a person says of it.
        schema: what the training data were found to be: data of the same form are read by the same columns, others by
            what they are.
        answers: of data to be tagged, the tags that they may get: what else stands in a column is kept. None: they
            have tags.

    Raises:
        DataError: it cannot be read so; what is wrong, where, and what to do.
        InputError: there is no such column.

    >>> frame = {"sentence": [1, 1, 2], "word": ["a", "dog", "barks"], "tag": ["DET", "NOUN", "VERB"]}
    >>> read_document(frame).sentences.words_of(0)
    ['a', 'dog']
    """
    able = None if answers is None else frozenset(answers)
    if not isinstance(source, str | os.PathLike):
        table = read(source)
        return table_document(table, _as_before(options, schema, "records", table), answers=able)
    path = None if source == "-" else Path(source)
    if path is not None and path.is_dir():
        raise DataError("this is a folder, a file of tagged words was expected", where=path.name)
    origin, ending = ("standard input", "") if path is None else (path.name, _ending(path))
    data = load(path, origin)
    if ending == "parquet":
        form: Reader = "records"
        text, notes, content = "", [], None
    else:
        content, notes = to_utf8(data, origin, encoding)
        refuse_empty(content, origin)
        text = content.decode()
        form = _form(ending, text) or "columns"
    if form == "records":
        table = read_content(data, origin, ending, encoding)
        options = _as_before(options, schema, form, table)
        return table_document(table, options, answers=able, raw=content)
    options = _as_before(options, schema, form)
    make = conllu_document if form == "conllu" else columns_document
    found = make(text, origin, options, answers=able)
    return Document(found.sentences, found.schema, found.rewritten, (*notes, *found.notes))


def recognise(data: Any, roles: dict[str, Any], encoding: str | None) -> str | None:
    """What is to be told of data that hold words with their tags; None: they do not, or what is said of their columns
    means something else.
    """
    said = {name: value for name, value in roles.items() if value not in (None, [], "")}
    if said.keys() - {"text", "target", "id", "features"}:
        return None
    text, target = said.get("text"), said.get("target")
    if any(isinstance(each, str) and each.isdecimal() for each in (text, target)) and _may_be_columns(data):
        return f"{data} has columns with numbers: words to be tagged, as with --task tag"
    if not holds_tagged_words(data, encoding, text=text):
        target = target[0] if isinstance(target, list) else target
        if text is None or not _named_column_holds_words(data, text, target, said.get("id"), encoding):
            return None
    name = data if isinstance(data, str | os.PathLike) else "the table"
    return f"{name} holds words with their tags: to be tagged, as with --task tag"


def _may_be_columns(source: Any) -> bool:
    """Whether a source is a text whose columns have no names: of those nobody says column 1 and column 2."""
    if not isinstance(source, str | os.PathLike) or "\n" in str(source):
        return False
    return str(source) == "-" or (
        Path(source).is_file() and _ending(Path(source)) not in _RECORDS | _OTHERS | {"tsv"}
    )


def holds_tagged_words(source: Any, encoding: str | None = None, *, text: str | None = None) -> bool:
    """Whether a source looks like words with their tags, by its name or the beginning of its content.

    False also of what cannot be read: the reader that is then taken says why.

    Args:
        text: the column that is said to hold texts: of a table one with a word in each row, or a list of them.

    >>> holds_tagged_words([{"tokens": ["a", "b"], "tags": ["X", "Y"]}]), holds_tagged_words({"load": [1.0]})
    (True, False)
    """
    if isinstance(source, str | os.PathLike):
        return _file_holds_tagged_words(source, encoding, text)
    if isinstance(source, list) and source and isinstance(source[0], dict):
        return _record_of_lists(source[0]) or has_words_and_tags([*map(str, source[0])], text)
    names = list(source) if isinstance(source, Mapping) else list(getattr(source, "columns", ()))
    return has_words_and_tags([str(name) for name in names], text)


def _file_holds_tagged_words(source: str | os.PathLike[str], encoding: str | None, text: str | None) -> bool:
    path = Path(source)
    if str(source) == "-":
        waiting = _waiting()
        return bool(waiting) and _form("", waiting) in ("columns", "conllu")
    if "\n" in str(source) or not path.is_file():
        return False
    ending = _ending(path)
    if ending == "parquet":
        import polars as pl

        try:
            return has_words_and_tags([*pl.read_parquet_schema(path)], text)
        except (pl.exceptions.PolarsError, OSError):
            return False
    try:
        head = to_utf8(_head(path), path.name, encoding)[0].decode()
    except (OSError, EOFError, zlib.error, DataError):
        return False
    form = _form(ending, head)
    return form in ("columns", "conllu") or (form == "records" and _head_is_words_and_tags(head, text))


def _named_column_holds_words(
    source: Any, text: str, target: str | None, id: str | None, encoding: str | None
) -> bool:
    """Whether a table has words in a column of any name; of a file its beginning tells."""
    try:
        if not isinstance(source, str | os.PathLike):
            return source is not None and column_of_words(read(source), text, target, id)
        path = Path(source)
        if not path.is_file() or _ending(path) not in _RECORDS - {"parquet"} | {"tsv"}:
            return False
        return column_of_words(
            read_content(_head(path), path.name, _ending(path), encoding), text, target, id
        )
    except (OSError, EOFError, zlib.error, DataError):
        return False


def _as_before(
    options: SentenceOptions | None, schema: SentenceSchema | None, form: Reader, table: Table | None = None
) -> SentenceOptions:
    """The columns that were found in training, where these data are of the same form: of a table, where it has the one
    with the words. A row for each word and a record for each sentence name it differently, and lists in memory do not.
    """
    if options is not None or schema is None:
        return options or SentenceOptions()
    if form != {"lists": "records", "table": "records"}.get(schema.form, schema.form):
        return SentenceOptions()
    if table is not None and schema.text not in table.frame.columns:
        return SentenceOptions()
    return SentenceOptions(text=schema.text, target=schema.target, id=schema.id, features=schema.features)


def _ending(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return name.rpartition(".")[2] if "." in name else ""


def _form(ending: str, text: str) -> Reader | None:
    """What a text is, by the name of its file, else by itself; None where neither tells."""
    if ending == "conllu":
        return "conllu"
    if ending in _RECORDS:
        return "records"
    if ending in _OTHERS:
        return None
    lines = text[: text.rfind("\n", 0, _HEAD) + 1 or None][:_HEAD].splitlines()
    if is_conllu(lines):
        return "conllu"
    if ending in _COLUMNS:
        return "columns"
    if _JSON.match(text):
        return "records"
    if _are_columns(lines):
        return "columns"
    return "records" if _head_is_words_and_tags(text, None) else None


def _are_columns(lines: list[str]) -> bool:
    """Whether lines have nearly always as many fields, not all of them numbers, in groups between blank lines."""
    blank = [k for k, line in enumerate(lines) if not line.strip()]
    rows = [line.split("\t" if "\t" in line else None) for line in lines if line.strip()]
    rows = [row for row in rows if not row[0].startswith(("#", "-DOCSTART-"))]
    if len(rows) < 2 or not blank or not any(line.strip() for line in lines[blank[0] :]):
        return False
    width, count = Counter(map(len, rows)).most_common(1)[0]
    regular = 2 <= width <= _MOST_COLUMNS and count >= _REGULAR * len(rows)
    return regular and not all(is_number(cell) for row in rows[:50] for cell in row)


def _head_is_words_and_tags(text: str, words: str | None) -> bool:
    """Whether the first record has a list of words and one of tags, or the first line names such columns."""
    first = text.lstrip().split("\n", 1)[0]
    if first.startswith("{"):
        try:
            return _record_of_lists(json.loads(first))
        except (json.JSONDecodeError, RecursionError):
            return False
    return any(has_words_and_tags([c.strip('"') for c in first.split(mark)], words) for mark in SEPARATORS)


def _record_of_lists(record: Any) -> bool:
    """Whether a record has a list of texts, and another list that is as long."""
    lists = [value for value in record.values() if isinstance(value, list) and value]
    texts = [value for value in lists if all(isinstance(each, str) for each in value)]
    return any(len(one) == len(other) for one in texts for other in lists if one is not other)


def _waiting() -> str | None:
    """The first whole lines that wait in standard input, and stay there; None where that cannot be told."""
    peek = getattr(getattr(sys.stdin, "buffer", None), "peek", None)
    try:
        data = b"" if peek is None else peek(_HEAD)
        return to_utf8(data[: data.rfind(b"\n") + 1] or data, "standard input")[0].decode()
    except (OSError, DataError):
        return None


def _head(path: Path) -> bytes:
    """The beginning of a file, whole lines of it, unpacked."""
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        data = gzip.GzipFile(fileobj=stream).read(_HEAD) if packed else stream.read(_HEAD)
    return data[: data.rfind(b"\n") + 1] if len(data) == _HEAD and b"\n" in data else data
