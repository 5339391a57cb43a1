"""What a run of sequences keeps in its `config.json`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from recurra.data.schema import Schema, SchemaOptions
from recurra.networks.config import NetworkShape
from recurra.runs.config import FitOptions, RunConfig
from recurra.tasks.settings import Settings
from recurra.tasks.task import Decision


class SequenceFitOptions(FitOptions):
    """What a person asked for.

    Args:
        data: what the columns mean.
        validation: as everywhere; None decides by the number of examples (`recurra.data.splits.make_split`).
        split_seed: of the split, where it is not to follow `seed`: trainings of other seeds on the same parts.
    """

    data: SchemaOptions = SchemaOptions()
    split_seed: int | None = Field(default=None, ge=0, lt=2**63)


class SequenceRunConfig(RunConfig):
    """Everything that is needed to use a run that classifies or regresses sequences.

    Args:
        numbers: the scaling of numeric sequences, or of pixels.
        targets: the target encoder.
        counts: training targets of each class, see `recurra.tasks.counts_of`; weights in the loss come from them.
        decision: how outputs become answers.
    """

    kind: Literal["sequence"] = "sequence"  # pyright: ignore[reportIncompatibleVariableOverride]
    options: SequenceFitOptions
    settings: Settings
    data_schema: Schema
    shape: NetworkShape
    numbers: dict[str, Any] | None = None
    targets: dict[str, Any]
    counts: list[int] | list[list[int]] | None = None
    decision: Decision | None = None
