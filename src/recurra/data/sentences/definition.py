"""What a person says of files of tagged words, and what was found of them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from recurra.data.sentences.schemes import Scheme

Form = Literal["columns", "conllu", "lists", "table"]


class SentenceOptions(BaseModel):
    """What a person says of the data.

    Args:
        text: the column of the words: a number, counted from 1, in a file of columns; a name elsewhere.
        target: the column of the tags, likewise.
        id: of a table with a row for each word, the column that says which sentence it belongs to.
        features: further columns that a word is known by, such as its part of speech; likewise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Literal["tag"] = "tag"
    text: str | None = None
    target: str | None = None
    id: str | None = None
    features: list[str] = []


class SentenceSchema(BaseModel):
    """What was found.

    Args:
        form: "columns" (a word in a line, a blank line between sentences), "conllu", "lists" (records with a list of
            words and a list of tags), "table" (a row for each word).
        text, target, id, features: the columns, as in `SentenceOptions`; in a file of columns "column 3".
        scheme: how tags mark spans; None where each word has a tag of its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: Form
    text: str
    target: str
    id: str | None = None
    features: list[str] = []
    scheme: Scheme | None = None
