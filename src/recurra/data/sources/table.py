"""What every reader returns: a table, where it is from, and what had to be decided to read it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from recurra.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

SHOWN = 12


@dataclass(frozen=True)
class Table:
    """Records as read, columns typed but with no meaning given to them yet.

    Args:
        frame: one row per record: row i is record i + 1 (blank lines are no records). Numeric sequences that
            are sequences in the source are List columns, one per channel.
        origin: the source's name, for messages.
        format: "csv", "tsv", "jsonl", "parquet", "ts", "labelled lines", "lines", "folder", "images", "idx" or
            "python".
        notes: plain sentences on what was found and decided, to be said aloud.
        roles: what the format itself says of its columns: role ("text", "image", "target", "split") -> column.
        task: what the format itself says is to be learned; "generate" of text without labels.
        folder: what names of files in it are relative to; None: the current folder.
        cells: the columns of numbers as they stood where they were text; see `as_written`.
    """

    frame: pl.DataFrame
    origin: str
    format: str
    notes: tuple[str, ...] = ()
    roles: dict[str, str] = field(default_factory=dict)
    task: Literal["classify", "regress", "generate"] | None = None
    folder: Path | None = None
    cells: pl.DataFrame | None = None

    def __len__(self) -> int:
        return self.frame.height

    def noting(self, *notes: str) -> Table:
        """The same table with `notes` added in front."""
        return replace(self, notes=(*notes, *self.notes))

    def as_written(self, names: Iterable[str]) -> Table:
        """The same table with those of the columns `names` that were text, and became numbers, as they stood: 3.10 is a
        price as a number, and a text of four characters.
        """
        if self.cells is None:
            return self
        kept = [name for name in dict.fromkeys(names) if name in self.cells.columns]
        return replace(self, frame=self.frame.with_columns(self.cells[kept])) if kept else self

    def renamed(self, names: dict[str, str]) -> Table:
        """The same table with other names of columns: old name -> new name."""
        cells = None if self.cells is None else self.cells.rename(names, strict=False)
        return replace(self, frame=self.frame.rename(names), cells=cells)

    def column(self, name: str, role: str) -> pl.Series:
        """The column `name`, or an error that lists the columns there are."""
        if name not in self.frame.columns:
            several = [part.strip() for part in name.split(",")]
            fix = self.choices(name)
            if role == "the target" and set(several) <= set(self.frame.columns):
                fix = f"Name them one by one: --target {' --target '.join(several)}; in Python a list."
            raise DataError(f"there is no column {name!r} (asked for as {role})", where=self.origin, fix=fix)
        return self.frame[name]

    def choices(self, name: str) -> str:
        """What to say where there is no column `name`: the one of the nearest name, and all that there are.

        >>> import polars as pl
        >>> Table(pl.DataFrame({"text": ["a"], "Label": ["b"]}), "reviews.csv", "csv").choices("lable")
        "Did you mean 'Label'? The columns are: text, Label."
        """
        columns = {column.lower(): column for column in self.frame.columns}
        near = difflib.get_close_matches(name.lower(), columns, n=1)
        meant = f"Did you mean {columns[near[0]]!r}? " if near else ""
        return f"{meant}The columns are: {listed(self.frame.columns)}."


def listed(items: list[str] | tuple[str, ...], shown: int = SHOWN) -> str:
    """A list of names for a sentence, cut in the middle when it is long.

    >>> listed(["a", "b"])
    'a, b'
    >>> listed([f"t{i}" for i in range(100)], shown=4)
    't0, t1, t2, ..., t99 (100 in all)'
    """
    items = [str(item) for item in items]
    if len(items) <= shown:
        return ", ".join(items)
    return f"{', '.join(items[: shown - 1])}, ..., {items[-1]} ({len(items)} in all)"


def numbered(rows: list[int] | tuple[int, ...], shown: int = 8) -> str:
    """Row numbers for a sentence.

    >>> numbered([3])
    'row 3'
    >>> numbered([3, 5, 8, 9], shown=3)
    'rows 3, 5, 8, ... (4 in all)'
    """
    if len(rows) == 1:
        return f"row {rows[0]}"
    first = ", ".join(str(row) for row in rows[:shown])
    return f"rows {first}" if len(rows) <= shown else f"rows {first}, ... ({len(rows)} in all)"
