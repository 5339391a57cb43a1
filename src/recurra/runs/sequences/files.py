"""From files to runs: reading, working out the schema, telling it, and then the same as from memory."""

from __future__ import annotations

from typing import Any, Unpack

from recurra.runs.events import Observer, ignore
from recurra.runs.examples import open_examples
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
    found = open_examples(source, options.data, test=test, encoding=encoding, observer=observer)
    return SequenceFitting(found.examples, found.schema, options, found.test), found.sources
