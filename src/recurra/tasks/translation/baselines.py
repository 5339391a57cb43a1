"""What one would take instead of a network: the source as it is or its beginning, and the answer to the most alike."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from recurra.data.vocabulary import writes_without_spaces
from recurra.tasks.baselines import BaselineResult
from recurra.tasks.baselines.text import WORD
from recurra.tasks.translation.scores import TextMeasures

SENTENCES = 3  # that a summary begins with, as papers call "lead-3"
# Pairs of a training and a test source that one second compares; several times fewer than was measured.
_PAIRS_PER_S = 4_000_000
_CHARACTERS_PER_S = 1_000_000
_ROWS = 200
_SENTENCE = re.compile(r".+?(?:[.!?…]+[\"'”’)\]]*(?=\s|$)|[。！？]+|\n+|$)", re.DOTALL)
_MARKS = tuple(".!?…。！？\"'”’)]")


def run_pair_baselines(
    sources: Sequence[str],
    targets: Sequence[str],
    asked: Sequence[str],
    references: Sequence[str],
    measures: TextMeasures,
    *,
    time_limit_s: float = 60.0,
    seed: int = 0,
) -> list[tuple[BaselineResult, np.ndarray]]:
    """Each baseline, and (N, C) what its answers add to the sums of `measures`.

    Args:
        sources, targets: of the training part.
        asked, references: of the test part.
        time_limit_s: of the nearest neighbour, turned into a number of pairs by a fixed rate, never by a clock.
        seed: of the sub-sample that this may take.
    """
    found = []

    def take(name: str, description: str, answer: Callable[[], list[str]]) -> None:
        begin = time.perf_counter()
        answers = answer()
        seconds = time.perf_counter() - begin
        sums = measures.sums(answers, references)
        result = BaselineResult(
            name, description, measures.scores(sums), seconds, np.array(answers, dtype=object)
        )
        found.append((result, sums))

    if measures.name == "rouge":
        said = f"Says the first {SENTENCES} sentences of the source."
        take(f"first {SENTENCES} sentences", said, lambda: [first_sentences(text) for text in asked])
    else:
        take("the source as it is", "Says the source again, word by word.", lambda: list(asked))
    most, note = _affordable(sources, len(asked), time_limit_s), ""
    places = np.arange(len(sources))
    if most < len(sources):
        note = f" of {most:,} of {len(sources):,}, to save time"
        places = np.sort(np.random.default_rng(seed).choice(places, most, replace=False))
    kept = [sources[n] for n in places.tolist()]

    def nearest() -> list[str]:
        chosen = nearest_sources(kept, asked)
        return [targets[int(places[n])] if n >= 0 else "" for n in chosen.tolist()]

    said = f"Says the target of the training source{note} that is most alike by TF-IDF of words and pairs of words."
    take("nearest neighbour by TF-IDF", said, nearest)
    return found


def first_sentences(text: str, count: int = SENTENCES) -> str:
    """The first sentences of a text; a line that ends without a mark is a heading, and none.

    >>> first_sentences("Rain at last\\n\\nIt rained. It was wet! Was it? It was.")
    'It rained. It was wet! Was it?'
    """
    pieces = [piece.strip() for piece in _SENTENCE.findall(text) if piece.strip()]
    sentences = [piece for piece in pieces if piece.endswith(_MARKS)] or pieces
    return " ".join(sentences[:count])


def nearest_sources(known: Sequence[str], asked: Sequence[str]) -> np.ndarray:
    """(N,) the place of the known text most alike, by the cosine of TF-IDF vectors; -1 where none has a word of it.

    >>> nearest_sources(["a red car", "two dogs run"], ["the dogs", "nothing"]).tolist()
    [1, -1]
    """
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import TfidfVectorizer

    terms: dict[str, Any] = {"analyzer": "word", "token_pattern": WORD, "ngram_range": (1, 2)}
    if writes_without_spaces(known):
        terms = {"analyzer": "char", "ngram_range": (1, 3)}
    elif not any(re.search(WORD, text) for text in known):
        return np.full(len(asked), -1)
    vectorizer = TfidfVectorizer(**terms, sublinear_tf=True, dtype=np.float32)  # pyright: ignore[reportArgumentType]
    vectors: Any = vectorizer.fit_transform(known)
    vectors, questions = vectors.T.tocsc(), csr_array(vectorizer.transform(asked))
    best = np.full(len(asked), -1)
    for start in range(0, len(asked), _ROWS):
        likeness = (questions[start : start + _ROWS] @ vectors).tocsr()
        for row in range(likeness.shape[0]):
            values = likeness.data[likeness.indptr[row] : likeness.indptr[row + 1]]
            if len(values):
                places = likeness.indices[likeness.indptr[row] : likeness.indptr[row + 1]]
                best[start + row] = places[values == values.max()].min()
    return best


def _affordable(sources: Sequence[str], asked: int, time_limit_s: float) -> int:
    """How many training sources can be compared with all that is asked within the time, by fixed rates."""
    characters = sum(map(len, sources)) / max(1, len(sources))
    seconds_each = asked / _PAIRS_PER_S + characters / _CHARACTERS_PER_S
    return max(1, int(time_limit_s / seconds_each))
