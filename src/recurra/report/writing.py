"""The page of a folder, whatever it holds: a run, or a comparison of runs."""

from __future__ import annotations

from pathlib import Path

from recurra.comparison.compare import SUMMARY
from recurra.report.comparison_page import comparison_page, read_summary
from recurra.report.run_files import read_run_files
from recurra.report.run_page import run_page
from recurra.runs.run import REPORT
from recurra.storage import write_bytes


def write_page(folder: Path, out: Path | None = None) -> Path:
    """Make the page of `folder` from its files, and write it whole or not at all.

    Args:
        out: where to; None is `report.html` in the folder.

    Raises:
        RunError: `folder` holds no finished run or comparison, or an altered one.
        StorageError: the page cannot be written.
    """
    path = folder / REPORT if out is None else out
    page = (
        comparison_page(read_summary(folder))
        if (folder / SUMMARY).exists()
        else run_page(read_run_files(folder))
    )
    write_bytes(path, page.encode())
    return path
