"""How well running text is foretold: perplexity and bits per character, with intervals over its blocks."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from recurra.data.vocabulary import Level
from recurra.errors import InputError
from recurra.statistics.blocks import Blocks
from recurra.statistics.bootstrap import bootstrap_sums, interval_of_draws
from recurra.statistics.intervals import Interval
from recurra.statistics.paired import PairedResult, compare_sums
from recurra.statistics.repeated import Measure
from recurra.tasks.metrics import Score

Headline = Literal["perplexity", "bits per character"]


def headline_of(level: Level | Literal["event"]) -> Headline:
    """What is looked at first: perplexity of words and events, bits per character of anything else."""
    return "perplexity" if level in ("word", "event") else "bits per character"


def language_scores(
    nats: np.ndarray,
    characters: np.ndarray | None,
    spelling: np.ndarray | None = None,
    *,
    headline: Headline = "perplexity",
    seed: int = 0,
) -> list[Score]:
    """The headline first, then the other, then nats per token.

        perplexity = exp(sum nats / n),    bits per character = sum (nats + spelling) / (ln 2 * sum characters)

    Perplexity depends on what a token is, and unknown words are all one token to it: compare it on texts with as
    many of them. Bits per character depend on neither, as an unknown token is charged for its spelling. Neighbours
    in a text depend on each other, so the intervals are of the circular block bootstrap, in blocks of sqrt(n)
    tokens.

    Args:
        nats: (n,) minus the natural logarithm of the probability that each token was given.
        characters: (n,) of text that each stands for; None where they are no text, which has no bits per character.
        spelling: (n,) nats that the spelling of unknown tokens costs, see `TokenCodec.spelling`; None: all are known.
        headline: which score comes first.
        seed: of the resampling.

    Raises:
        InputError: no tokens, other shapes, or numbers that are not finite.

    >>> scores = language_scores(np.log([4.0, 4.0, 2.0, 8.0]), np.array([2, 2, 2, 2]))
    >>> [(score.name, round(score.value, 3)) for score in scores]
    [('perplexity', 4.0), ('bits per character', 1.0), ('nats per token', 1.386)]
    """
    columns = _columns(nats, characters, spelling)
    blocks = _blocks(len(columns))
    total, drawn = columns.sum(0), bootstrap_sums(columns, seed=seed, blocks=blocks)
    names = ["perplexity", *(["bits per character"] if characters is not None else []), "nats per token"]
    names.sort(key=lambda name: name != headline)
    return [
        Score(name, float(_score(name, total)), _interval(name, drawn, total, blocks), False, len(columns))
        for name in names
    ]


def compare_streams(
    nats: np.ndarray,
    other: np.ndarray,
    characters: np.ndarray | None,
    spelling: np.ndarray | None = None,
    *,
    headline: Headline = "perplexity",
    seed: int = 0,
) -> PairedResult:
    """The headline of `nats` less that of `other`, on the same tokens of the same stream, paired by blocks.

    >>> rng = np.random.default_rng(0)
    >>> nats = rng.exponential(2, 5000)
    >>> compare_streams(nats, nats + 0.1, np.ones(5000)).differs
    True
    """
    columns, others = _columns(nats, characters, spelling), _columns(other, characters, spelling)
    blocks = _blocks(len(columns))
    return compare_sums(lambda sums: _score(headline, sums), columns, others, seed=seed, blocks=blocks)


def stream_measure(headline: Headline, n: int) -> Measure:
    """The headline over n tokens as a function of sums over them; see `stream_sums`."""
    return Measure(headline, lambda sums: _score(headline, sums), higher_is_better=False, blocks=_blocks(n))


def stream_sums(
    nats: np.ndarray, characters: np.ndarray | None, spelling: np.ndarray | None = None
) -> np.ndarray:
    """(n, 3), or (n, 4) with `spelling`: what each token adds to the sums of `stream_measure`."""
    return _columns(nats, characters, spelling)


def _columns(nats: np.ndarray, characters: np.ndarray | None, spelling: np.ndarray | None) -> np.ndarray:
    """(n, 3) nats, tokens and characters, as many as tokens where they are no text; behind them the spelling."""
    nats = np.asarray(nats, dtype=np.float64)
    characters = np.ones_like(nats) if characters is None else np.asarray(characters, dtype=np.float64)
    if nats.ndim != 1 or not len(nats) or nats.shape != characters.shape:
        raise InputError(
            f"expected nats and characters of each token, found {nats.shape} and {characters.shape}",
            where="nats",
        )
    if not np.isfinite(nats).all() or characters.sum() <= 0:
        raise InputError("expected finite nats and some characters, found others", where="nats")
    columns = [nats, np.ones(len(nats)), characters, *([] if spelling is None else [spelling])]
    return np.stack(columns, axis=1)


def _blocks(n: int) -> Blocks:
    return Blocks(np.arange(n), n, math.isqrt(n))


def _score(name: str, sums: np.ndarray) -> np.ndarray:
    """From sums (..., 3) of nats, tokens and characters, and perhaps of the spelling."""
    if name == "bits per character":
        return (sums[..., 0] + sums[..., 3:].sum(-1)) / (math.log(2) * sums[..., 2])
    per_token = sums[..., 0] / sums[..., 1]
    with np.errstate(over="ignore"):
        return np.exp(per_token) if name == "perplexity" else per_token


def _interval(name: str, drawn: np.ndarray, total: np.ndarray, blocks: Blocks) -> Interval:
    if name == "perplexity":  # it varies evenly on the scale of its logarithm
        per_token = _interval("nats per token", drawn, total, blocks)
        with np.errstate(over="ignore"):
            low, high = np.exp([per_token.low, per_token.high])
        return Interval(float(max(low, 1.0)), float(high), per_token.level, per_token.method)
    found = interval_of_draws(_score(name, drawn), float(_score(name, total)), blocks=blocks)
    return found.clip(0.0, math.inf)
