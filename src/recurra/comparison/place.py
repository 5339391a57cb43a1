"""The folder of a comparison: whether it is free, and what it says of one that goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from recurra.comparison.options import ComparisonOptions
from recurra.comparison.plan import Plan
from recurra.comparison.trials import TRIALS
from recurra.errors import InputError, RunError
from recurra.storage import read_json

PLAN, SUMMARY = "comparison.json", "summary.json"


def check_place(out: Path, *, resume: bool) -> None:
    """Refuse a folder that holds something else than the comparison to go on with.

    Raises:
        InputError: it is taken, or there is nothing to resume.
    """
    taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    begun = (out / PLAN).exists()
    if resume and not begun and (out / TRIALS).exists():
        raise RunError(
            f"there are trials, but not the {PLAN} that says what they were for",
            where=str(out),
            fix="Restore it, or start again in another folder.",
        )
    if resume and not begun:
        raise InputError("there is no comparison to resume here", where=str(out), fix="Leave --resume out.")
    if taken and not resume:
        raise InputError(
            "this place is taken",
            where=str(out),
            fix="Choose another --out" + (", or add --resume." if begun else "."),
        )


def stored_plan(out: Path) -> Plan | None:
    """The plan of an interrupted comparison; None where there is none."""
    path = out / PLAN
    if not path.exists():
        return None
    try:
        return Plan.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise RunError(
            ": ".join([*map(str, first["loc"][:1]), first["msg"]]),
            where=str(path),
            fix="The file was altered or is of another version; start again in another folder.",
        ) from error


def check_asked(plan: Plan, kind: str, options: ComparisonOptions, asked_for: Any) -> None:
    """Refuse what can be refused before any data are read: a comparison is gone on with as it began.

    Args:
        plan: that it began with.
        kind, options, asked_for: what is asked for now: the kind of its runs, how it compares, how it fits.
    """
    before = {"kind": plan.kind, **plan.options.model_dump(mode="json"), **plan.asked}
    asked = asked_for.model_dump(mode="json")
    if asked["validation"] is None:  # then the data may have decided
        del asked["validation"]
    now = {"kind": kind, **options.model_dump(mode="json"), **asked}
    for name, value in now.items():
        if before.get(name) != value:
            raise InputError(
                f"this comparison began with {name} = {before.get(name)!r}, found {value!r}",
                where="--resume",
                fix="Repeat the command as it was, or start again in another folder.",
            )
