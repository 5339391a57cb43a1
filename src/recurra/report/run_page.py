"""The page of a run: what it is, how good it is, how it came about, how to make it again."""

from __future__ import annotations

from collections.abc import Callable

from recurra.report.page import Section, render_page
from recurra.report.run_files import RunFiles
from recurra.report.sections import (
    answers,
    captions,
    classes,
    data,
    diagnosis,
    forecasts,
    images,
    learning,
    music,
    network,
    reproduction,
    samples,
    scores,
    sentences,
    transcriptions,
    translations,
    verdict,
)

# In the order of the page; each says nothing (None) of a run that has nothing of its kind.
SECTIONS: tuple[Callable[[RunFiles], Section | None], ...] = (
    scores.section,
    forecasts.section,
    samples.section,
    sentences.section,
    translations.section,
    music.section,
    transcriptions.section,
    classes.section,
    answers.section,
    images.section,
    captions.section,
    data.section,
    network.section,
    learning.section,
    diagnosis.section,
    reproduction.section,
)

_INTERVALS = (
    "Intervals are 95 % intervals: they say how far the choice of the examples lets a number wander, not how another "
    "seed or other training data would change it."
)


def run_page(run: RunFiles) -> str:
    """The page of a run as HTML, complete in itself; the same files give the same bytes."""
    found = [section(run) for section in SECTIONS]
    there = [each for each in found if each is not None]
    return render_page(verdict.title(run), verdict.about(run), verdict.lead(run), there, intervals=_INTERVALS)
