"""From tables or aligned files to runs: reading, telling, and then the same as from memory."""

from __future__ import annotations

import os
from typing import Any, Unpack

from recurra.data.examples import Examples
from recurra.data.parallel import PairSchema, ReadPairs, read_again, read_pairs
from recurra.runs.events import Observer, PhaseStarted, Said, ignore
from recurra.runs.fitting import Conduct, begin, carry_out
from recurra.runs.pairs.config import PairFitOptions
from recurra.runs.pairs.fit import PairFitting
from recurra.runs.pairs.run import PairRun
from recurra.runs.parts import scored_part, warn_of_shared


def fit_pairs(
    source: Any,
    options: PairFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    **conduct: Unpack[Conduct],
) -> PairRun:
    """Read `source`, say what it is, and train on it.

    Args:
        source: a table with a column of sources and one of targets, or a file of sources, whose targets stand line by
            line in the file that `options.data.target` names; see `recurra.data.parallel.read_pairs`.
        test: another of these, to score on; of files the sources, beside which the targets are found by name.
        conduct: see `recurra.runs.fitting.Conduct`.

    Raises:
        DataError, InputError: with what is wrong, where, and what to do.
    """
    observer = begin(conduct)
    fitting, sources = opened(source, options, test=test, encoding=encoding, observer=observer)
    return carry_out(fitting, sources=sources, **conduct)


def opened(
    source: Any,
    options: PairFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> tuple[PairFitting, list[str]]:
    """The training that `fit_pairs` would carry out, its data read, and where they came from.

    Args:
        source, options, test, encoding: see `fit_pairs`, which also says what is raised.
    """
    if test is not None:
        options.refuse("test_share", why="the test data are those of --test")
    observer(PhaseStarted(f"Reading {source}" if _is_file(source) else "Reading the data"))
    pairs = read_pairs(source, options.data, encoding=encoding)
    _tell(pairs, observer)
    held_out = None
    if test is not None:
        observer(PhaseStarted(f"Reading {test}"))
        held_out = read_more(test, pairs.schema, encoding=encoding, observer=observer)
        held_out = scored_part(held_out, observer, "pairs")
        warn_of_shared(pairs.examples, held_out, "sources", observer)
    sources = [str(each) for each in (source, test) if _is_file(each)]
    return PairFitting(pairs.examples, pairs.schema, options, held_out), sources


def read_more(
    source: Any, schema: PairSchema, *, encoding: str | None = None, observer: Observer = ignore
) -> Examples:
    """Other pairs of the same form, to score on.

    Raises:
        DataError, InputError: see `recurra.data.parallel.read_again`.
    """
    pairs = read_again(source, schema, encoding=encoding)
    _tell(pairs, observer)
    return pairs.examples


def _tell(pairs: ReadPairs, observer: Observer) -> None:
    for note in pairs.notes:
        observer(Said(note))
    for doubt in pairs.doubts:
        observer(Said(doubt, "warning"))


def _is_file(source: Any) -> bool:
    return isinstance(source, str | os.PathLike)
