"""What a run on events of music keeps in its `config.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from recurra.networks.config import NetworkShape
from recurra.runs.config import FitOptions, RunConfig
from recurra.tasks.music.event_settings import PerformanceSettings


class PerformanceOptions(BaseModel):
    """What a person says of the music.

    Args:
        level: what of it is foretold.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Literal["events"] = "events"


class PerformanceFitOptions(FitOptions):
    """What a person asked for.

    Args:
        validation: share of the pieces; None is a tenth of ten or more, and none of fewer.
        split_seed: of the split, where it is not to follow `seed`: trainings of other seeds on the same parts.
    """

    data: PerformanceOptions = PerformanceOptions()
    split_seed: int | None = Field(default=None, ge=0, lt=2**63)


class PerformanceSchema(BaseModel):
    """What was found of the music.

    Args:
        origin: its name.
        tempo: quarter notes a minute, of pieces that are written.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    origin: str
    tempo: float = Field(ge=4, le=1000)


class PerformanceRunConfig(RunConfig):
    """Everything that is needed to use a run that goes on with music event by event."""

    kind: Literal["performance"] = "performance"  # pyright: ignore[reportIncompatibleVariableOverride]
    options: PerformanceFitOptions
    settings: PerformanceSettings
    data_schema: PerformanceSchema
    shape: NetworkShape
