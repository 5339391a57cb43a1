"""From a table or two aligned files to pairs of texts: which is the source, which pairs cannot be used."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recurra.data.examples import Examples
from recurra.data.parallel.definition import PairOptions, PairSchema
from recurra.data.parallel.files import check_aligned, partner, read_lines
from recurra.data.schema import names
from recurra.data.schema.unusable import Unusable
from recurra.data.sources import Table, read
from recurra.data.sources.table import listed
from recurra.errors import DataError, InputError

SOURCE, TARGET = "source", "target"
_TABLES = ("csv", "tsv", "jsonl", "ndjson", "json", "parquet")
_MARKS = tuple(".!?…。！？¡¿।")
_LONG_NAME, _MANY_WORDS = 40, 4
_TEST = "test"
_NUMBERED = ["column_1", "column_2"]  # of a table whose first line is plainly no header


@dataclass(frozen=True)
class ReadPairs:
    """Pairs as they stand in the data, those that cannot be used left out.

    Args:
        examples: texts are the sources, targets their targets.
        schema: where they stand.
        origin: the source's name, for messages.
        notes: plain sentences on what was found and decided, to be said aloud.
        doubts: what a person should look at, as sentences.
    """

    examples: Examples
    schema: PairSchema
    origin: str
    notes: tuple[str, ...]
    doubts: tuple[str, ...] = ()


def read_pairs(source: Any, options: PairOptions, *, encoding: str | None = None) -> ReadPairs:
    """Read pairs to learn from, and work out which text is which.

    Args:
        source: a table (a file or a Python object, see `recurra.data.sources.read`), or a file of sources, where
            `options.target` is the file of their targets.
        options: what a person says of it.

    Raises:
        DataError: nothing there, not two texts, files that are not aligned, or no pair that can be used.

    >>> pairs = read_pairs({"en": ["a dog", "", "a dog"], "de": ["ein Hund", "nichts", "ein Hund"]}, PairOptions())
    >>> pairs.examples.texts.tolist(), pairs.schema.target, pairs.notes[-1]
    (['a dog'], 'de', '1 row is not used, the same pair as one before: row 3')
    """
    if _is_file_of_targets(source, options.target):
        assert options.target is not None
        if options.text is not None or options.split is not None:
            raise InputError(
                "two aligned files have no columns",
                where="--text" if options.text is not None else "--split",
                fix="Leave it out, or give a table.",
            )
        schema = PairSchema(layout="files", text=Path(source).name, target=Path(options.target).name)
        return _from_files(str(source), options.target, schema, encoding)
    return _from_table(*_table(source, options, encoding))


def read_again(source: Any, schema: PairSchema, *, encoding: str | None = None) -> ReadPairs:
    """Read other pairs to be scored on: a table with the same columns, or a file beside that of its targets, whichever
    was learned from. Of the columns en and de, test.en goes with test.de. Pairs that come again are scored again.

    Args:
        schema: of the data that were learned from.

    Raises:
        DataError, InputError: as `read_pairs`; or the file of targets cannot be found by its name.
    """
    if isinstance(source, str | os.PathLike) and not _is_table(source):
        try:
            target = _there(partner(str(source), schema.text, schema.target))
        except (DataError, InputError):
            if schema.layout == "files":
                raise
        else:
            return _from_files(str(source), target, schema, encoding, once=False)
    after_files = schema.layout == "files"
    if after_files or not schema.header:
        asked = PairOptions(text=SOURCE, target=TARGET)
    else:
        asked = PairOptions(text=schema.text, target=schema.target)
    found = _table(source, asked, encoding, header=schema.header, after_files=after_files)
    return _from_table(*found, once=False)


def read_sources(
    source: Any, schema: PairSchema, *, encoding: str | None = None
) -> tuple[list[str], list[str]]:
    """Texts to be answered, in order, empty ones too, and what was decided to read them.

    Args:
        source: a table with the column of sources; a text file or standard input (`-`) with one in each line; a list
            of texts.

    Raises:
        DataError: there is no such column, or nothing at all.
    """
    if isinstance(source, list | tuple | np.ndarray | pl.Series) and all(
        isinstance(each, str) for each in source
    ):
        return [str(each) for each in source], []
    if isinstance(source, str | os.PathLike) and not _is_table(source):
        standard = source == "-"
        path = None if standard else Path(source)
        return read_lines(path, "standard input" if standard else Path(source).name, encoding)
    table, notes = read(source, encoding=encoding), []
    strings = _strings(table)
    name = schema.text if schema.layout == "columns" else SOURCE
    if name not in table.frame.columns and len(strings) == 1:
        name = strings[0]
        notes.append(f"the column {name!r} is read, the only one of texts")
    if not schema.header and len(strings) == 2 and name not in strings:
        table, _ = _without_header(table, strings)
    first = [] if _names_sources(table, name, schema) else [name]
    if first:
        notes = ["no header line, for it is a text itself"]
    if name not in table.frame.columns:
        _refuse_missing(table, name, "text", after_files=schema.layout == "files")
    values = table.as_written([name]).column(name, "text").cast(pl.String).fill_null("")
    return [*first, *values.to_list()], [*table.notes, *notes]


def _names_sources(table: Table, name: str, schema: PairSchema) -> bool:
    """Whether what was taken for the name of the only column of a table is one, and not the first text."""
    if table.format not in ("csv", "tsv") or len(table.frame.columns) > 1 or name in (schema.text, SOURCE):
        return True
    return schema.header and not _is_sentence(name)


def _is_table(source: str | os.PathLike[str]) -> bool:
    return Path(source).name.lower().removesuffix(".gz").rpartition(".")[2] in _TABLES


def _is_file_of_targets(source: Any, target: str | None) -> bool:
    """Whether a target is a file beside that of the sources, and no column."""
    if target is None or not isinstance(source, str | os.PathLike):
        return False
    if str(source) == "-" or _is_table(source) or Path(source).is_dir():
        return False
    if Path(target).is_file():
        return True
    if any(mark in target for mark in (os.sep, ".")):
        raise DataError(
            "there is no such file, and a text file has no columns",
            where=target,
            fix=f"Give the file whose lines are the targets of the lines of {Path(source).name}.",
        )
    return False


def _there(path: str) -> str:
    """The file, packed or not."""
    for each in (path, f"{path}.gz", path.removesuffix(".gz")):
        if Path(each).is_file():
            return each
    raise DataError(
        "there is no such file; by its name the targets would stand in it",
        where=path,
        fix="Give a file with its targets beside it, or a table whose columns are called source and target.",
    )


def _from_files(
    source: str, target: str, schema: PairSchema, encoding: str | None, *, once: bool = True
) -> ReadPairs:
    files = [Path(path).name for path in (source, target)]
    notes = [f"line n of {files[1]} is the target of line n of {files[0]}"]
    sides = []
    for path, name in zip((source, target), files, strict=True):
        lines, said = read_lines(Path(path), name, encoding)
        sides.append(lines)
        notes += [f"{name}: {note}" for note in said]
    ours, theirs = sides
    if len(ours) != len(theirs):  # blank lines at the end of one are no difference
        ours, theirs = _stripped(ours), _stripped(theirs)
    doubts = check_aligned(ours, theirs, files[0], files[1])
    return _usable(ours, theirs, None, schema, files[0], notes, doubts, "line", once=once)


def _stripped(lines: list[str]) -> list[str]:
    last = next((k for k in range(len(lines), 0, -1) if lines[k - 1].strip()), 0)
    return lines[:last]


def _table(
    source: Any,
    options: PairOptions,
    encoding: str | None,
    *,
    header: bool = True,
    after_files: bool = False,
) -> tuple[Table, PairSchema, list[str]]:
    """The table, its columns, and what was decided about them.

    Args:
        header: whether its first line names the columns, as in training.
        after_files: whether training had aligned files, whose names no column has.
    """
    table, notes = read(source, encoding=encoding), []
    strings = _strings(table)
    unnamed = options.text is None and options.target is None
    if (unnamed and _is_pair(table, strings)) or (not header and len(strings) == 2):
        table, strings = _without_header(table, strings)
        header = False
        notes.append(
            "no header line, for it is a pair itself: the first column is the source, the second the target"
        )
    for name, role in ((options.text, "text"), (options.target, "target"), (options.split, "split")):
        if name is not None and name not in table.frame.columns:
            _refuse_missing(table, name, role, after_files=after_files)
    left = [name for name in strings if name not in (options.text, options.target, options.split)]
    text, target = options.text, options.target
    wanted = (text is None) + (target is None)
    if wanted and len(left) != wanted:
        if len(strings) < 2:
            raise DataError(
                f"expected two columns of texts, source and target, found {len(strings)}",
                where=table.origin,
                fix="Give a table with two, or two files whose lines are pairs: "
                "recurra fit train.en --task translate --target train.de.",
            )
        raise DataError(
            f"which of {len(left)} columns of texts is the {'source' if text is None else 'target'} cannot be told",
            where=table.origin,
            fix=f"Name both, --text SOURCE --target TARGET; the columns are: {listed(table.frame.columns)}.",
        )
    text = left.pop(0) if text is None else text
    target = left.pop(0) if target is None else target
    if text == target:
        raise InputError("source and target are the same column", where="--target", fix="Name another.")
    notes.append(f"source: {text!r}, target: {target!r}")
    schema = PairSchema(layout="columns", text=text, target=target, header=header, split=options.split)
    return table, schema, notes


def _refuse_missing(table: Table, name: str, role: str, *, after_files: bool = False) -> None:
    fix = table.choices(name)
    if after_files:
        fix = f"{fix} Call them {SOURCE} and {TARGET}: the run learned from two aligned files, which name no columns."
    elif len(table.frame.columns) == 1:
        fix = f"{fix} Two aligned files are given as recurra fit SOURCES --task translate --target TARGETS."
    raise DataError(f"there is no column {name!r} (asked for as {role})", where=table.origin, fix=fix)


def _strings(table: Table) -> list[str]:
    return [name for name, dtype in table.frame.schema.items() if dtype == pl.String]


def _is_pair(table: Table, strings: list[str]) -> bool:
    """Whether what was taken for the names of two columns is the first pair: a name is no sentence."""
    if table.format not in ("csv", "tsv") or len(strings) != 2 or len(table.frame.columns) != 2:
        return False
    if strings == _NUMBERED:
        return True
    return any(map(_is_sentence, strings))


def _is_sentence(name: str) -> bool:
    return name.rstrip().endswith(_MARKS) or len(name) > _LONG_NAME or len(name.split()) >= _MANY_WORDS


def _without_header(table: Table, strings: list[str]) -> tuple[Table, list[str]]:
    """The table with its first line as a record."""
    frame = table.frame.select(
        pl.col(name).alias(role) for name, role in zip(strings, (SOURCE, TARGET), strict=True)
    )
    if strings not in (_NUMBERED, [SOURCE, TARGET]):
        frame = pl.concat([pl.DataFrame([list(strings)], schema=[SOURCE, TARGET], orient="row"), frame])
    return Table(frame, table.origin, table.format, table.notes), [SOURCE, TARGET]


def _from_table(table: Table, schema: PairSchema, notes: list[str], *, once: bool = True) -> ReadPairs:
    columns: list[list[str]] = []
    table = table.as_written((schema.text, schema.target))
    for name, role in ((schema.text, "text"), (schema.target, "target")):
        values = table.column(name, role)
        if values.dtype.is_nested():
            raise DataError(
                f"expected a column of texts, found {values.dtype} in {name!r}",
                where=table.origin,
                fix=f"The columns are: {listed(table.frame.columns)}.",
            )
        columns.append(values.cast(pl.String).fill_null("").to_list())
    parts: list[str] | None = None
    if schema.split is not None:
        given = table.column(schema.split, "split").cast(pl.String).fill_null("").to_list()
        parts = [str(names.PARTS.get(each.strip().lower(), each)) for each in given]
    sources, targets = columns
    return _usable(
        sources, targets, parts, schema, table.origin, [*table.notes, *notes], [], "row", once=once
    )


def _usable(
    sources: list[str],
    targets: list[str],
    parts: list[str] | None,
    schema: PairSchema,
    origin: str,
    notes: list[str],
    doubts: list[str],
    unit: str,
    *,
    once: bool,
) -> ReadPairs:
    """Pairs of two texts without blanks at their ends.

    Args:
        once: whether each is to stand once in a part. The test part has them as often as its source has.
    """
    sources, targets = [text.strip() for text in sources], [text.strip() for text in targets]
    reasons: dict[str, list[int]] = {}
    seen: set[tuple[str, str, str | None]] = set()
    kept = []
    for n, (source, target) in enumerate(zip(sources, targets, strict=True)):
        empty = [side for side, text in ((SOURCE, source), (TARGET, target)) if not text]
        key = (source, target, None if parts is None else parts[n])
        if empty:
            reasons.setdefault(f"no {' and no '.join(empty)}", []).append(n + 1)
        elif once and key in seen and key[2] != _TEST:
            reasons.setdefault("the same pair as one before", []).append(n + 1)
        else:
            seen.add(key)
            kept.append(n)
    if not kept:
        raise DataError(
            f"none of its {len(sources):,} {unit}s is a pair of two texts",
            where=origin,
            fix="Look whether the columns or files are those that were meant.",
        )
    examples = Examples(
        texts=np.array([sources[n] for n in kept], dtype=object),
        sequences=None,
        targets=np.array([targets[n] for n in kept], dtype=object),
        rows=np.array(kept, dtype=np.int64) + 1,
        parts=None if parts is None else np.array([parts[n] for n in kept], dtype=object),
    )
    said = [f"{len(kept):,} pairs of texts", *Unusable(reasons).lines()]
    return ReadPairs(examples, schema, origin, (*notes, *said), tuple(doubts))
