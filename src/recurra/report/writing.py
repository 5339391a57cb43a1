"""The pages of a folder, whatever it holds: a run with its diagnosis, or a comparison of runs."""

from __future__ import annotations

from pathlib import Path

from recurra.comparison.place import SUMMARY
from recurra.report.comparison_page import comparison_page, read_summary
from recurra.report.diagnosis_page import diagnosis_page
from recurra.report.run_files import read_diagnosis, read_run_files
from recurra.report.run_page import run_page
from recurra.runs.run import DIAGNOSIS, DIAGNOSIS_PAGE, REPORT
from recurra.storage import write_bytes


def write_page(folder: Path, out: Path | None = None) -> Path:
    """Make the page of `folder` from its files, and write it whole or not at all.

    With the page of a run in its place goes that of its diagnosis, where it has been diagnosed.

    Args:
        out: where to; None is `report.html` in the folder.

    Raises:
        RunError: `folder` holds no finished run or comparison, or an altered one.
        StorageError: the page cannot be written.
    """
    path = folder / REPORT if out is None else out
    if out is None and (folder / DIAGNOSIS).exists():
        write_diagnosis_page(folder)
    page = (
        comparison_page(read_summary(folder))
        if (folder / SUMMARY).exists()
        else run_page(read_run_files(folder))
    )
    write_bytes(path, page.encode("utf-8", "backslashreplace"))
    return path


def write_diagnosis_page(folder: Path) -> Path:
    """Make the page of the diagnosis in `folder` from `diagnosis.json` alone.

    Raises:
        RunError: there is no diagnosis, or an altered one.
        StorageError: the page cannot be written.
    """
    path = folder / DIAGNOSIS_PAGE
    write_bytes(path, diagnosis_page(read_diagnosis(folder)).encode("utf-8", "backslashreplace"))
    return path
