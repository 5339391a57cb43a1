"""All choices of one training on tagged words, and the defaults, which depend on the sentences."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from recurra.data.sentences.vocabulary import WordConfig
from recurra.networks.sentence_network import SentenceNetworkConfig
from recurra.tasks.settings import BatchConfig, RoomsOfSettings
from recurra.training.config import TrainingConfig

_WORDS = 3_000_000  # read in all by default


class SentenceTaskConfig(BaseModel):
    """Choices of the output."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    output: Literal["auto", "crf", "softmax"] = Field(
        default="auto",
        description="tags of a sentence as one answer (crf) or each by itself; auto: crf where tags mark spans",
    )
    scheme: Literal["BIOES", "IOB2", "as found"] = Field(
        default="BIOES", description="in which spans are learned; answers are in the scheme of the data"
    )


class SentenceSettings(RoomsOfSettings):
    """Every choice that a person can make about such a training."""

    task: SentenceTaskConfig = SentenceTaskConfig()
    words: WordConfig = WordConfig()
    batches: BatchConfig = BatchConfig(tokens_per_batch=3_200, max_batch=32)
    network: SentenceNetworkConfig = SentenceNetworkConfig()
    training: TrainingConfig = TrainingConfig()


def default_sentence_settings(lengths: np.ndarray) -> SentenceSettings:
    """Settings for training sentences of `lengths` (N,) words.

    Three million words are read in all: much data about fifteen times, little data up to sixty times and in small
    batches.

    >>> settings = default_sentence_settings(np.full(10_000, 20))
    >>> settings.training.epochs, settings.batches.max_batch
    (15, 32)
    """
    epochs = int(np.clip(round(_WORDS / max(1, int(lengths.sum()))), 8, 60))
    batch = int(np.clip(len(lengths) // 100, 8, 32))
    return SentenceSettings(
        batches=BatchConfig(tokens_per_batch=100 * batch, max_batch=batch),
        training=TrainingConfig(epochs=epochs, patience=max(5, epochs // 3)),
    )
