"""What a run with an answer at every step keeps in its `config.json`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from recurra.data.schema import Schema, SchemaOptions
from recurra.networks.config import NetworkShape
from recurra.runs.config import FitOptions, RunConfig
from recurra.tasks.tagging.settings import TagSettings
from recurra.tasks.task import Decision


class TagFitOptions(FitOptions):
    """What a person asked for.

    Args:
        data: what the columns mean.
        validation: as everywhere; None decides by the number of sequences (`recurra.data.splits.make_split`).
        split_seed: of the split, where it is not to follow `seed`: trainings of other seeds on the same parts.
    """

    data: SchemaOptions = SchemaOptions(task="tag")
    split_seed: int | None = Field(default=None, ge=0, lt=2**63)


class TagRunConfig(RunConfig):
    """Everything that is needed to use a run that answers at every step.

    Args:
        numbers: the scaling of the sequences.
        targets: the target encoder.
        counts: training targets of each class, see `recurra.tasks.counts_of`; weights in the loss come from them.
        decision: how outputs become answers.
    """

    kind: Literal["tag"] = "tag"  # pyright: ignore[reportIncompatibleVariableOverride]
    options: TagFitOptions
    settings: TagSettings
    data_schema: Schema
    shape: NetworkShape
    numbers: dict[str, Any]
    targets: dict[str, Any]
    counts: list[int] | list[list[int]] | None = None
    decision: Decision | None = None
