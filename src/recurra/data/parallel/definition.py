"""What a person may say of pairs of texts, and what was found."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class PairOptions(BaseModel):
    """What a person says of the data.

    Args:
        text: the column of sources.
        target: the column of targets; or a file of targets, line by line beside the file of sources.
        split: the column that says where a row belongs: train, validation or test.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str | None = None
    target: str | None = None
    split: str | None = None


class PairSchema(BaseModel):
    """Where sources and targets stand, as `config.json` keeps it.

    Args:
        layout: "columns" of a table, or "files" that are aligned line by line.
        text, target: the columns; of files their names.
        header: whether a table's first line names its columns.
        split: a column.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    layout: Literal["columns", "files"]
    text: str
    target: str
    header: bool = True
    split: str | None = None
