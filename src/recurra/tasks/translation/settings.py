"""All choices of one training on pairs of texts, and their defaults."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from recurra.data.parallel import PairTokensConfig
from recurra.data.vocabulary import Level
from recurra.networks.pair_network import PairNetworkConfig
from recurra.tasks.settings import BatchConfig, RoomsOfSettings
from recurra.tasks.translation.search import Search
from recurra.training.config import TrainingConfig

MeasureName = Literal["bleu", "rouge"]
_TARGET_TOKENS = 12_000_000  # that are learned from, epochs together
_MANY = 100_000  # pairs, which need less dropout
_LIMITS, _WITHIN = (250, 1000), 0.98  # ids of a text, and the share of texts that are to be within
_IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_SYLLABLE = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
# In rising order: more than 1 is for answers of several sentences, each of which begins with a choice that costs more
# than to end.
LENGTH_PENALTIES = (0.6, 1.0, 1.5, 2.0, 3.0)
_NO_REPEAT: dict[Level, int] = {"word": 4, "subword": 4, "character": 12}


class PairTaskConfig(BaseModel):
    """Choices of the loss, of the search for an answer, and of what it is scored by."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    label_smoothing: float = Field(
        default=0.1, ge=0, lt=1, description="share of the target spread over all ids of the vocabulary"
    )
    beam: int = Field(default=5, ge=1, le=100, description="beginnings kept side by side; 1 is greedy")
    length_penalty: float | None = Field(
        default=None,
        ge=0,
        description="alpha of Wu et al.; 0 favours short answers, 1 takes about the mean, more favours long ones; "
        "unset: chosen on the validation part (0.6 to 3), 0.6 without one",
    )
    no_repeat: int | None = Field(
        default=None,
        ge=0,
        description="no n-gram of so many ids comes twice in an answer; 0: all may; unset: 4, of characters 12",
    )
    longest_share: float = Field(
        default=2.0, ge=0, description="ids of an answer for each of the source, at most"
    )
    longest_more: int = Field(default=10, ge=1, description="ids of an answer at most beyond that share")
    measure: Literal["auto", "bleu", "rouge"] = Field(
        default="auto",
        description="what answers are scored by; auto: rouge where targets are less than half as long as sources",
    )
    tokenize: Literal["auto", "13a", "intl", "zh", "char", "none", "english", "words"] = Field(
        default="auto",
        description="words of BLEU, by sacrebleu's name; auto: 13a, of scripts without spaces zh or char; of ROUGE "
        "english (stemmed) or words; auto: by the alphabet",
    )

    def search(self, level: Level) -> Search:
        """How answers are looked for, where an id is a word, a subword or a character."""
        no_repeat = _NO_REPEAT[level] if self.no_repeat is None else self.no_repeat
        penalty = LENGTH_PENALTIES[0] if self.length_penalty is None else self.length_penalty
        return Search(beam=self.beam, length_penalty=penalty, no_repeat=no_repeat)

    def limits(self, lengths: np.ndarray, longest: int) -> np.ndarray:
        """(B,) ids of an answer at most, for sources of `lengths` ids.

        >>> PairTaskConfig().limits(np.array([3, 500]), longest=250).tolist()
        [16, 250]
        """
        return np.minimum(np.ceil(self.longest_share * lengths) + self.longest_more, longest).astype(np.int64)


class PairSettings(RoomsOfSettings):
    """Every choice that a person can make about a training on pairs of texts."""

    task: PairTaskConfig = PairTaskConfig()
    tokens: PairTokensConfig = PairTokensConfig()
    batches: BatchConfig = BatchConfig()
    network: PairNetworkConfig = PairNetworkConfig()
    training: TrainingConfig = TrainingConfig()


def default_pair_settings(pairs: int, target_tokens: int) -> PairSettings:
    """Settings for so many training pairs, their targets together of so many ids.

    Few pairs are read often, in small batches and with more of the network hidden (as of Multi30k by Caglayan et al.,
    arXiv:1707.04481); many a few times, until twelve million ids were foretold: about 30 epochs of Multi30k.

    >>> default_pair_settings(29_000, 407_000).training.epochs
    29
    """
    epochs = int(np.clip(round(_TARGET_TOKENS / max(1, target_tokens)), 4, 60))
    network = PairNetworkConfig()
    if pairs < _MANY:
        network = PairNetworkConfig(input_dropout=0.3, dropout=0.3, output_dropout=0.4)
    return PairSettings(
        batches=BatchConfig(tokens_per_batch=4_000, max_batch=int(np.clip(pairs // 50, 16, 64))),
        network=network,
        training=TrainingConfig(epochs=epochs, learning_rate=2e-3, patience=max(3, epochs // 4)),
    )


def usual_limit(lengths: np.ndarray) -> int:
    """Ids that a text may have, for texts of `lengths` (N,): 250, or as many as 49 of 50 have, up to a thousand.

    >>> usual_limit(np.array([12, 30, 9])), usual_limit(np.array([320, 310, 290])), usual_limit(np.full(9, 5000))
    (250, 350, 1000)
    """
    return int(np.clip(50 * np.ceil(np.quantile(lengths, _WITHIN) / 50), _LIMITS[0], _LIMITS[1]))


def measure_of(
    asked: Literal["auto", "bleu", "rouge"], sources: Sequence[str], targets: Sequence[str]
) -> tuple[MeasureName, str]:
    """What answers are scored by, and why, as a sentence.

    >>> measure_of("auto", ["a long story about a man"], ["a man"])[0]
    'rouge'
    >>> measure_of("auto", ["A dog runs through the snow."], ["一只狗在雪地里奔跑。"])[0]
    'bleu'
    """
    if asked != "auto":
        return asked, f"answers are scored by {asked.upper()}, as asked"
    share = float(np.median([_extent(t) / max(1, _extent(s)) for s, t in zip(sources, targets, strict=True)]))
    if share < 0.5:
        return "rouge", (
            f"answers are scored by ROUGE: a target is {share:.0%} as long as its source, as a summary is "
            "(--set task.measure=bleu overrules it)"
        )
    return (
        "bleu",
        "answers are scored by BLEU and chrF, as translations are (--set task.measure=rouge overrules it)",
    )


def _extent(text: str) -> int:
    """Characters, as many as an alphabet would take: a Chinese one says what three letters do, kana and Hangul two.

    >>> _extent("a dog"), _extent("犬がいる")
    (5, 9)
    """
    return len(text) + 2 * len(_IDEOGRAPH.findall(text)) + len(_SYLLABLE.findall(text))
