"""`recurra evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recurra.cli.console import Watcher, print_json, score_table
from recurra.runs.events import PhaseStarted
from recurra.runs.loading import load_as
from recurra.runs.sequences.files import read_examples
from recurra.runs.sequences.run import SequenceRun


def run_evaluate(run_folder: Path, data: str, *, encoding: str | None, as_json: bool) -> None:
    """Scores of the run on `data`, for people or as JSON."""
    run = load_as(run_folder, SequenceRun)
    with Watcher(as_json=as_json) as watcher:
        watcher(PhaseStarted(f"Reading {data}"))
        examples = read_examples(data, run.config.data_schema, encoding=encoding, observer=watcher)
        watcher(PhaseStarted("Scoring"))
        scores = [score.to_json() for score in run.evaluate(examples, watcher)]
        if as_json:
            print_json({"run": str(run_folder), "data": data, "n": len(examples), "scores": scores})
        else:
            rows: list[Any] = [(str(score["name"]), score, None) for score in scores]
            watcher.console.print(score_table(f"{run_folder} on {len(examples):,} examples of {data}", rows))
