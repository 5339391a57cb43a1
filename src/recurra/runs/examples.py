"""From files to examples: reading, working out the schema, telling it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recurra.data.examples import Examples
from recurra.data.schema import Schema, SchemaOptions, describe, infer_schema, to_examples
from recurra.data.sources import read
from recurra.errors import DataError
from recurra.runs.events import Observer, PhaseStarted, Said, ignore
from recurra.runs.parts import scored_part, warn_of_shared


@dataclass(frozen=True)
class Opened:
    """What was read.

    Args:
        test: the examples to score on, where they were given.
        sources: the files that all of it came from.
    """

    examples: Examples
    schema: Schema
    test: Examples | None
    sources: list[str]


def open_examples(
    source: Any,
    data: SchemaOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> Opened:
    """Read `source`, and `test` where it is given, and say what they are.

    Args:
        source: a file, a folder, or a frame; see `recurra.data.sources.read`.
        data: what a person says of the columns.
        test: another of these, to score on.

    Raises:
        DataError, InputError: with what is wrong, where, and what to do.
    """
    observer(PhaseStarted(f"Reading {source}" if isinstance(source, str | Path) else "Reading the data"))
    table = read(source, encoding=encoding)
    schema = infer_schema(table, data)
    examples, usable = to_examples(table, schema)
    for line in describe(schema, examples, usable, table):
        observer(Said(line))
    held_out = None
    if test is not None:
        observer(PhaseStarted(f"Reading {test}"))
        held_out = read_examples(test, schema, encoding=encoding, observer=observer)
        held_out = scored_part(held_out, observer, "examples")
        warn_of_shared(examples, held_out, "inputs", observer)
    sources = [str(s) for s in (source, test) if isinstance(s, str | Path)]
    return Opened(examples, schema, held_out, sources)


def read_examples(
    source: Any,
    schema: Schema,
    *,
    need_targets: bool = True,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> Examples:
    """Read `source` with a schema that is already known: test data, or data to predict.

    Only what that takes has to be there: the inputs and the targets, not what the training data were
    split or ordered by.

    Raises:
        DataError: a column is not there, or nothing can be used.
    """
    table = read(source, encoding=encoding)
    examples, usable = to_examples(table, schema, need_targets=need_targets, need_roles=False)
    if len(table) and not len(examples):
        raise DataError("no row can be used", where=table.origin, fix="; ".join(usable.lines()))
    for line in [*table.notes, *usable.lines()]:
        observer(Said(line))
    return examples
