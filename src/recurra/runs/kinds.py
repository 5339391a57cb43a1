"""The kinds of runs: which one a call is for, and what each is asked with."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from recurra.data.corpus import is_running_text, is_text_itself
from recurra.errors import InputError
from recurra.runs.budget import parse_duration
from recurra.runs.config import FitOptions
from recurra.runs.fitting import Fitting
from recurra.tasks.settings import RoomsOfSettings

TASKS = {
    "classify": "sequences",
    "regress": "sequences",
    "tag": "tags",
    "forecast": "forecasts",
    "generate": "texts",
}
# Each kind with the options that it has of its own, beside those of its data.
KINDS: dict[str, tuple[str, ...]] = {
    "sequences": (),
    "tags": (),
    "forecasts": ("horizon", "look_back"),
    "texts": (),
}


@dataclass(frozen=True)
class Kind:
    """What one kind of run is asked with.

    Args:
        name: of its folder: "sequences", "tags", "forecasts", "texts".
        data: what a person may say of the columns.
        options: what a person may ask for.
        settings: every choice about a training.
        opened: from a source and options to the training, its data read, and where they came from.
    """

    name: str
    data: type[BaseModel]
    options: type[FitOptions]
    settings: type[RoomsOfSettings]
    opened: Callable[..., tuple[Fitting[Any, Any], list[str]]]


def kind(name: str) -> Kind:
    """The kind of a name; its modules are imported only now.

    >>> kind("texts").settings.__name__
    'LanguageSettings'
    """
    config = importlib.import_module(f"recurra.runs.{name}.config")
    files = importlib.import_module(f"recurra.runs.{name}.files")
    prefix = {"sequences": "Sequence", "tags": "Tag", "forecasts": "Forecast", "texts": "Text"}[name]
    options = getattr(config, f"{prefix}FitOptions")
    return Kind(
        name=name,
        data=options.model_fields["data"].annotation,
        options=options,
        settings=getattr(config, f"{prefix}RunConfig").model_fields["settings"].annotation,
        opened=files.opened,
    )


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


def is_for_writing(data: Any, task: str | None, roles: dict[str, Any], encoding: str | None) -> bool:
    """Whether nothing is said of the data, and they are running text, in a file or as they stand."""
    if task is not None or any(value not in (None, [], "") for value in roles.values()):
        return False
    return is_text_itself(data) or (isinstance(data, str | os.PathLike) and is_running_text(data, encoding))


def make_options(
    name: str,
    task: str | None,
    roles: dict[str, Any],
    settings: dict[str, Any],
    options: dict[str, Any],
    budget: str | float | None,
) -> Any:
    """The options of a kind as typed, checked.

    Raises:
        InputError: naming the option.
    """
    asked = kind(name)
    known = asked.data.model_fields
    given = {name: value for name, value in roles.items() if value is not None}
    if "task" in known and task is not None:
        given["task"] = task
    for role, value in given.items():
        if role not in known and role not in KINDS[name]:
            raise InputError(
                f"this has no effect on {name}", where=f"--{role.replace('_', '-')}", fix="Leave it out."
            )
        several = "list[str]" in str(known[role].annotation) if role in known else False
        if several and isinstance(value, str):
            given[role] = [part.strip() for part in value.split(",")]
    if isinstance(given.get("target"), list) and len(given["target"]) == 1:
        given["target"] = given["target"][0]
    own = {role: given.pop(role) for role in KINDS[name] if role in given}
    try:
        return asked.options(
            data=asked.data(**given),  # pyright: ignore[reportCallIssue]
            settings=settings,
            budget_s=None if budget is None else parse_duration(budget, where="--budget"),
            **own,
            **{option: value for option, value in options.items() if value is not None},
        )
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][-1]).replace("_", "-")
        message = first["msg"][0].lower() + first["msg"][1:]
        raise InputError(f"{first['input']!r} does not fit: {message}", where=f"--{option}") from error
