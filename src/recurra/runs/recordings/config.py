"""What a run that writes down sequences keeps in its `config.json`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from recurra.data.transcripts.definition import TranscriptOptions, TranscriptSchema
from recurra.networks.config import NetworkShape
from recurra.runs.config import FitOptions, RunConfig
from recurra.tasks.transcription.settings import TranscriptionSettings


class RecordingFitOptions(FitOptions):
    """What a person asked for.

    Args:
        data: what the columns mean.
        validation: as everywhere; None decides by the number of sequences (`recurra.data.splits.make_split`).
        split_seed: of the split, where it is not to follow `seed`: trainings of other seeds on the same parts.
        lm: a run that writes text by character, to say how likely texts are.
    """

    data: TranscriptOptions = TranscriptOptions()
    split_seed: int | None = Field(default=None, ge=0, lt=2**63)
    lm: str | None = None


class FusionChoice(BaseModel):
    """How a language model takes part.

    Args:
        weight, word_bonus: as `recurra.tasks.transcription.decoding.Fusion` has them.
        source: the run that it came from.
        why: how they were chosen.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    weight: float = Field(ge=0)
    word_bonus: float
    source: str
    why: str

    @property
    def told(self) -> str:
        """In words."""
        return f"weight {self.weight:g}, {self.word_bonus:g} for each word; {self.why}"


class RecordingRunConfig(RunConfig):
    """Everything that is needed to use a run that writes down sequences.

    Args:
        settings: of sound with the rate and the bands that were chosen.
        numbers: the scaling of the steps.
        targets: the alphabet.
        fusion: how the language model takes part, where there is one.
    """

    kind: Literal["recording"] = "recording"  # pyright: ignore[reportIncompatibleVariableOverride]
    options: RecordingFitOptions
    settings: TranscriptionSettings
    data_schema: TranscriptSchema
    shape: NetworkShape
    numbers: dict[str, Any]
    targets: dict[str, Any]
    fusion: FusionChoice | None = None
