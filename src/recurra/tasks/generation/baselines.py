"""What a network that foretells text has to beat: how often tokens occur, and what follows what."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np

from recurra.data.corpus import Spelling
from recurra.data.vocabulary import Level
from recurra.tasks.baselines import BaselineResult
from recurra.tasks.generation.metrics import headline_of, language_scores
from recurra.tasks.generation.ngrams import NgramModel

# Beyond these nothing, or hardly anything, is gained on the validation parts of Penn Treebank (words), Tiny
# Shakespeare, Russian novels and a Chinese one.
ORDER: dict[Level | Literal["event"], int] = {"word": 5, "subword": 5, "character": 6, "event": 6}

# Tokens of which one second counts all n-grams; several times fewer than was measured.
TOKENS_PER_S = 100_000

_PLURAL: dict[Level | Literal["event"], str] = {
    "word": "words",
    "subword": "subwords",
    "character": "characters",
    "event": "events",
}


class Tokens(Protocol):
    """What has to be known of tokens: those of a text (`TokenCodec`) or others."""

    @property
    def level(self) -> Level | Literal["event"]:
        """What one of them is."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """V, of ids."""
        ...

    def characters(self, ids: np.ndarray) -> np.ndarray | None:
        """(n,) of text that each stands for; None where they are no text."""
        ...


def run_language_baselines(
    train_ids: np.ndarray,
    test_ids: np.ndarray,
    codec: Tokens,
    *,
    spelling: Spelling | None = None,
    order: int | None = None,
    time_limit_s: float = 60.0,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> list[BaselineResult]:
    """Unigram and n-gram model, fitted, timed and scored; `prediction` is (n,) nats per token of the test part.

    Args:
        train_ids: all that the network has seen: the training part and the validation part behind it.
        test_ids: what they are scored on, as the network is.
        codec: what the ids mean.
        spelling: what the tokens of the test part stand for; None: what `codec` says of their ids alone.
        order: n; None: 5 for words and subwords, 6 for characters.
        time_limit_s: for fitting the n-gram model. It is turned into a number of training tokens by a fixed
            rate, never by a clock, so that the model is the same on every machine; the last of the training
            tokens are taken, being the nearest to the test part. The description says so.
        seed: of the intervals.
        progress: told the name of each baseline before it begins.

    >>> from recurra.data.corpus import TokenCodec
    >>> codec = TokenCodec.fit("the cat sat on the mat and the cat ate.\\n")
    >>> ids = codec.encode("the cat sat on the mat.\\n")
    >>> for result in run_language_baselines(ids, ids, codec, order=3):
    ...     print(result.name, round(result.scores[0].value, 2))
    unigram 3.37
    3-gram, Kneser-Ney 0.96
    """
    order = order or ORDER[codec.level]
    affordable = max(int(time_limit_s * TOKENS_PER_S), 1)
    note = (
        f", counted on the last {affordable:,} of {len(train_ids):,} training tokens to save time"
        if affordable < len(train_ids)
        else ""
    )
    what = _PLURAL[codec.level]
    candidates = [
        (
            "unigram",
            1,
            train_ids,
            f"How often each of the {what} occurs in training, whatever is read.",
        ),
        (
            f"{order}-gram, Kneser-Ney",
            order,
            train_ids[-affordable:],
            f"Interpolated modified Kneser-Ney over the {order - 1} {what} before{note}.",
        ),
    ]
    spelling = spelling or Spelling(codec.characters(test_ids))
    results = []
    for name, n, ids, description in candidates:
        if progress:
            progress(name)
        begin = time.perf_counter()
        nats = NgramModel.fit(ids, codec.vocabulary_size, order=n).nats(test_ids)
        seconds = time.perf_counter() - begin
        scores = language_scores(nats, *spelling, headline=headline_of(codec.level), seed=seed)
        results.append(BaselineResult(name, description, scores, seconds, nats))
    return results
