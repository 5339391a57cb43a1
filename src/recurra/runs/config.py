"""What every run folder says of itself, `config.json`, whatever kind of run it is."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recurra import __version__
from recurra.errors import InputError, RunError
from recurra.storage import read_json, write_json

CONFIG = "config.json"
FORMAT = 1
_NAMED = 6  # runs that an error names at most


class FitOptions(BaseModel):
    """What a person asked for; everything else follows from it and from the data.

    Args:
        settings: changes of the defaults, by dotted names such as `network.hidden_size`.
        validation: share of the training data held out to choose the weights; 0 holds out none, None decides
            by the data.
        test_share: share of all data held out for the score, where no test data are given; 0 for none.
        budget_s: seconds for everything.
        init: a run folder to start from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: dict[str, Any] = Field(default_factory=dict)
    seed: int = Field(default=0, ge=0, lt=2**63)
    validation: float | None = Field(default=None, ge=0, lt=1)
    test_share: float = Field(default=0.2, ge=0, lt=1)

    def refuse(self, *names: str, why: str) -> None:
        """Raise where one of these was asked for, though it has no effect.

        Raises:
            InputError: naming it.
        """
        for name in names:
            if name in self.model_fields_set and getattr(self, name) is not None:
                raise InputError(why, where=f"--{name.replace('_', '-')}", fix="Leave it out.")

    budget_s: float | None = Field(default=None, gt=0)
    baselines: bool = True
    init: str | None = None


class Told(BaseModel):
    """Something that was said while the data were read and prepared.

    Args:
        phase: of the work, in the form "Reading reviews.csv".
        kind: "note" or "warning".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    phase: str
    text: str
    kind: Literal["note", "warning"]


class RunConfig(BaseModel):
    """What is needed to use a run, or to make it again. Each kind of run adds its schema, settings and encoders.

    Args:
        kind: which kind of run this is.
        options: what was asked for.
        sources: where the data came from.
        command: the command line that began it, word by word; None where it was begun from Python.
        told: what was said of the data, in order.
        parts: examples in each part.
        fingerprint: of all that training and validation read.
        total_steps: optimiser steps of the schedule, written down before training begins.
        moved: whether a session of the training ran on another device than the first.
        files: SHA-256 of the files that belong to a finished run.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    kind: str
    status: Literal["training", "complete"]
    versions: dict[str, str]
    machine: dict[str, Any]
    options: FitOptions
    sources: list[str]
    command: list[str] | None = None
    told: list[Told] = Field(default_factory=list)
    parts: dict[str, int]
    fingerprint: str
    total_steps: int | None = None
    moved: bool = False
    files: dict[str, str] = Field(default_factory=dict)


C = TypeVar("C", bound=RunConfig)


def circumstances() -> dict[str, Any]:
    """Versions and machine, as a new run's configuration keeps them."""
    import numpy as np
    import torch

    return {
        "versions": {
            "recurra": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "threads": torch.get_num_threads(),
        },
    }


def write_config(folder: Path, config: RunConfig) -> None:
    """Write `config.json`, whole or not at all."""
    write_json(folder / CONFIG, config.model_dump(mode="json"))


def read_kind(folder: Path) -> str:
    """Which kind of run a folder holds.

    Raises:
        RunError: no run folder, or another format.
    """
    path = folder / CONFIG
    if not folder.is_dir() or not path.exists():
        inside = _runs_inside(folder)
        if inside:
            raise RunError(
                "this folder holds several runs, and one is needed",
                where=str(folder),
                fix=f"Name one of {', '.join(inside[:_NAMED])}"
                + (f" and {len(inside) - _NAMED} more." if inside[_NAMED:] else "."),
            )
        raise RunError(
            "this is not a run folder (no config.json in it)",
            where=str(folder),
            fix="Give the folder that `recurra fit --out` made.",
        )
    content = read_json(path)
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        versions = content.get("versions") if isinstance(content, dict) else None
        made_by = versions.get("recurra", "unknown") if isinstance(versions, dict) else "unknown"
        raise RunError(
            f"expected a run of format {FORMAT}, found {found!r} (made by recurra {made_by})",
            where=str(path),
            fix="Use the version of Recurra that made it, or train it again.",
        )
    return str(content.get("kind"))


def _runs_inside(folder: Path) -> list[str]:
    """The runs of a comparison or of a part of the demo; of all its parts."""
    for pattern in (f"*/{CONFIG}", f"*/*/{CONFIG}"):
        if found := sorted(str(path.parent) for path in folder.glob(pattern)):
            return found
    return []


def read_config(folder: Path, form: type[C]) -> C:
    """Read and check the `config.json` of a run of the kind that `form` describes.

    Raises:
        RunError: no run folder, another format or kind, unknown or missing keys.
    """
    path = folder / CONFIG
    kind, expected = read_kind(folder), form.model_fields["kind"].default
    if kind != expected:
        raise RunError(
            f"expected a run of kind {expected!r}, found one of kind {kind!r}",
            where=str(path),
            fix="Go on with it by the whole command that made it, --task included, or choose another --out.",
        )
    try:
        return form.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise RunError(
            f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}",
            where=str(path),
            fix="The file was altered or is of another version; restore it, or train the run again.",
        ) from error
