"""A folder of recordings with their texts, as a table."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import polars as pl

from recurra.data.audio.files import is_sound
from recurra.data.schema.names import Part, part_in
from recurra.data.sources.encodings import load, to_utf8
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError

_TABLES = (".csv", ".tsv", ".jsonl", ".parquet")
_LIBRISPEECH = ".trans.txt"
_SHAPE = (
    "Put into it a table with the columns file and text (CSV, TSV, JSONL), or a .txt beside each recording, "
    "or lines `NAME TEXT` in a NAME.trans.txt, as LibriSpeech has them."
)


def recognise(data: Any, roles: dict[str, Any], encoding: str | None) -> str | None:
    """Why data of which no task is named are recordings to be written down; None where they are not.

    >>> recognise("reviews.csv", {}, None) is None
    True
    """
    if not isinstance(data, str | os.PathLike) or not Path(data).is_dir():
        return None
    folder = Path(data)
    sound = any(is_sound(path.name) for path in folder.rglob("*") if path.is_file())
    return f"{folder} holds recordings: to be written down, as with --task transcribe" if sound else None


def sound_in(folder: Path) -> list[Path]:
    """The recordings in a folder and its sub-folders, in the order of their names; hidden ones are passed over."""
    return sorted(
        path
        for path in folder.rglob("*")
        if is_sound(path.name) and path.is_file() and not _hidden(path, folder)
    )


def table_in(folder: Path) -> Path | None:
    """The one table that lies in the folder itself; None where there is none.

    Raises:
        DataError: several do.
    """
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in _TABLES and not p.name.startswith("."))
    if len(found) > 1:
        raise DataError(
            f"several tables lie in this folder: {listed([p.name for p in found])}",
            where=str(folder),
            fix="Give the one with the texts itself, or leave one alone in the folder.",
        )
    return found[0] if found else None


def read_sound_folder(folder: Path, *, need_texts: bool = True, encoding: str | None = None) -> Table:
    """A row for each recording: columns `file` (relative to the folder), `text`, `folder`, and `part` where
    folders are named train, validation, test, or begin so (train-clean-5); of a recording in none of them it is null.

    Texts are those of `*.trans.txt` (a line: the recording's name without ending, a blank, the text), else of a .txt of
    the same name beside the recording. A recording without a text has none in its row.

    Raises:
        DataError: no recordings, or no text for any of them.
    """
    files = sound_in(folder)
    if not files:
        raise DataError("there is no WAV or FLAC file in this folder", where=str(folder), fix=_SHAPE)
    told, notes = _told_in_lists(folder, files, encoding)
    kind = (
        f"texts are those of {len(told):,} lines in files *{_LIBRISPEECH}" if told else "a .txt beside each"
    )
    texts = [told.get(path.with_suffix("")) or _beside(path, encoding) for path in files]
    if need_texts and not any(texts):
        raise DataError(
            f"there are {len(files):,} recordings, and a text for none of them",
            where=str(folder),
            fix=_of_words(folder, files) or _SHAPE,
        )
    names = [path.relative_to(folder) for path in files]
    frame = pl.DataFrame(
        {"file": list(map(str, names)), "text": texts, "folder": [str(name.parent) for name in names]},
        schema={"file": pl.String, "text": pl.String, "folder": pl.String},
    )
    roles = {"target": "text"}
    parts = [part_in(name) for name in names]
    counts = Counter(part for part in parts if part is not None)
    if "train" in counts and (len(counts) > 1 or None not in parts):
        frame = frame.with_columns(part=pl.Series(parts, dtype=pl.String))
        roles["split"] = "part"
        shared = ", ".join(f"{counts[part]:,} {part}" for part in get_args(Part) if part in counts)
        if need_texts:
            notes.append(f"its own parts are kept, by the names of folders: {shared}")
    without = sum(text is None for text in texts)
    said = [kind] if need_texts and without < len(texts) else []
    return Table(frame, str(folder), "folder of recordings", (*said, *notes), roles)


def _of_words(folder: Path, files: list[Path]) -> str | None:
    """What to do where the sub-folders may be called as what is said in their recordings; None where they are not
    several, or hold hardly more than a recording each.
    """
    words = {path.parent.name for path in files}
    if folder in (path.parent for path in files) or not 2 <= len(words) <= len(files) / 2:
        return None
    first = files[0]
    return (
        f"If the names of the sub-folders ({listed(sorted(words), 3)}) are what is said in them, put a table into "
        f"{folder}, texts.csv: the line file,text and one like {first.relative_to(folder)},{first.parent.name} for "
        f"each recording. Else: {_SHAPE[:1].lower()}{_SHAPE[1:]}"
    )


def _told_in_lists(
    folder: Path, files: list[Path], encoding: str | None
) -> tuple[dict[Path, str], list[str]]:
    """Recording without its ending -> text, of all lists; and notes.

    Raises:
        DataError: a line without a text.
    """
    told: dict[Path, str] = {}
    for path in sorted(folder.rglob(f"*{_LIBRISPEECH}")):
        content, _ = to_utf8(load(path, path.name, empty=True), path.name, encoding)
        for number, line in enumerate(content.decode().split("\n"), 1):
            if not line.strip():
                continue
            name, _, text = line.strip().partition(" ")
            if not text.strip():
                raise DataError(
                    f"the line holds no text: {line.strip()!r:.60}",
                    where=f"{path}, line {number}",
                    fix="Write the recording's name, a blank, and the text.",
                )
            told[path.parent / name] = text.strip()
    there = {path.with_suffix("") for path in files}
    absent = [str(path.relative_to(folder)) for path in told if path not in there]
    return told, [f"no recording for {len(absent):,} of the texts: {listed(absent)}"] if absent else []


def _beside(path: Path, encoding: str | None) -> str | None:
    """The text of the .txt beside a recording; None where there is none, or nothing in it."""
    text = path.with_suffix(".txt")
    if not text.is_file():
        return None
    content, _ = to_utf8(load(text, text.name, empty=True), text.name, encoding)
    return content.decode().strip() or None


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
