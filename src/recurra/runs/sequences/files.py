"""From files to runs: reading, working out the schema, telling it, and then the same as from memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack

from recurra.data.examples import Examples
from recurra.data.schema import Schema, describe, duplicates_across, infer_schema, to_examples
from recurra.data.sources import read
from recurra.runs.events import Observer, PhaseStarted, Said, ignore
from recurra.runs.fitting import Conduct, begin, carry_out
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.fit import SequenceFitting
from recurra.runs.sequences.run import SequenceRun


def fit_source(
    source: Any,
    options: SequenceFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    **conduct: Unpack[Conduct],
) -> SequenceRun:
    """Read `source`, say what it is, and train on it.

    Args:
        source: a file, a folder, or a frame; see `recurra.data.sources.read`.
        test: another of these, to score on.
        conduct: see `recurra.runs.fitting.Conduct`.

    Raises:
        DataError, InputError: with what is wrong, where, and what to do.
    """
    observer = begin(conduct)
    fitting, sources = opened(source, options, test=test, encoding=encoding, observer=observer)
    return carry_out(fitting, sources=sources, **conduct)


def opened(
    source: Any,
    options: SequenceFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> tuple[SequenceFitting, list[str]]:
    """The training that `fit_source` would carry out, its data read, and where they came from.

    Args:
        source, options, test, encoding: see `fit_source`, which also says what is raised.
    """
    if test is not None:
        options.refuse("test_share", why="the test data are those of --test")
    observer(PhaseStarted(f"Reading {source}" if isinstance(source, str | Path) else "Reading the data"))
    table = read(source, encoding=encoding)
    schema = infer_schema(table, options.data)
    examples, usable = to_examples(table, schema)
    for line in describe(schema, examples, usable, table):
        observer(Said(line))
    held_out = None
    if test is not None:
        observer(PhaseStarted(f"Reading {test}"))
        held_out = read_examples(test, schema, encoding=encoding, observer=observer)
        shared = duplicates_across(examples, held_out)
        if shared:
            observer(
                Said(
                    f"{shared} of the {len(held_out)} test inputs also stand in the training data", "warning"
                )
            )
    sources = [str(s) for s in (source, test) if isinstance(s, str | Path)]
    return SequenceFitting(examples, schema, options, held_out), sources


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
    """
    table = read(source, encoding=encoding)
    examples, usable = to_examples(table, schema, need_targets=need_targets, need_roles=False)
    for line in [*table.notes, *usable.lines()]:
        observer(Said(line))
    return examples
