"""From text files to runs that write."""

from __future__ import annotations

import os
from typing import Any, Unpack

from recurra.data.corpus import is_text_itself, read_corpus
from recurra.runs.events import Observer, PhaseStarted, ignore
from recurra.runs.fitting import Conduct, begin, carry_out
from recurra.runs.texts.config import TextFitOptions
from recurra.runs.texts.fit import TextFitting
from recurra.runs.texts.run import TextRun

_SHARE = 0.05


def fit_corpus(
    source: Any,
    options: TextFitOptions,
    *,
    validation: Any = None,
    test: Any = None,
    encoding: str | None = None,
    **conduct: Unpack[Conduct],
) -> TextRun:
    """Read `source`, say what it is, and train on it.

    Args:
        source: a file, a folder, or the text itself; see `recurra.data.corpus.read_corpus`.
        validation, test: text of these parts; else the last of `source`.
        conduct: see `recurra.runs.fitting.Conduct`.

    Raises:
        DataError, InputError: with what is wrong, where, and what to do.
    """
    observer = begin(conduct)
    fitting, sources = opened(
        source, options, validation=validation, test=test, encoding=encoding, observer=observer
    )
    return carry_out(fitting, sources=sources, **conduct)


def opened(
    source: Any,
    options: TextFitOptions,
    *,
    validation: Any = None,
    test: Any = None,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> tuple[TextFitting, list[str]]:
    """The training that `fit_corpus` would carry out, its text read, and where it came from.

    Args:
        source, options, validation, test, encoding: see `fit_corpus`, which also says what is raised.
    """
    if test is not None:
        options.refuse("test_share", why="the test data are those of --test")
    named = [
        str(s)
        for s in (source, validation, test)
        if isinstance(s, str | os.PathLike) and not is_text_itself(s)
    ]
    observer(PhaseStarted(f"Reading {named[0]}" if named else "Reading the text"))
    corpus = read_corpus(
        source,
        validation=validation,
        test=test,
        validation_share=_SHARE if options.validation is None else options.validation,
        test_share=options.test_share,
        text=options.data.text,
        encoding=encoding,
    )
    return TextFitting(corpus, options), named
