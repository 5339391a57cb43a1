"""`recurra report`."""

from __future__ import annotations

from pathlib import Path

from recurra.cli.console import print_json
from recurra.errors import InputError
from recurra.report.writing import write_page


def run_report(run_folder: Path, *, out: Path | None, overwrite: bool, as_json: bool) -> None:
    """Make the page of a run or a comparison anew from its files, and say where it is."""
    if out is not None and out.suffix not in (".html", ".htm"):
        raise InputError(f"expected a name ending in .html, found {str(out)!r}", where="--out")
    if out is not None and out.exists() and not overwrite:
        raise InputError(
            "this file is there already", where=str(out), fix="Choose another --out, or add --overwrite."
        )
    page = write_page(run_folder, out)
    if as_json:
        print_json({"run": str(run_folder), "report": str(page)})
    else:
        print(f"The page is {page}")
