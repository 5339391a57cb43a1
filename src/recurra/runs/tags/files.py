"""From files to runs: reading, and then the same as from memory."""

from __future__ import annotations

from typing import Any, Unpack

from recurra.runs.events import Observer, ignore
from recurra.runs.examples import open_examples
from recurra.runs.fitting import Conduct, begin, carry_out
from recurra.runs.tags.config import TagFitOptions
from recurra.runs.tags.fit import TagFitting
from recurra.runs.tags.run import TagRun


def fit_tags(
    source: Any,
    options: TagFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    **conduct: Unpack[Conduct],
) -> TagRun:
    """Read `source`, say what it is, and train on it.

    Args:
        source: a file or a frame with a row for each step; see `recurra.data.sources.read`.
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
    options: TagFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> tuple[TagFitting, list[str]]:
    """The training that `fit_tags` would carry out, its data read, and where they came from.

    Args:
        source, options, test, encoding: see `fit_tags`, which also says what is raised.
    """
    if test is not None:
        options.refuse("test_share", why="the test data are those of --test")
    found = open_examples(source, options.data, test=test, encoding=encoding, observer=observer)
    return TagFitting(found.examples, found.schema, options, found.test), found.sources
