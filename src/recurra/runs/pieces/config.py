"""What a run on piano rolls keeps in its `config.json`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from recurra.data.music import KEYS, LOWEST, NoteValue
from recurra.networks.config import NetworkShape
from recurra.runs.config import FitOptions, RunConfig
from recurra.tasks.music.settings import PieceSettings

Frame = list[Annotated[int, Field(ge=LOWEST, lt=LOWEST + KEYS)]]  # the MIDI numbers that sound


class PieceOptions(BaseModel):
    """What a person says of the music.

    Args:
        level: what of it is foretold.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Literal["frames"] = "frames"


class PieceFitOptions(FitOptions):
    """What a person asked for.

    Args:
        validation: share of the pieces; None is a tenth of ten or more, and none of fewer.
        split_seed: of the split, where it is not to follow `seed`: trainings of other seeds on the same parts.
    """

    data: PieceOptions = PieceOptions()
    split_seed: int | None = Field(default=None, ge=0, lt=2**63)


class PieceSchema(BaseModel):
    """What was found of the music.

    Args:
        origin: its name.
        frame: the note value that a frame lasts.
        known: whether the data or a person said so; else it is taken for granted.
        tempo: quarter notes a minute, of pieces that are written.
        openings: first frames of some training pieces, to begin with where nobody gives any.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    origin: str
    frame: NoteValue
    known: bool
    tempo: float = Field(ge=4, le=1000)
    openings: list[Frame] = Field(min_length=1)


class PieceRunConfig(RunConfig):
    """Everything that is needed to use a run that goes on with music."""

    kind: Literal["piece"] = "piece"  # pyright: ignore[reportIncompatibleVariableOverride]
    options: PieceFitOptions
    settings: PieceSettings
    data_schema: PieceSchema
    shape: NetworkShape
