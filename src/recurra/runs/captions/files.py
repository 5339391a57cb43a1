"""From tables of images with captions to runs: reading, telling, and then the same as from memory."""

from __future__ import annotations

import os
from typing import Any, Unpack

from recurra.data.captions import CaptionSchema, read_captions
from recurra.data.captions.reading import refuse_other_options
from recurra.data.examples import Examples
from recurra.runs.captions.config import CaptionFitOptions
from recurra.runs.captions.fit import CaptionFitting
from recurra.runs.captions.run import CaptionRun
from recurra.runs.events import Observer, PhaseStarted, Said, ignore
from recurra.runs.fitting import Conduct, begin, carry_out
from recurra.runs.parts import scored_part, warn_of_shared


def fit_captions(
    source: Any,
    options: CaptionFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    **conduct: Unpack[Conduct],
) -> CaptionRun:
    """Read `source`, say what it is, and train on it.

    Args:
        source: a table with a column of image files or columns of numbers, and captions; or Flickr8k's folder; see
            `recurra.data.captions.read_captions`.
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
    options: CaptionFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> tuple[CaptionFitting, list[str]]:
    """The training that `fit_captions` would carry out, its data read, and where they came from.

    Args:
        source, options, test, encoding: see `fit_captions`, which also says what is raised.
    """
    refuse_other_options(options.data)
    if test is not None:
        options.refuse("test_share", why="the test data are those of --test")
    observer(PhaseStarted(f"Reading {source}" if _is_file(source) else "Reading the data"))
    found = read_captions(source, options.data, encoding=encoding)
    for note in found.notes:
        observer(Said(note))
    held_out = None
    if test is not None:
        observer(PhaseStarted(f"Reading {test}"))
        held_out = read_more(test, found.schema, encoding=encoding, observer=observer)
        held_out = scored_part(held_out, observer, "examples")
        warn_of_shared(found.examples, held_out, found.schema.units, observer)
    sources = [str(each) for each in (source, test) if _is_file(each)]
    return CaptionFitting(found.examples, found.schema, options, held_out), sources


def read_more(
    source: Any, schema: CaptionSchema, *, encoding: str | None = None, observer: Observer = ignore
) -> Examples:
    """Other images of the same form with captions, to score on.

    Raises:
        DataError, InputError: see `recurra.data.captions.read_captions`.
    """
    found = read_captions(source, encoding=encoding, schema=schema)
    for note in found.notes:
        observer(Said(note))
    return found.examples


def _is_file(source: Any) -> bool:
    return isinstance(source, str | os.PathLike)
