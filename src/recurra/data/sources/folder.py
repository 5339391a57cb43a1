"""A folder with one sub-folder per class: of text files, CSV files that hold one sequence each, or images."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path

import polars as pl

from recurra.data.sources.columns import missing, number
from recurra.data.sources.delimited import Header, as_table, judge_header, read_records
from recurra.data.sources.encodings import load, refuse_empty, to_utf8
from recurra.data.sources.images import read_image_folder
from recurra.data.sources.table import Table, listed
from recurra.data.sources.tree import beside_parts, classes_by_part, files, folders
from recurra.errors import DataError

_SHAPE = (
    "Put a sub-folder for each class into it, with the files of that class (text, images, or CSV of numbers)."
)


def read_folder(path: Path, encoding: str | None = None) -> Table:
    """A row per file: its class by the sub-folder it lies in, and its content.

    Text files give columns `text`, `label`, `file`; CSV files of numbers give a List column per CSV column, a
    step per line, and have a header either all of them or none. If the sub-folders are named train, valid or
    test and hold the folders of the classes, the column `part` keeps that. Files and folders whose names begin
    with a point are passed over; what lies beside the sub-folders or the parts and sub-folders without files are
    not read, and a note says so. Of images see `read_image_folder`.

    Args:
        encoding: of all files; otherwise told for each as `to_utf8` does.

    Raises:
        DataError: no sub-folders, no files in them, texts and numbers mixed, other columns than in the first
            file, text in a column of numbers.
    """
    origin = path.name or str(path)
    images = read_image_folder(path)
    if images is not None:
        return images
    if not folders(path):
        raise DataError(
            "this folder has no sub-folders",
            where=origin,
            fix=f"{_SHAPE} To have the texts in it written on, say --task generate.",
        )
    split = classes_by_part(path)
    found = [
        (part, folder.name, file)
        for part, classes in split.items()
        for folder in classes
        for file in files(folder)
    ]
    if not found:
        raise DataError("the sub-folders hold no files", where=origin, fix=_SHAPE)
    read = [file for _, _, file in found]
    origins = [f"{origin}/{file.relative_to(path)}" for file in read]
    numeric = _hold_numbers(read, origin)
    frame, said = (_sequences if numeric else _texts)(read, origins, encoding)
    frame = frame.with_columns(
        label=pl.Series([label for _, label, _ in found]),
        file=pl.Series([str(file.relative_to(path)) for file in read]),
    )
    roles = {"target": "label"} if numeric else {"text": "text", "target": "label"}
    if "" not in split:
        frame = frame.with_columns(part=pl.Series([part for part, _, _ in found]))
        roles["split"] = "part"
    notes = (*_not_read(path, split), *said)
    return Table(frame, origin, "folder", notes, roles, task="classify")


def _not_read(path: Path, split: dict[str, list[Path]]) -> list[str]:
    """Notes on what lies in the folder and gives no row."""
    classes = [folder for folders in split.values() for folder in folders]
    empty = [str(folder.relative_to(path)) for folder in classes if not files(folder)]
    above = [path] if "" in split else [path, *(path / part for part in split)]
    beside = [str(file.relative_to(path)) for folder in above for file in files(folder)]
    deeper = [str(inner.relative_to(path)) for folder in classes for inner in folders(folder)]
    notes = [f"empty sub-folders: {listed(empty)}"] if empty else []
    for what, names in (
        ("folders beside the parts", beside_parts(path, split)),
        ("files beside the sub-folders", beside),
        ("folders inside those of the classes", deeper),
    ):
        if names:
            notes.append(f"{what} are not read: {listed(names)}")
    return notes


def _hold_numbers(files: list[Path], origin: str) -> bool:
    endings = {file.name.lower().removesuffix(".gz").rsplit(".", 1)[-1] for file in files}
    delimited = endings & {"csv", "tsv"}
    if delimited and endings - delimited:
        raise DataError(f"files of different kinds ({listed(sorted(endings))})", where=origin, fix=_SHAPE)
    return bool(delimited)


def _texts(files: list[Path], origins: list[str], encoding: str | None) -> tuple[pl.DataFrame, list[str]]:
    """The column `text`, a row per file, and what was decided."""
    texts, notes = [], []
    for file, origin in zip(files, origins, strict=True):
        data, said = to_utf8(load(file, origin, empty=True), origin, encoding)
        texts.append(data.decode() if data.strip() else "")
        notes.append(said)
    return pl.DataFrame({"text": texts}, schema={"text": pl.String}), _gathered(notes, origins)


def _sequences(files: list[Path], origins: list[str], encoding: str | None) -> tuple[pl.DataFrame, list[str]]:
    """A List column per column of the files, a row per file, and what was decided."""
    read, notes = [], []
    for file, origin in zip(files, origins, strict=True):
        data, said = to_utf8(load(file, origin), origin, encoding)
        refuse_empty(data, origin)
        read.append(read_records(data, origin))
        notes.append(said)
    header = _header_of_all([judge_header(records) for records in read])
    tables = [as_table(records, header) for records in read]
    _refuse_other_columns(tables)
    frame = pl.DataFrame({name: _channel(tables, name) for name in tables[0].frame.columns})
    return frame, _gathered([[*s, *t.notes] for s, t in zip(notes, tables, strict=True)], origins)


def _header_of_all(judged: list[Header]) -> Header:
    """What holds for most of the files: a file's own first line may look like the other by chance."""
    present = 2 * sum(header.present for header in judged) > len(judged)
    alike = [header for header in judged if header.present == present]
    plain = [header for header in alike if not header.why]
    return (plain or alike)[0]


