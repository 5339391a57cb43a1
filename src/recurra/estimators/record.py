"""What an estimator adds to a run folder: its parameters, and the type of its labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recurra.errors import RunError
from recurra.runs.run import ESTIMATOR
from recurra.runs.sequences.run import SequenceRun
from recurra.storage import read_json, write_json


class Record(BaseModel):
    """The content of `estimator.json`.

    Args:
        estimator: the name of its class.
        params: as `get_params` gives them, `random_state` as the seed that was used.
        n_features: columns of the table it was fitted on; None where it was no table.
        columns: their names, where they had some.
        classes: as they stood in y; None for regression.
        dtype: of y.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    estimator: str
    params: dict[str, Any] = {}
    n_features: int | None = Field(default=None, ge=1)
    columns: list[str] = []
    classes: list[bool | int | float | str] | None = None
    dtype: str | None = None


def write_record(folder: Path, record: Record) -> None:
    """Write `estimator.json`, whole or not at all."""
    write_json(folder / ESTIMATOR, record.model_dump(mode="json"))


def read_record(folder: Path, estimator: str, params: list[str], run: SequenceRun) -> Record:
    """Read `estimator.json`; a run that no estimator made has none, and gives a record of its options.

    Args:
        folder: of the run.
        estimator: the class that is to be made of it.
        params: the parameters that this class has.
        run: what the folder holds.

    Raises:
        RunError: it belongs to another estimator, or was altered.
    """
    task = {"SequenceClassifier": "classify", "SequenceRegressor": "regress"}[estimator]
    if run.config.data_schema.task != task:
        raise RunError(
            f"expected a run that can {task}, found one that can {run.config.data_schema.task}",
            where=str(folder),
            fix="Load it with the other estimator, or with recurra.load.",
        )
    options = run.config.options
    given = {
        "settings": options.settings,
        "random_state": options.seed,
        "validation": options.validation,
        "budget": options.budget_s,
        "init": options.init,
    }
    return stored_record(folder, estimator, params) or Record(estimator=estimator, params=given)


def stored_record(folder: Path, estimator: str, params: list[str]) -> Record | None:
    """What stands in `estimator.json`; None where there is none.

    Raises:
        RunError: as `read_record`.
    """
    path = folder / ESTIMATOR
    if not path.exists():
        return None
    try:
        record = Record.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise _broken(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if record.estimator != estimator:
        raise _broken(path, f"expected a {estimator}, found {record.estimator!r}")
    if unknown := sorted(set(record.params) - set(params)):
        raise _broken(path, f"{estimator} has no parameter {unknown[0]!r}")
    return record


def _broken(path: Path, problem: str) -> RunError:
    return RunError(problem, where=str(path), fix="Restore the file, or train again.")
