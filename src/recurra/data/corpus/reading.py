"""Files, folders, tables and strings to running text in three parts: training, validation, test."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl

from recurra.data.sources import Table, read
from recurra.data.sources.encodings import load, refuse_empty, to_utf8
from recurra.data.sources.table import listed
from recurra.errors import DataError, InputError

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)

_NAMES: dict[Part, set[str]] = {
    "train": {"train", "training"},
    "validation": {"valid", "validation", "val", "dev"},
    "test": {"test"},
}
_TABLES = {"csv", "tsv", "jsonl", "ndjson", "json", "parquet"}
_TEXTS = {"txt", "text", "md"}
_LONGEST_NAME = 255  # of a file, on the systems there are


@dataclass(frozen=True)
class Corpus:
    """Running text, in the order it is read in.

    Args:
        origin: the source's name, for messages.
        train, validation, test: the text of each part; lines end with one character. A part that was asked
            not to be is "".
        notes: plain sentences on what was found and decided, to be said aloud.
    """

    origin: str
    train: str
    validation: str
    test: str
    notes: tuple[str, ...] = field(default=())

    @property
    def whole(self) -> str:
        """All parts, one after the other."""
        return self.train + self.validation + self.test

    def part(self, name: Part) -> str:
        """The text of a part, by its name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]


def read_corpus(
    source: Any,
    *,
    validation: Any = None,
    test: Any = None,
    validation_share: float = 0.05,
    test_share: float = 0.05,
    text: str | None = None,
    encoding: str | None = None,
) -> Corpus:
    """Read running text, and cut off its end what is missing for validation and test.

    Args:
        source: the path of a text file, of a table (.csv, .tsv, .jsonl, .parquet, each also .gz) or of a folder
            of text files; `-` for standard input; the text itself, a str with a line break in it or longer than
            a name; a frame or dict of columns; or a list of texts. Texts of rows and files follow each other,
            each from a new line. Files of a folder that are named train, valid or test are those parts.
        validation, test: the same, of one part each.
        validation_share, test_share: of the characters, the last of the text, where that part is not given.
            Cuts are made between lines. 0 for no such part.
        text: the column of a table that holds the text.
        encoding: forces the encoding of files; otherwise a byte order mark, UTF-8, or detected.

    Raises:
        DataError: a source is missing, empty or binary, or a table has no plain column of texts.
        InputError: shares that leave nothing to train on.

    >>> corpus = read_corpus("one\\ntwo\\nthree\\nfour\\n", validation_share=0.25, test_share=0.25)
    >>> corpus.train, corpus.validation, corpus.test
    ('one\\ntwo\\n', 'three\\n', 'four\\n')
    """
    shares: dict[Part, float] = {"validation": validation_share, "test": test_share}
    if min(shares.values()) < 0 or sum(shares.values()) >= 1:
        raise InputError(
            f"expected shares of 0 or more that leave some text to train on, found {validation_share} and {test_share}",
            where="validation_share, test_share",
        )
    origin, found, notes = _read(source, text, encoding)
    asked: dict[Part, Any] = {"validation": validation, "test": test}
    for part, given in asked.items():
        if given is None:
            continue
        if part in found:
            raise InputError(
                f"{origin} holds a {part} part of its own",
                where=part,
                fix="Leave this out, or name one file.",
            )
        other, parts, more = _read(given, text, encoding)
        found[part] = "".join(parts.values())
        notes += [note if note.startswith(other) else f"{other}: {note}" for note in more]
    if "train" not in found:
        raise DataError(
            f"there is a part for {listed(list(found))}, but none to train on",
            where=origin,
            fix="Name a file train.txt, or give the parts one by one.",
        )
    whole = found["train"]
    missing: list[Part] = [part for part in reversed(PARTS) if part not in found]
    for part in missing:
        found["train"], found[part] = _cut(found["train"], round(shares[part] * len(whole)))
    kept = [f"{len(found[part]):,} for {part}" for part in reversed(missing) if found[part]]
    if kept:
        notes.append(f"of its {len(whole):,} characters the last are set aside: {', '.join(kept)}")
    if not found["train"].strip():
        raise DataError(
            f"{len(whole):,} characters are too few to be divided into parts",
            where=origin,
            fix="Give more text, or the parts as files of their own.",
        )
    return Corpus(origin, found["train"], found["validation"], found["test"], tuple(notes))


def is_text_itself(source: Any) -> bool:
    """Whether a source is text and no path: a str with a line break, with more letters than a name can have, or none.

    >>> is_text_itself("novel.txt"), is_text_itself("One line\\nand another"), is_text_itself("")
    (False, True, True)
    """
    if not isinstance(source, str) or source == "-":
        return False
    longest = max(map(len, source.replace("\\", "/").split("/")))
    return "\n" in source or longest > _LONGEST_NAME or not source.strip()


def recognise(data: Any, roles: dict[str, Any], encoding: str | None) -> str | None:
    """What is to be told of data that are running text, in a file or as they stand; None: they are not, or something is
    said of their columns.
    """
    if any(value not in (None, [], "") for value in roles.values()):
        return None
    if is_text_itself(data):
        return "no line of the text has a label: to be written on, as with --task generate"
    if isinstance(data, str | os.PathLike) and is_running_text(data, encoding):
        return f"no line of {data} has a label: to be written on, as with --task generate"
    return None


