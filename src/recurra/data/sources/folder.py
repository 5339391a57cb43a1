"""A folder with one sub-folder per class: of text files, or of CSV files that hold one sequence each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from recurra.data.sources.delimited import read_delimited
from recurra.data.sources.encodings import load, to_utf8
from recurra.data.sources.table import Table, listed
from recurra.errors import DataError

PARTS = {"train", "training", "valid", "validation", "val", "dev", "test"}
_SHAPE = "Put a sub-folder for each class into it, with the files of that class (text, or CSV of numbers)."


def read_folder(path: Path, encoding: str | None = None) -> Table:
    """A row per file: its class by the sub-folder it lies in, and its content.

    Text files give columns `text`, `label`, `file`; CSV files of numbers give a List column per CSV column, a
    step per line. If the sub-folders are named train, valid or test and hold the folders of the classes, the
    column `part` keeps that. Files and folders whose names begin with a point are passed over.

    Raises:
        DataError: no sub-folders, files beside them, an empty class, texts and numbers mixed.
    """
    origin = path.name or str(path)
    parts = _folders(path)
    if parts and {part.name.lower() for part in parts} <= PARTS:
        split = {part.name: _folders(part) for part in parts}
        if not all(split.values()):
            split = {"": parts}
    else:
        split = {"": parts}
    if not parts:
        raise DataError("this folder has no sub-folders", where=origin, fix=_SHAPE)
    found = [
        (part, folder.name, file)
        for part, classes in split.items()
        for folder in classes
        for file in _files(folder)
    ]
    if not found:
        raise DataError("the sub-folders hold no files", where=origin, fix=_SHAPE)
    empty = [folder.name for classes in split.values() for folder in classes if not _files(folder)]
    notes = [f"empty sub-folders: {listed(empty)}"] if empty else []
    endings = {file.name.lower().removesuffix(".gz").rsplit(".", 1)[-1] for _, _, file in found}
    numeric = endings <= {"csv", "tsv"}
    if not numeric and endings & {"csv", "tsv"}:
        raise DataError(f"files of different kinds ({listed(sorted(endings))})", where=origin, fix=_SHAPE)
    reader: Callable[[Path, str], dict[str, object]] = _sequence if numeric else _text
    contents = [reader(file, f"{origin}/{file.relative_to(path)}") for _, _, file in found]
    _same_columns(contents, [str(file.relative_to(path)) for _, _, file in found], origin)
    frame = pl.from_dicts(contents, infer_schema_length=None).with_columns(  # type: ignore[arg-type]
        label=pl.Series([label for _, label, _ in found]),
        file=pl.Series([str(f.relative_to(path)) for *_, f in found]),
    )
    roles = {"target": "label"} if numeric else {"text": "text", "target": "label"}
    if "" not in split:
        frame = frame.with_columns(part=pl.Series([part for part, _, _ in found]))
        roles["split"] = "part"
    return Table(frame, origin, "folder", tuple(notes), roles, task="classify")


def _folders(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))


def _files(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))


def _text(path: Path, origin: str) -> dict[str, object]:
    data = path.read_bytes()
    return {"text": to_utf8(load(path, origin), origin)[0].decode() if data.strip() else ""}


def _sequence(path: Path, origin: str) -> dict[str, object]:
    frame = read_delimited(to_utf8(load(path, origin), origin)[0], origin).frame
    return {name: frame[name].to_list() for name in frame.columns}


def _same_columns(contents: list[dict[str, object]], files: list[str], origin: str) -> None:
    wanted = list(contents[0])
    for content, file in zip(contents, files, strict=True):
        if list(content) != wanted:
            raise DataError(
                f"its columns are {listed(list(content))}, but the first file has {listed(wanted)}",
                where=f"{origin}/{file}",
                fix="Give every file the same columns.",
            )
