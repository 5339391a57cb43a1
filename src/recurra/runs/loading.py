"""Reading a run folder of any kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from recurra.errors import InputError, RunError
from recurra.networks.own import Encoders, own_encoders
from recurra.runs.config import CONFIG, read_kind
from recurra.runs.kinds import stored_kind
from recurra.runs.run import Run

R = TypeVar("R", bound=Run[Any, Any])


def load(path: str | Path, *, encoders: Encoders | None = None) -> Run[Any, Any]:
    """Read a run folder. Nothing in it is executed.

    Args:
        encoders: the modules of your own that `recurra.compare` was given, name -> class: a run of one holds its
            weights, not its code.

    Raises:
        RunError: a file is missing, altered, broken or of another version, or the training has not ended.
        InputError: a module of the user's own is needed, and not handed over.

    >>> load("no/such/run")
    Traceback (most recent call last):
        ...
    recurra.errors.RunError: no/such/run: this is not a run folder ...
    """
    with own_encoders(encoders):
        return _load(Path(path))


def _load(folder: Path) -> Run[Any, Any]:
    return stored_kind(read_kind(folder), str(folder / CONFIG)).load(folder)


def run_of(given: Any, where: str = "run") -> Run[Any, Any]:
    """A run as it is, that of a fitted estimator, or the one in a folder.

    Raises:
        RunError: as `load`.
        InputError: none of these.

    >>> run_of(3)
    Traceback (most recent call last):
        ...
    recurra.errors.InputError: run: expected a run, its folder or a fitted estimator, found int
    """
    found = getattr(given, "run_", given)
    if isinstance(found, str | Path):
        return load(found)
    if not isinstance(found, Run):
        estimator = hasattr(given, "get_params")
        raise InputError(
            f"expected a run, its folder or a fitted estimator, found {type(given).__name__}",
            where=where,
            fix="Call fit first." if estimator else None,
        )
    return found


def load_as(path: str | Path, *forms: type[R]) -> R:
    """Read a run folder that must be of one kind, or of one of several.

    Raises:
        RunError: as `load`, or a run of another kind.
    """
    run = load(path)
    if not isinstance(run, forms):
        needed = ", or ".join(form.purpose for form in forms)
        raise RunError(
            f"this run is {run.purpose}, and here one is needed that is {needed}",
            where=str(path),
            fix=f"Take `recurra {run.verb}` for this one; in Python `recurra.load` reads runs of every kind.",
        )
    return run


def load_for(path: str | Path, verb: str) -> Run[Any, Any]:
    """Read a run folder whose runs answer to a verb of the command line.

    Raises:
        RunError: as `load`, or a run that answers to another verb.
    """
    run = load(path)
    if run.verb != verb:
        raise RunError(
            f"this run is {run.purpose}", where=str(path), fix=f"Take `recurra {run.verb}` for it."
        )
    return run