def _refuse_other_columns(tables: list[Table]) -> None:
    wanted = tables[0].frame.columns
    for table in tables:
        if table.frame.columns != wanted:
            raise DataError(
                f"its columns are {listed(table.frame.columns)}, but the first file has {listed(wanted)}",
                where=table.origin,
                fix="Give every file the same columns.",
            )


def _channel(tables: list[Table], name: str) -> pl.Series:
    """One column of all files, a list for each; of numbers if most of its cells are.

    Raises:
        DataError: text among them; with its file and row.
    """
    columns = [table.frame[name] for table in tables]
    if not any(column.dtype == pl.String for column in columns):
        return pl.Series(name, [column.cast(pl.Float64) for column in columns], dtype=pl.List(pl.Float64))
    cells = pl.concat([column.cast(pl.String) for column in columns]).alias("cell").to_frame()
    cells = cells.with_columns(
        number(pl.col("cell")).alias("number"), missing(pl.col("cell")).alias("missing")
    )
    known = cells.filter(~pl.col("missing"))
    if 2 * known["number"].count() < len(known):
        return pl.Series(name, [column.cast(pl.String) for column in columns], dtype=pl.List(pl.String))
    ends = list(accumulate(map(len, columns)))
    wrong = cells.select(pl.col("number").is_null() & ~pl.col("missing")).to_series().arg_true().to_list()
    if wrong:
        at = bisect_right(ends, wrong[0])
        more = f" (and {len(wrong) - 1} more such cells)" if len(wrong) > 1 else ""
        raise DataError(
            f"{cells['cell'][wrong[0]]!r:.40} is not a number{more}",
            where=f"{tables[at].origin}, row {wrong[0] - ends[at] + len(columns[at]) + 1}, column {name!r}",
            fix="Mend the cell, or leave it empty where the value is missing.",
        )
    numbers = [cells["number"][end - len(column) : end] for end, column in zip(ends, columns, strict=True)]
    return pl.Series(name, numbers, dtype=pl.List(pl.Float64))


def _gathered(notes: list[list[str]], origins: list[str]) -> list[str]:
    """Each note once, with the files that it is about; notes that differ in a count or a line alone are one."""
    alike: dict[str, list[tuple[str, str]]] = {}
    for said, origin in zip(notes, origins, strict=True):
        for note in said:
            alike.setdefault(re.sub(r"^\d+|(?<=line )\d+", "#", note), []).append((note, origin))
    gathered = []
    for found in alike.values():
        note, origin = found[0]
        if len(found) == len(origins) and len({note for note, _ in found}) == 1:
            gathered.append(f"{note} (all files)")
        else:
            more = f", and alike in {len(found) - 1} more files" if len(found) > 1 else ""
            gathered.append(f"{note} ({origin}{more})")
    return gathered
