"""What a run of captions keeps in its `config.json`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from recurra.data.captions import CaptionOptions, CaptionSchema
from recurra.networks.caption_network import CaptionShape
from recurra.runs.config import FitOptions, RunConfig
from recurra.tasks.captioning.settings import CaptionSettings


class CaptionFitOptions(FitOptions):
    """What a person asked for.

    Args:
        data: where images and captions stand.
        split_seed: of the split, where it is not to follow `seed`: trainings of other seeds on the same parts.
    """

    data: CaptionOptions = CaptionOptions()
    test_share: float = Field(default=0.1, ge=0, lt=1)
    split_seed: int | None = Field(default=None, ge=0, lt=2**63)


class CaptionRunConfig(RunConfig):
    """Everything that is needed to use a run that writes captions; ids are in `tokenizer.json`.

    Args:
        numbers: the scaling of pixels, or of the numbers of a vector.
    """

    kind: Literal["caption"] = "caption"  # pyright: ignore[reportIncompatibleVariableOverride]
    options: CaptionFitOptions
    settings: CaptionSettings
    data_schema: CaptionSchema
    shape: CaptionShape
    numbers: dict[str, Any]
