"""`recurra fit`."""

from __future__ import annotations

import importlib
import re
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import ValidationError

from recurra.cli.console import Watcher, print_json
from recurra.data.corpus import is_running_text
from recurra.errors import InputError
from recurra.report.run_page import write_run_page
from recurra.runs.budget import parse_duration
from recurra.runs.events import Said

ENDED_WELL = ("finished", "early", "clock")
TASKS = {"classify": "sequences", "regress": "sequences", "forecast": "forecasts", "generate": "texts"}
# What each kind of run is asked and shown with: options of its own beside those of its data.
KINDS = {"sequences": (), "forecasts": ("horizon", "look_back"), "texts": ()}


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
    running_text = task is None and not any(roles.values()) and is_running_text(data, encoding)
    kind = "texts" if running_text else kind_of(task, roles)
    face = face_of(kind)
    settings = parse_assignments(assignments)
    if cell is not None:
        settings["network.cell"] = cell
    face.SETTINGS().changed(settings)  # what cannot be set is refused before a table is read
    asked = make_options(kind, task, roles, settings, options, budget)
    place = out if out is not None else free_place(data)
    with Watcher(as_json=as_json) as watcher:
        if running_text:
            watcher(Said(f"no line of {data} has a label: to be written on, as with --task generate"))
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
        if not as_json:
            face.show_result(run, watcher)
        page = write_run_page(place)
        if as_json:
            print_json(run.metrics | {"run": str(place), "report": str(page)})
        else:
            watcher.console.print(f"\nThe run is in {place}, and a page about it in {page}. Next:")
            for command in face.next_commands(place):
                watcher.console.print(f"  {command}")
            if run.metrics["training"]["stopped"] == "interrupted":
                watcher.console.print(
                    f"To go on with the training, repeat the command with --out {place} --resume."
                )
    if run.metrics["training"]["stopped"] not in ENDED_WELL:
        raise SystemExit(1)


def kind_of(task: str | None, roles: dict[str, Any]) -> str:
    """Which kind of run is asked for: that of the task; without one forecasts by their horizon, else sequences.

    Raises:
        InputError: there is no such task, or forecasts are asked for without a horizon.

    >>> kind_of("generate", {}), kind_of(None, {"horizon": 24}), kind_of(None, {})
    ('texts', 'forecasts', 'sequences')
    """
    if task is not None and task not in TASKS:
        raise InputError(
            f"expected {', '.join(list(TASKS)[:-1])} or {list(TASKS)[-1]}, found {task!r}", where="--task"
        )
    if task == "forecast" or (task is None and roles.get("horizon") is not None):
        if roles.get("horizon") is None:
            raise InputError(
                "how many steps are to be forecast is not said",
                where="--task forecast",
                fix="Add --horizon N.",
            )
        return "forecasts"
    return "sequences" if task is None else TASKS[task]


def face_of(kind: str) -> ModuleType:
    """The module of this room that asks for, and shows, runs of a kind; imported when it is needed."""
    return importlib.import_module(f"recurra.cli.{kind}")


def make_options(
    kind: str,
    task: str | None,
    roles: dict[str, Any],
    settings: dict[str, Any],
    options: dict[str, Any],
    budget: str | None,
) -> Any:
    """The options as typed, checked.

    Raises:
        InputError: naming the option.
    """
    face = face_of(kind)
    known = face.DATA_OPTIONS.model_fields
    given = {name: value for name, value in roles.items() if value is not None}
    if "task" in known and task is not None:
        given["task"] = task
    for name, value in given.items():
        if name not in known and name not in KINDS[kind]:
            raise InputError(
                f"this has no effect on {kind}", where=f"--{name.replace('_', '-')}", fix="Leave it out."
            )
        several = "list[str]" in str(known[name].annotation) if name in known else False
        if several and isinstance(value, str):
            given[name] = [part.strip() for part in value.split(",")]
    if len(given.get("target", [])) == 1:
        given["target"] = given["target"][0]
    own = {name: given.pop(name) for name in KINDS[kind] if name in given}
    try:
        return face.OPTIONS(
            data=face.DATA_OPTIONS(**given),
            settings=settings,
            budget_s=None if budget is None else parse_duration(budget, where="--budget"),
            **own,
            **{name: value for name, value in options.items() if value is not None},
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
