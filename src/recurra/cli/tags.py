"""What the command line asks of, and shows of, runs that answer at every step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from recurra.cli import sequences
from recurra.cli.console import Watcher
from recurra.cli.predict import answer_records, as_csv
from recurra.data.schema import to_examples
from recurra.data.sources import read
from recurra.errors import DataError
from recurra.runs.events import PhaseStarted, Said
from recurra.runs.examples import read_examples
from recurra.runs.parts import scored_part, tell_groups
from recurra.runs.tags.files import fit_tags
from recurra.runs.tags.run import TagRun
from recurra.tasks.tagging.settings import TagSettings, default_tag_settings

FORMS = (".csv",)
fit = fit_tags


def show_result(run: TagRun, watcher: Watcher) -> None:
    """As of sequences with one answer; scores and intervals are over sequences, counts over steps."""
    sequences.show_result(run, watcher, units="sequences", counted="steps")


def evaluate(run: TagRun, data: str, *, encoding: str | None, watcher: Watcher) -> dict[str, Any]:
    """Scores on the sequences of `data`; of data with parts of their own, of the test part."""
    examples = read_examples(data, run.config.data_schema, encoding=encoding, observer=watcher)
    examples = scored_part(examples, watcher, "examples")
    tell_groups(examples, watcher)
    watcher(PhaseStarted("Scoring"))
    return {"n": len(examples), "scores": [score.to_json() for score in run.evaluate(examples, watcher)]}


def predict(
    run: TagRun, data: str, *, encoding: str | None, watcher: Watcher
) -> tuple[list[dict[str, Any]], str]:
    """The rows of the table in their order, each with the answer at its step behind its own columns.

    Raises:
        DataError: a column of the table has the name of an answer.
    """
    table = read(data, encoding=encoding)
    examples, _ = to_examples(table, run.config.data_schema, need_targets=False, need_roles=False)
    for note in table.notes:
        watcher(Said(note))
    assert examples.steps is not None
    rows = examples.steps.rows[examples.steps.in_order()]
    answers = answer_records(run.classes, run.answer(examples, watcher), rows)
    own = [name for name, kind in table.frame.schema.items() if not kind.is_nested()]
    if twice := [name for name in own if answers and name in answers[0] and name != "row"]:
        raise DataError(
            f"the table has a column {twice[0]!r} already, which is the name of an answer",
            where=table.origin,
            fix="Rename it.",
        )
    answers.sort(key=lambda record: record["row"])
    kept = table.frame.select(own).iter_rows(named=True)
    records = [
        row | {k: v for k, v in answer.items() if k != "row"}
        for row, answer in zip(kept, answers, strict=True)
    ]
    return records, as_csv(records)


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