def is_running_text(source: str | os.PathLike[str], encoding: str | None = None) -> bool:
    """Whether a file is plain text: by its name (.txt, .text, .md, also .gz, or no ending), and as no line has a
    label or columns. Standard input (`-`) and folders are not looked into.

    Raises:
        DataError: the file cannot be read; see `recurra.data.sources.read`.
    """
    path = Path(source)
    if source == "-" or path.is_dir() or ("." in path.name and _ending(path) not in _TEXTS):
        return False
    return read(path, encoding=encoding).task == "generate"


def _read(source: Any, column: str | None, encoding: str | None) -> tuple[str, dict[Part, str], list[str]]:
    """Name, the text of each part that the source tells apart (train: all, where it tells none), notes."""
    if is_text_itself(source):
        source = source.encode("utf-8", "replace").decode().removeprefix("\ufeff")
        return _one("the text given", [source], [])
    if not isinstance(source, str | os.PathLike):
        return _from_table(read(source), column)
    if source != "-" and Path(source).is_dir():
        return _from_folder(Path(source), encoding)
    path = None if source == "-" else Path(source)
    if path and _ending(path) in _TABLES:
        return _from_table(read(path, encoding=encoding), column)
    origin = path.name if path else "standard input"
    content, notes = _content(path, origin, encoding)
    return _one(origin, [content], notes)


def _ending(path: Path) -> str:
    return path.name.lower().removesuffix(".gz").rpartition(".")[2]


def _content(path: Path | None, origin: str, encoding: str | None) -> tuple[str, list[str]]:
    data, notes = to_utf8(load(path, origin), origin, encoding)
    refuse_empty(data, origin)
    return data.decode(), [*notes]


def _one(origin: str, texts: list[str], notes: list[str]) -> tuple[str, dict[Part, str], list[str]]:
    text, more = _lines(texts)
    if not text.strip():
        raise DataError("there is no text", where=origin, fix="Give text that holds more than blanks.")
    return origin, {"train": text}, notes + more


def _lines(texts: list[str]) -> tuple[str, list[str]]:
    """The texts one after the other, each ending with its line; Windows and old Mac line ends as one character."""
    notes = []
    joined = "".join(text if text.endswith(("\n", "\r")) else f"{text}\n" for text in texts if text.strip())
    if "\r" in joined:
        notes.append("line ends of Windows or old Macs became plain ones")
        joined = joined.replace("\r\n", "\n").replace("\r", "\n")
    return joined, notes


def _from_table(table: Table, column: str | None) -> tuple[str, dict[Part, str], list[str]]:
    name = column or _text_column(table)
    values = table.column(name, "text")
    if values.dtype != pl.String:
        raise DataError(
            f"expected a column of texts, found {values.dtype} in {name!r}",
            where=table.origin,
            fix=f"The columns are: {listed(table.frame.columns)}.",
        )
    texts = values.drop_nulls().to_list()
    notes = [*table.notes, f"{len(texts):,} texts of the column {name!r}, one after the other"]
    return _one(table.origin, texts, notes)


def _text_column(table: Table) -> str:
    if "text" in table.roles:
        return table.roles["text"]
    strings = [name for name, dtype in table.frame.schema.items() if dtype == pl.String]
    if len(strings) > 1 and "text" in strings:
        return "text"
    if len(strings) != 1:
        raise DataError(
            f"expected one column of texts, found {len(strings)}",
            where=table.origin,
            fix=f"Name the one to read; the columns are: {listed(table.frame.columns)}.",
        )
    return strings[0]


def _from_folder(path: Path, encoding: str | None) -> tuple[str, dict[Part, str], list[str]]:
    """Every .txt file below, or, if there is none, every file; in the order of their names."""
    origin = path.name or str(path)
    files = sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    files = [f for f in files if f.name.lower().removesuffix(".gz").endswith((".txt", ".text"))] or files
    if not files:
        raise DataError("the folder holds no files", where=origin, fix="Put text files into it.")
    read_files, notes = [], []
    for file in files:
        name = f"{origin}/{file.relative_to(path)}"
        content, said = _content(file, name, encoding)
        read_files.append((file, content))
        notes += [f"{name}: {note}" for note in said]
    parts = [_part_of(file.relative_to(path)) for file, _ in read_files]
    if None in parts or len({*parts}) == 1:
        if len(files) > 1:
            notes.append(f"{len(files)} files, one after the other: {listed([f.name for f in files])}")
        return _one(origin, [content for _, content in read_files], notes)
    found: dict[Part, str] = {}
    for part in PARTS:
        chosen = [k for k, name in enumerate(parts) if name == part]
        if chosen:
            found[part], more = _lines([read_files[k][1] for k in chosen])
            notes += more
            notes.append(f"{part}: {listed([files[k].name for k in chosen])}")
    return origin, found, list(dict.fromkeys(notes))


def _part_of(path: Path) -> Part | None:
    """The part that a path names, if it names one."""
    words = {*re.findall(r"[a-z]+", str(path).lower())}
    named: list[Part] = [part for part, names in _NAMES.items() if words & names]
    return named[0] if len(named) == 1 else None


def _cut(text: str, characters: int) -> tuple[str, str]:
    """`text` in two, about so many characters in the second: between lines, else words, else anywhere.

    >>> _cut("one two\\nthree\\n", 5), _cut("one two three", 5)
    (('one two\\n', 'three\\n'), ('one two ', 'three'))
    """
    if not characters:
        return text, ""
    at = max(len(text) - characters, 0)
    for mark in ("\n", " "):
        border = text.rfind(mark, max(at - characters // 2, 0), at) + 1
        if border:
            return text[:border], text[border:]
    return text[:at], text[at:]
