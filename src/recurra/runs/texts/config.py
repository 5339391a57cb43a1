"""What a run of running text keeps in its `config.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from recurra.networks.config import NetworkShape
from recurra.runs.config import FitOptions, RunConfig
from recurra.tasks.generation.settings import LanguageSettings


class CorpusOptions(BaseModel):
    """What a person says of the text.

    Args:
        text: the column of a table that holds it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str | None = None


class TextFitOptions(FitOptions):
    """What a person asked for.

    Args:
        validation, test_share: shares of the text, its last lines; None is a twentieth.
    """

    data: CorpusOptions = CorpusOptions()
    test_share: float = Field(default=0.05, ge=0, lt=1)


class CorpusSchema(BaseModel):
    """What was found of the text.

    Args:
        origin: its name.
        level: what a token is.
        why: why it is that.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    origin: str
    level: Literal["word", "subword", "character"]
    why: str


class TextRunConfig(RunConfig):
    """Everything that is needed to use a run that writes text."""

    kind: Literal["text"] = "text"  # pyright: ignore[reportIncompatibleVariableOverride]
    options: TextFitOptions
    settings: LanguageSettings
    data_schema: CorpusSchema
    shape: NetworkShape
