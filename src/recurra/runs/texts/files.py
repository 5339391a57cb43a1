"""From text files to runs that write."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from recurra.data.corpus import read_corpus
from recurra.runs.events import Observer, PhaseStarted, ignore
from recurra.runs.places import check_place
from recurra.runs.texts.config import TextFitOptions
from recurra.runs.texts.fit import fit
from recurra.runs.texts.run import TextRun

_SHARE = 0.05


def fit_corpus(
    source: Any,
    options: TextFitOptions,
    *,
    validation: Any = None,
    test: Any = None,
    encoding: str | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    started: float | None = None,
    observer: Observer = ignore,
) -> TextRun:
    """Read `source`, say what it is, and train on it.

    Args:
        source: a file, a folder, or the text itself; see `recurra.data.corpus.read_corpus`.
        validation, test: text of these parts; else the last of `source`.

    Raises:
        DataError, InputError: with what is wrong, where, and what to do.
    """
    started = time.monotonic() if started is None else started
    if out is not None:
        check_place(out, overwrite=overwrite, resume=resume)
    named = isinstance(source, str | Path) and "\n" not in str(source)
    observer(PhaseStarted(f"Reading {source}" if named else "Reading the text"))
    corpus = read_corpus(
        source,
        validation=validation,
        test=test,
        validation_share=_SHARE if options.validation is None else options.validation,
        test_share=options.test_share,
        text=options.data.text,
        encoding=encoding,
    )
    return fit(
        corpus,
        options,
        sources=[str(s) for s in (source, validation, test) if isinstance(s, str | Path) and named],
        out=out,
        overwrite=overwrite,
        resume=resume,
        started=started,
        observer=observer,
    )
