"""What is said and what is found of data whose rows are a sequence and a text."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from recurra.data.schema.definition import Schema


class TranscriptOptions(BaseModel):
    """What a person says of the columns; everything left out is worked out from the data.

    Args:
        text, target: the column with the texts, by either name.
        features: the column that names the recordings, or the columns that hold the numbers.
        id: of numbers, the column that says which sequence a row belongs to (a row is a step).
        time: what orders the rows of one id.
        group: rows of one group (a speaker, a writer) never stand on both sides of a split.
        split: the column that says train, validation or test.
        ignore: columns that are not to be used.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str | None = None
    target: str | None = None
    features: list[str] | None = None
    id: str | None = None
    time: str | None = None
    group: str | None = None
    split: str | None = None
    ignore: list[str] = []


class TranscriptSchema(BaseModel):
    """What the columns mean; JSON-safe, a run keeps it.

    Args:
        input: "sound", the rows name recordings, or "numbers", they hold a sequence.
        table: the columns, the way of other tables: of sound `table.text` is the column of files.
        speaker: the column that is called as one that says who speaks; of sound alone.
        task_why: why this is what they are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Literal["sound", "numbers"]
    table: Schema
    speaker: str | None = None
    task_why: str = ""
    task: Literal["transcribe"] = "transcribe"

    @property
    def target(self) -> list[str]:
        """The column with the texts, as tables of other kinds name what is learned."""
        return self.table.target

    @property
    def text(self) -> str | None:
        """The column that names recordings; None of numbers."""
        return self.table.text

    @property
    def channels(self) -> list[str]:
        """Names of the numbers of a step; none of sound."""
        return self.table.channels

    @property
    def in_order_of_time(self) -> bool:
        """Examples are drawn, whatever their order."""
        return False
