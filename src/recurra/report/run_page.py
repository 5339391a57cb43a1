"""The page of a run: what it is, how good it is, how it came about, how to make it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from recurra.report.page import Section, render_page
from recurra.report.run_files import RunFiles, read_run_files
from recurra.report.sections import (
    answers,
    classes,
    data,
    forecasts,
    learning,
    network,
    reproduction,
    samples,
    scores,
    verdict,
)
from recurra.runs.run import REPORT
from recurra.storage import write_bytes

# In the order of the page; each says nothing (None) of a run that has nothing of its kind.
SECTIONS: tuple[Callable[[RunFiles], Section | None], ...] = (
    scores.section,
    forecasts.section,
    samples.section,
    classes.section,
    answers.section,
    data.section,
    network.section,
    learning.section,
    reproduction.section,
)


def run_page(run: RunFiles) -> str:
    """The page of a run as HTML, complete in itself; the same files give the same bytes."""
    found = [section(run) for section in SECTIONS]
    there = [each for each in found if each is not None]
    return render_page(verdict.title(run), verdict.about(run), verdict.lead(run), there)


def write_run_page(folder: Path, out: Path | None = None) -> Path:
    """Make the page of the run in `folder` from its files, and write it whole or not at all.

    Args:
        out: where to; None is `report.html` in the run folder.

    Raises:
        RunError: `folder` holds no finished run, or an altered one.
        StorageError: the page cannot be written.
    """
    path = folder / REPORT if out is None else out
    write_bytes(path, run_page(read_run_files(folder)).encode())
    return path
