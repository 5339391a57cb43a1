"""`recurra evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recurra.cli.console import Watcher, print_json, score_table
from recurra.cli.faces import face_of_run
from recurra.runs.events import PhaseStarted
from recurra.runs.loading import load


def run_evaluate(run_folder: Path, data: str, *, encoding: str | None, as_json: bool) -> None:
    """Scores of the run on `data`, for people or as JSON."""
    run = load(run_folder)
    with Watcher(as_json=as_json) as watcher:
        watcher(PhaseStarted(f"Reading {data}"))
        found = face_of_run(run).evaluate(run, data, encoding=encoding, watcher=watcher)
        if as_json:
            print_json({"run": str(run_folder), "data": data} | found)
        else:
            rows: list[Any] = [(str(score["name"]), score, None) for score in found["scores"]]
            watcher.console.print(score_table(f"{run_folder} on {found['n']:,} examples of {data}", rows))
