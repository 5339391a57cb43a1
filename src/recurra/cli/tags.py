"""What the command line asks of, and shows of, runs that answer at every step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from recurra.cli import sequences
from recurra.cli.console import Watcher
from recurra.runs.events import PhaseStarted
from recurra.runs.examples import read_examples
from recurra.runs.tags.files import fit_tags
from recurra.runs.tags.run import TagRun
from recurra.tasks.tagging.settings import TagSettings, default_tag_settings

fit = fit_tags


def show_result(run: TagRun, watcher: Watcher) -> None:
    """As of sequences with one answer; scores and intervals are over sequences, counts over steps."""
    sequences.show_result(run, watcher, units="sequences", counted="steps")


def evaluate(run: TagRun, data: str, *, encoding: str | None, watcher: Watcher) -> dict[str, Any]:
    """Scores on the sequences of `data`."""
    examples = read_examples(data, run.config.data_schema, encoding=encoding, observer=watcher)
    watcher(PhaseStarted("Scoring"))
    return {"n": len(examples), "scores": [score.to_json() for score in run.evaluate(examples, watcher)]}


def facts(run: TagRun) -> dict[str, str]:
    """What `recurra info` tells of the run alone."""
    return {
        "task": f"tag, every step ({run.metrics['target_kind']})",
        "classes": ", ".join(map(str, run.classes)) or "–",
    }


def default_choices() -> list[TagSettings]:
    """The defaults for data of several sizes."""
    return [
        default_tag_settings(np.full(count, steps)) for count, steps in ((50, 5), (50, 500), (50_000, 50))
    ]


def next_commands(place: Path) -> list[str]:
    """What to try with the run."""
    return sequences.next_commands(place)
