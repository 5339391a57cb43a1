"""What the command line asks of, and shows of, runs that say one thing of each sequence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from recurra.cli.console import NOTHING_HELD_OUT, Watcher, plain, print_scores
from recurra.cli.predict import answer_records, as_csv
from recurra.runs.events import PhaseStarted
from recurra.runs.examples import read_examples
from recurra.runs.parts import scored_part, tell_groups
from recurra.runs.run import Run
from recurra.runs.sequences.files import fit_source
from recurra.runs.sequences.run import SequenceRun
from recurra.tasks.defaults import default_settings
from recurra.tasks.settings import Settings

CLASSES_SHOWN = 12
FORMS = (".csv",)
fit = fit_source


def show_result(
    run: Run[Any, Any],
    watcher: Watcher,
    *,
    units: str = "examples",
    counted: str = "examples",
    most: int = CLASSES_SHOWN,
) -> None:
    """Scores with intervals and baselines, confusion matrix, per-class table, the verdict.

    Args:
        units: what is scored.
        counted: what the table by class counts.
        most: classes that have a table.
    """
    metrics = run.metrics
    print_ = watcher.console.print
    name = "test" if "test" in metrics else "validation"
    if name not in metrics:
        print_(NOTHING_HELD_OUT)
        return
    part = metrics[name]
    print_scores(run, part, f"{part['n']:,} {name} {units}", watcher.console)
    if "per_class" in part and len(part["per_class"]) <= most:
        print_()
        print_(_class_table(part["per_class"], counted))
        if "confusion" in part and len(part["per_class"]) <= CLASSES_SHOWN:
            print_()
            print_(_confusion_table([row["name"] for row in part["per_class"]], part["confusion"]))
    if "verdict" in metrics:
        print_(f"\n{metrics['verdict']}")


def _class_table(rows: list[dict[str, Any]], counted: str) -> Table:
    """Precision, recall and F1 per class."""
    table = Table(box=None, pad_edge=False)
    for column in ("class", "precision", "recall", "F1", counted):
        table.add_column(column, justify="left" if column == "class" else "right", no_wrap=True)
    for row in rows:
        shares = (row["precision"], row["recall"], row["f1"])
        table.add_row(
            plain(row["name"]), *("–" if s is None else f"{s:.3f}" for s in shares), f"{row['support']:,}"
        )
    return table


def _confusion_table(names: list[str], confusion: list[list[int]]) -> Table:
    """Counts; a row for each true class, a column for each answer."""
    table = Table(box=None, pad_edge=False)
    table.add_column("true \\ said", no_wrap=True)
    for name in names:
        table.add_column(plain(name), justify="right", no_wrap=True)
    for name, counts in zip(names, confusion, strict=True):
        table.add_row(plain(name), *(f"{count:,}" for count in counts))
    return table


def evaluate(run: SequenceRun, data: str, *, encoding: str | None, watcher: Watcher) -> dict[str, Any]:
    """Scores on the examples of `data`; of data with parts of their own, of the test part."""
    examples = read_examples(data, run.config.data_schema, encoding=encoding, observer=watcher)
    examples = scored_part(examples, watcher, "examples")
    tell_groups(examples, watcher)
    watcher(PhaseStarted("Scoring"))
    return {"n": len(examples), "scores": [score.to_json() for score in run.evaluate(examples, watcher)]}


def predict(
    run: SequenceRun, data: str, *, encoding: str | None, watcher: Watcher
) -> tuple[list[dict[str, Any]], str]:
    """An answer for each usable row; printed as CSV."""
    schema = run.config.data_schema
    examples = read_examples(data, schema, need_targets=False, encoding=encoding, observer=watcher)
    records = answer_records(run.classes, run.answer(examples, watcher), examples.rows, examples.names)
    return records, as_csv(records)


def facts(run: SequenceRun) -> dict[str, str]:
    """What `recurra info` tells of the run alone."""
    return {
        "task": f"{run.metrics['task']} ({run.metrics['target_kind']})",
        "classes": ", ".join(map(str, run.classes)) or "–",
    }


def default_choices() -> list[Settings]:
    """The defaults for data of several kinds and sizes."""
    return [
        default_settings(kind, np.full(count, steps), image)
        for kind, image in (("tokens", None), ("features", None), ("images", (28, 28, 1)))
        for count, steps in ((50, 5), (50, 500), (50_000, 50))
    ]


def next_commands(place: Path) -> list[str]:
    """What to try with the run."""
    return [
        f"recurra predict {place} NEW_DATA",
        f"recurra evaluate {place} LABELLED_DATA",
        f"recurra info {place}",
    ]
