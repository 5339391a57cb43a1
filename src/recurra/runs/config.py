"""What a run folder says of itself: `config.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recurra.data.schema import Schema, SchemaOptions
from recurra.errors import RunError
from recurra.networks.config import NetworkShape
from recurra.storage import read_json, write_json
from recurra.tasks.settings import Settings
from recurra.tasks.task import Decision

CONFIG = "config.json"
FORMAT = 1


class FitOptions(BaseModel):
    """What a person asked for; everything else follows from it and from the data.

    Args:
        validation: share of the training data held out to choose the weights; 0 holds out none, None decides
            by the number of examples (`recurra.data.splits.make_split`).
        test_share: share of all data held out for the score, where no test data are given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: SchemaOptions = SchemaOptions()
    settings: dict[str, Any] = Field(default_factory=dict)
    seed: int = Field(default=0, ge=0, lt=2**63)
    validation: float | None = Field(default=None, ge=0, lt=1)
    test_share: float = Field(default=0.2, gt=0, lt=1)
    budget_s: float | None = Field(default=None, gt=0)
    baselines: bool = True
    init: str | None = None


class RunConfig(BaseModel):
    """Everything that is needed to use the run, or to make it again.

    Args:
        total_steps: optimiser steps of the schedule, written down before training begins.
        files: SHA-256 of the files that belong to a finished run.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    status: Literal["training", "complete"]
    versions: dict[str, str]
    machine: dict[str, Any]
    options: FitOptions
    settings: Settings
    data_schema: Schema
    shape: NetworkShape
    sources: list[str]
    parts: dict[str, int]
    fingerprint: str
    total_steps: int | None = None
    numbers: dict[str, Any] | None = None
    targets: dict[str, Any]
    decision: Decision | None = None
    files: dict[str, str] = Field(default_factory=dict)


def write_config(folder: Path, config: RunConfig) -> None:
    """Write `config.json`, whole or not at all."""
    write_json(folder / CONFIG, config.model_dump(mode="json"))


def read_config(folder: Path) -> RunConfig:
    """Read and check `config.json`.

    Raises:
        RunError: no run folder, another format, unknown or missing keys.
    """
    path = folder / CONFIG
    if not folder.is_dir() or not path.exists():
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
    try:
        return RunConfig.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise RunError(
            f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}",
            where=str(path),
            fix="The file was altered or is of another version; restore it, or train the run again.",
        ) from error
