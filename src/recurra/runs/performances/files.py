"""From MIDI files to runs that go on with them event by event."""

from __future__ import annotations

import os
from typing import Any, Unpack

import numpy as np

from recurra.data.examples import Examples
from recurra.data.music.performances import Performances, read_performances
from recurra.data.packed import Packed
from recurra.errors import InputError
from recurra.runs.events import Observer, PhaseStarted, Said, ignore
from recurra.runs.fitting import Conduct, begin, carry_out
from recurra.runs.parts import scored_part, warn_of_shared
from recurra.runs.performances.config import PerformanceFitOptions
from recurra.runs.performances.fit import PerformanceFitting
from recurra.runs.performances.run import PerformanceRun


def fit_performances(
    source: Any,
    options: PerformanceFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    **conduct: Unpack[Conduct],
) -> PerformanceRun:
    """Read `source`, say what it is, and train on it.

    Args:
        source: a MIDI file or a folder of them; see `recurra.data.music.performances.read_performances`.
        test: another of these, to score on.
        encoding: refused: there is no text in music.
        conduct: see `recurra.runs.fitting.Conduct`.

    Raises:
        DataError, InputError: with what is wrong, where, and what to do.
    """
    observer = begin(conduct)
    fitting, sources = opened(source, options, test=test, encoding=encoding, observer=observer)
    return carry_out(fitting, sources=sources, **conduct)


def opened(
    source: Any,
    options: PerformanceFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> tuple[PerformanceFitting, list[str]]:
    """The training that `fit_performances` would carry out, its music read, and where it came from.

    Args:
        source, options, test, encoding: see `fit_performances`, which also says what is raised.
    """
    if encoding is not None:
        raise InputError("there is no text in music", where="--encoding", fix="Leave it out.")
    if test is not None:
        options.refuse("test_share", why="the test data are those of --test")
    named = [str(each) for each in (source, test) if isinstance(each, str | os.PathLike)]
    observer(PhaseStarted(f"Reading {named[0]}" if named else "Reading the music"))
    played = read_music(source, observer)
    given = None
    if test is not None:
        given = scored_part(read_music(test, observer), observer)
        warn_of_shared(_as_examples(played), _as_examples(given), "pieces", observer)
    return PerformanceFitting(played, options, given), named


def _as_examples(played: Performances) -> Examples:
    notes = [np.stack([each.begin, each.end, each.pitch, each.velocity], axis=1) for each in played.played]
    return Examples(None, Packed.from_list(notes), None, rows=np.arange(len(played)))


def read_music(source: Any, observer: Observer) -> Performances:
    """Performances as given, or read; what is found is told."""
    if isinstance(source, Performances):
        return source
    found = read_performances(source)
    for note in found.notes:
        observer(Said(note))
    for warning in found.warnings:
        observer(Said(warning, "warning"))
    return found
