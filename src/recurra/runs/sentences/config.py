"""What a run that tags words keeps in its `config.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from recurra.data.sentences.definition import SentenceOptions, SentenceSchema
from recurra.data.sentences.schemes import Scheme
from recurra.networks.sentence_network import SentenceShape
from recurra.runs.config import FitOptions, RunConfig
from recurra.tasks.sentences.settings import SentenceSettings


class SentenceFitOptions(FitOptions):
    """What a person asked for.

    Args:
        data: what the columns mean.
        validation: as everywhere; None decides by the number of sentences (`recurra.data.splits.make_split`).
        split_seed: of the split, where it is not to follow `seed`: trainings of other seeds on the same parts.
    """

    data: SentenceOptions = SentenceOptions()
    split_seed: int | None = Field(default=None, ge=0, lt=2**63)


class SentenceRunConfig(RunConfig):
    """Everything that is needed to use a run that tags words.

    Args:
        tags: K tags in the order of the network's outputs.
        learned_scheme: of these tags, where they mark spans; answers are in the scheme of the data.
    """

    kind: Literal["sentence"] = "sentence"  # pyright: ignore[reportIncompatibleVariableOverride]
    options: SentenceFitOptions
    settings: SentenceSettings
    data_schema: SentenceSchema
    shape: SentenceShape
    tags: list[str]
    learned_scheme: Scheme | None = None
