"""What a run that writes down sequences keeps in its `config.json`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

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
    """

    data: TranscriptOptions = TranscriptOptions()
    split_seed: int | None = Field(default=None, ge=0, lt=2**63)


class RecordingRunConfig(RunConfig):
    """Everything that is needed to use a run that writes down sequences.

    Args:
        settings: of sound with the rate and the bands that were chosen.
        numbers: the scaling of the steps.
        targets: the alphabet.
    """

    kind: Literal["recording"] = "recording"  # pyright: ignore[reportIncompatibleVariableOverride]
    options: RecordingFitOptions
    settings: TranscriptionSettings
    data_schema: TranscriptSchema
    shape: NetworkShape
    numbers: dict[str, Any]
    targets: dict[str, Any]
