"""`recurra fit`."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.table import Table

from recurra.cli.console import Watcher, interval, number, plain, print_json, score_table
from recurra.data.schema import SchemaOptions
from recurra.errors import InputError
from recurra.runs.budget import parse_duration
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.files import fit_source
from recurra.runs.sequences.run import SequenceRun
from recurra.tasks.settings import Settings

CLASSES_SHOWN = 12
ENDED_WELL = ("finished", "early", "clock")


def run_fit(
    data: str,
    *,
    test: str | None,
    out: Path | None,
    roles: dict[str, Any],
    cell: str | None,
    assignments: list[str],
    options: dict[str, Any],
    budget: str | None,
    encoding: str | None,
    resume: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Train on `data`, print the result."""
    started = time.monotonic()
    if resume and out is None:
        raise InputError("there is no run to resume", where="--resume", fix="Name it: --out RUN.")
    settings = parse_assignments(assignments)
    if cell is not None:
        settings["network.cell"] = cell
    Settings().changed(settings)  # what cannot be set is refused before anything is read
    asked = make_options(roles, settings, options, budget)
    place = out if out is not None else free_place(data)
    with Watcher(as_json=as_json) as watcher:
        run = fit_source(
            data,
            asked,
            test=test,
            encoding=encoding,
            out=place,
            overwrite=overwrite,
            resume=resume,
            started=started,
            observer=watcher,
        )
        if as_json:
            print_json(run.metrics | {"run": str(place)})
        else:
            show_result(run, watcher)
            watcher.console.print(f"\nThe run is in {place}. Next:")
            watcher.console.print(f"  recurra predict {place} NEW_DATA")
            watcher.console.print(f"  recurra evaluate {place} LABELLED_DATA")
            watcher.console.print(f"  recurra info {place}")
            if run.metrics["training"]["stopped"] == "interrupted":
                watcher.console.print(
                    f"To go on with the training, repeat the command with --out {place} --resume."
                )
    if run.metrics["training"]["stopped"] not in ENDED_WELL:
        raise SystemExit(1)


def show_result(run: SequenceRun, watcher: Watcher) -> None:
    """Scores with intervals and baselines, confusion matrix, per-class table, the verdict."""
    metrics = run.metrics
    name = "test" if "test" in metrics else "validation"
    part = metrics[name]
    headline = part["scores"][0]
    cell = run.config.settings.network.cell.upper()
    rows: list[tuple[str, dict[str, Any] | None, float | None]] = [
        (f"{cell} ({metrics['training']['weights']:,} weights)", headline, metrics["seconds"]["training"])
    ]
    rows += [(b["name"], b["scores"][0], b["seconds"]) for b in metrics.get("baselines", [])]
    print_ = watcher.console.print
    print_()
    print_(score_table(f"{headline['name']} on {part['n']:,} {name} examples", rows))
    print_()
    for score in part["scores"][1:]:
        print_(f"  {score['name']:<22} {number(score['value']):>8}   ({interval(score)})")
    if "per_class" in part and len(part["per_class"]) <= CLASSES_SHOWN:
        print_()
        print_(_class_table(part["per_class"]))
        if "confusion" in part:
            print_()
            print_(_confusion_table([row["name"] for row in part["per_class"]], part["confusion"]))
    if "verdict" in metrics:
        print_(f"\n{metrics['verdict']}")


def _class_table(rows: list[dict[str, Any]]) -> Table:
    """Precision, recall and F1 per class."""
    table = Table(box=None, pad_edge=False)
    for column in ("class", "precision", "recall", "F1", "examples"):
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


def make_options(
    roles: dict[str, Any], settings: dict[str, Any], options: dict[str, Any], budget: str | None
) -> SequenceFitOptions:
    """The options as typed, checked.

    Raises:
        InputError: naming the option.
    """
    roles = dict(roles)
    for name in ("features", "ignore"):
        if roles.get(name) is not None:
            roles[name] = [part.strip() for part in roles[name].split(",")]
    if roles.get("target") is not None and len(roles["target"]) == 1:
        roles["target"] = roles["target"][0]
    try:
        data = SchemaOptions(**{name: value for name, value in roles.items() if value is not None})
        return SequenceFitOptions(
            data=data,
            settings=settings,
            budget_s=None if budget is None else parse_duration(budget, where="--budget"),
            **options,
        )
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][-1]).replace("_", "-")
        raise InputError(f"{first['input']!r} does not fit: {first['msg']}", where=f"--{name}") from error


def parse_assignments(assignments: list[str]) -> dict[str, Any]:
    """`["a.b=1"]` to `{"a.b": "1"}`."""
    settings = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise InputError(
                f"expected NAME=VALUE, found {assignment!r}",
                where="--set",
                fix="For example --set network.hidden_size=64.",
            )
        settings[name.strip()] = value.strip()
    return settings


def free_place(data: str) -> Path:
    """`runs/NAME`, or `runs/NAME-2` and so on where that is taken."""
    name = re.sub(r"\W+", "-", Path(data).name.split(".")[0] if data != "-" else "stdin").strip("-") or "run"
    number_ = 1
    while (place := Path("runs") / (name if number_ == 1 else f"{name}-{number_}")).exists():
        number_ += 1
    return place
