"""What a call asks for: which kind of run, and with which options."""

from __future__ import annotations

import csv
from typing import Any

from pydantic import ValidationError

from recurra.errors import InputError
from recurra.runs.budget import parse_duration
from recurra.runs.kinds import KINDS, Kind

TASKS = list(dict.fromkeys(task for kind in KINDS.values() for task in kind.tasks))


def asked_kind(
    data: Any, task: str | None, roles: dict[str, Any], encoding: str | None = None
) -> tuple[Kind, str | None]:
    """Which kind of run is asked for, and, where the data decided it, what is to be told of that.

    Forecasts by their horizon. Without a task, the first kind that knows the data when it sees them, which is told, or
    else that of sequences; with one, the first kind that has it, unless another one that has it, too, knows the data.

    Args:
        data: a file, a folder, a frame or a text.
        roles: what was said of the columns.

    Raises:
        InputError: there is no such task, or forecasts are asked for without a horizon.

    >>> asked_kind(None, "generate", {})[0].name, asked_kind(None, None, {"horizon": 24})[0].name
    ('texts', 'forecasts')
    >>> asked_kind("Once upon a time\\nthere was", None, {})
    (Kind(name='texts', ...), 'no line of the text has a label: ...')
    """
    if task is not None and task not in TASKS:
        raise InputError(f"expected {', '.join(TASKS[:-1])} or {TASKS[-1]}, found {task!r}", where="--task")
    if task == "forecast" or (task is None and roles.get("horizon") is not None):
        if roles.get("horizon") is None:
            raise InputError(
                "how many steps are to be forecast is not said",
                where="--task forecast",
                fix="Add --horizon N.",
            )
        return KINDS["forecasts"], None
    able = [kind for kind in KINDS.values() if task is None or task in kind.tasks]
    for kind in able if task is None else able[1:]:
        if told := kind.recognise(data, roles, encoding):
            return kind, told if task is None else None
    return (KINDS["sequences"] if task is None else able[0]), None


def make_options(
    asked: Kind,
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
    known = asked.data.model_fields
    given = {name: value for name, value in roles.items() if value is not None}
    if "task" in known and task is not None:
        given["task"] = task
    for role, value in given.items():
        if role not in known and role not in asked.own_options:
            raise InputError(
                f"this has no effect on {asked.name}",
                where=f"--{role.replace('_', '-')}",
                fix="Leave it out.",
            )
        several = role in known and "list[str]" in str(known[role].annotation)
        if several and isinstance(value, str) and role != "target":  # a single name, or a list already
            given[role] = _names(value, f"--{role}")
    if isinstance(given.get("target"), list) and len(given["target"]) == 1:
        given["target"] = given["target"][0]
    own = {role: given.pop(role) for role in asked.own_options if role in given}
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


def _names(typed: str, where: str) -> list[str]:
    """Names with commas between them; one that holds a comma stands in double quotes.

    >>> _names('price, "Sales, EUR"', "--past")
    ['price', 'Sales, EUR']
    """
    try:
        return [name.strip() for name in next(csv.reader([typed], skipinitialspace=True))] or [""]
    except csv.Error as error:  # a line break
        raise InputError(
            f"expected names with commas between them, found {typed!r}",
            where=where,
            fix="Put a name that holds a comma or a line break into double quotes.",
        ) from error
