"""What a run of pairs of texts keeps in its `config.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from recurra.data.parallel import PairOptions, PairSchema
from recurra.networks.config import NetworkShape
from recurra.runs.config import FitOptions, RunConfig
from recurra.tasks.translation.settings import PairSettings


class PairFitOptions(FitOptions):
    """What a person asked for.

    Args:
        data: where sources and targets stand.
        validation: None is a tenth, at most 2,000 pairs, and none where that would be fewer than 50.
        test_share: a twentieth; all of them are answered at the end.
        split_seed: of the split, where it is not to follow `seed`: trainings of other seeds on the same parts.
    """

    data: PairOptions = PairOptions()
    test_share: float = Field(default=0.05, ge=0, lt=1)
    split_seed: int | None = Field(default=None, ge=0, lt=2**63)


class PairRunConfig(RunConfig):
    """Everything that is needed to use a run that reads a text and writes another; ids are in `tokenizer.json`."""

    kind: Literal["pair"] = "pair"  # pyright: ignore[reportIncompatibleVariableOverride]
    options: PairFitOptions
    settings: PairSettings
    data_schema: PairSchema
    shape: NetworkShape
