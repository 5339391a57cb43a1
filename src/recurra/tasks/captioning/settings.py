"""All choices of one training on captions, and their defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from recurra.data.parallel import PairTokensConfig
from recurra.networks.caption_network import CaptionNetworkConfig
from recurra.tasks.settings import BatchConfig, RoomsOfSettings
from recurra.tasks.translation.search import Search
from recurra.training.config import TrainingConfig

MeasureName = Literal["exact", "bleu"]
_CAPTIONS = 600_000  # that are learned from, epochs together


class CaptionTokensConfig(BaseModel):
    """How captions become ids."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    level: Literal["word", "subword", "character"] = Field(
        default="word", description="what an id stands for"
    )
    vocabulary_size: int | None = Field(
        default=None,
        ge=4,
        le=1_000_000,
        description="ids at most; unset: as for pairs of texts, of words all",
    )
    lowercase: bool = Field(default=True, description="take capitals for small letters, in answers too")
    longest: int = Field(
        default=60, ge=1, description="ids of a caption at most; longer ones are not learned from"
    )

    def for_codec(self) -> PairTokensConfig:
        """The same as the codec of texts takes it."""
        return PairTokensConfig(
            level=self.level, vocabulary_size=self.vocabulary_size, lowercase=self.lowercase, shared=True
        )


class CaptionTaskConfig(BaseModel):
    """Choices of the loss, of the search for a caption, and of what it is scored by."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    label_smoothing: float = Field(
        default=0.05, ge=0, lt=1, description="share of the target spread over all ids of the vocabulary"
    )
    words: float = Field(
        default=1.0,
        ge=0,
        description="weight of a second loss: which words a caption has, from the image alone",
    )
    beam: int = Field(default=3, ge=1, le=100, description="beginnings kept side by side; 1 is greedy")
    length_penalty: float = Field(
        default=0.6, ge=0, description="alpha of Wu et al.; 0 favours short captions, 1 takes about the mean"
    )
    no_repeat: int = Field(
        default=4, ge=0, description="no n-gram of so many ids comes twice in a caption; 0: all may"
    )
    measure: Literal["auto", "exact", "bleu"] = Field(
        default="auto",
        description="what captions are scored by first; auto: the share that is exactly right where captions repeat",
    )

    def search(self) -> Search:
        """How captions are looked for."""
        return Search(beam=self.beam, length_penalty=self.length_penalty, no_repeat=self.no_repeat)


class CaptionSettings(RoomsOfSettings):
    """Every choice that a person can make about a training on captions."""

    task: CaptionTaskConfig = CaptionTaskConfig()
    tokens: CaptionTokensConfig = CaptionTokensConfig()
    batches: BatchConfig = BatchConfig()
    network: CaptionNetworkConfig = CaptionNetworkConfig()
    training: TrainingConfig = TrainingConfig()


def default_caption_settings(captions: int, image: tuple[int, int, int] | None) -> CaptionSettings:
    """Settings for so many training captions of images of a size, or of vectors.

    An image is brought down to about seven places a side by convolutions.

    >>> default_caption_settings(10_000, (56, 56, 1)).network.image_channels
    (32, 64, 128)
    """
    epochs = int(np.clip(round(_CAPTIONS / max(1, captions)), 5, 60))
    network = CaptionNetworkConfig()
    if image is not None:
        blocks = int(np.clip(round(np.log2(min(image[:2]) / 7)), 1, 5))
        channels = tuple(min(256, 32 * 2**k) for k in range(blocks))
        network = network.model_copy(update={"image_channels": channels})
    return CaptionSettings(
        batches=BatchConfig(tokens_per_batch=12_800, max_batch=int(np.clip(captions // 50, 16, 64))),
        network=network,
        training=TrainingConfig(epochs=epochs, learning_rate=2e-3, patience=max(3, epochs // 4)),
    )


def measure_of(
    asked: Literal["auto", "exact", "bleu"],
    learned: Sequence[tuple[str, ...]],
    held_out: Sequence[tuple[str, ...]],
) -> tuple[MeasureName, str]:
    """What captions are scored by first, and why, as a sentence.

    Args:
        learned, held_out: captions of the training part, and of examples beside it.

    >>> measure_of("auto", [("a two",), ("a one",)], [("a two",), ("a three",)])[0]
    'exact'
    """
    if asked != "auto":
        return (
            asked,
            f"captions are scored by {'BLEU' if asked == 'bleu' else 'the share exactly right'}, as asked",
        )
    known = {caption for captions in learned for caption in captions}
    share = np.mean([any(c in known for c in captions) for captions in held_out]) if held_out else 0.0
    if share >= 0.5:
        return "exact", (
            f"captions are scored by the share exactly right: {share:.0%} of others are known word for word "
            "(--set task.measure=bleu overrules it)"
        )
    return (
        "bleu",
        "captions are scored by BLEU first, for they hardly repeat (--set task.measure=exact overrules it)",
    )
