"""`recurra fit`."""

from __future__ import annotations

import re
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from recurra.cli.console import Watcher, plain, print_json
from recurra.cli.faces import face_of
from recurra.errors import InputError
from recurra.networks.config import CELL_NAMES
from recurra.report.writing import write_page
from recurra.runs.asking import asked_kind, make_options
from recurra.runs.events import Said
from recurra.runs.run import CHECKPOINT, is_run
from recurra.training.checkpoint import read_checkpoint

ENDED_WELL = ("finished", "early", "clock")


def run_fit(
    data: str,
    *,
    task: str | None,
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
    kind, told = asked_kind(data, task, roles, encoding)
    face = face_of(kind.name)
    settings = parse_assignments(assignments)
    if cell is not None:
        settings["network.cell"] = _checked_cell(cell)
    kind.settings().changed(settings)  # what cannot be set is refused before a table is read
    asked = make_options(kind, task, roles, settings, options, budget)
    place = out if out is not None else free_place(data)
    with Watcher(as_json=as_json) as watcher:
        if told is not None:
            watcher(Said(told))
        try:
            run = face.fit(
                data,
                asked,
                test=test,
                encoding=encoding,
                out=place,
                overwrite=overwrite,
                resume=resume,
                started=started,
                observer=watcher,
                command=["recurra", *sys.argv[1:]],
            )
        except KeyboardInterrupt:
            watcher.console.print(_how_to_go_on(place))
            raise
        if not as_json:
            face.show_result(run, watcher)
        page = write_page(place)
        if as_json:
            print_json(run.metrics | {"run": str(place), "report": str(page)})
        else:
            watcher.console.print(
                f"\nThe run is in {plain(place)}, and a page about it in {plain(page)}. Next:"
            )
            for command in face.next_commands(Path(shlex.quote(str(place)))):
                watcher.console.print(f"  {plain(command)}")
            if run.metrics["training"]["stopped"] == "interrupted":
                watcher.console.print(
                    f"To go on with the training, repeat the command with --out {shlex.quote(str(place))} --resume."
                )
    if run.metrics["training"]["stopped"] not in ENDED_WELL:
        raise SystemExit(1)


def _checked_cell(cell: str) -> str:
    if cell.lower() not in CELL_NAMES:
        raise InputError(f"expected one of {', '.join(CELL_NAMES)}, found {cell!r}", where="--cell")
    return cell.lower()


def _how_to_go_on(place: Path) -> str:
    """After Ctrl-C outside of training, which leaves a checkpoint by itself."""
    if read_checkpoint(place / CHECKPOINT) is not None:
        return (
            "Interrupted; what was trained is kept. To go on, repeat the command with "
            f"--out {shlex.quote(str(place))} --resume."
        )
    return (
        "Interrupted before anything was trained, so nothing is lost: to begin anew, repeat the command"
        + (f" with --out {shlex.quote(str(place))} --overwrite." if is_run(place) else ".")
    )


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


def free_place(data: str, ending: str = "") -> Path:
    """`runs/NAME` with an ending, or `runs/NAME-2` and so on where that is taken."""
    name = re.sub(r"\W+", "-", Path(data).name.split(".")[0] if data != "-" else "stdin").strip("-") or "run"
    name += ending
    number_ = 1
    while (place := Path("runs") / (name if number_ == 1 else f"{name}-{number_}")).exists():
        number_ += 1
    return place
