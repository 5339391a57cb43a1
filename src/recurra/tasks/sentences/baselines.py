"""What one would take instead of a network: one tag for all, the tag that a word mostly has, a linear model.

The features of that are those of taggers before networks (Ratnaparkhi 1996; Toutanova et al. 2003): the word, its
beginnings and endings, its shape, and the like of the words beside it.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from recurra.data.sentences.collection import Feature, Sentences
from recurra.tasks.baselines import BaselineResult
from recurra.tasks.sentences.scores import SentenceMeasures, Tags

_HASHED = 2**17
_EPOCHS = 5
_WINDOW = (-2, -1, 0, 1, 2)
# Words times tags that a second is enough for, features and all; several times fewer than was measured.
WORD_TAGS_PER_S = 100_000


def run_sentence_baselines(
    seen: Sentences,
    test: Sentences,
    truth: Tags,
    unseen: list[np.ndarray],
    measures: SentenceMeasures,
    *,
    seed: int = 0,
    time_limit_s: float = 60.0,
) -> list[tuple[BaselineResult, np.ndarray]]:
    """Each baseline, and (N, C) what its answers add to the sums of `measures`.

    Args:
        seen: training and validation part together, with tags.
        test: what they are scored on.
        truth: its tags.
        unseen: its words that training did not hold, as `SentenceMeasures.sums` takes them.
        time_limit_s: of the linear model, turned into a number of training words by a fixed rate, never by a clock.
    """
    words, tags = seen.words.flat()[0], seen.flat_tags()
    words, tags = words[tags >= 0], tags[tags >= 0]
    commonest = int(np.bincount(tags).argmax())
    name = seen.names[commonest]
    found: list[tuple[BaselineResult, np.ndarray]] = []

    def take(title: str, description: str, guess: Callable[[], np.ndarray]) -> None:
        begin = time.perf_counter()
        said = np.array(seen.names, dtype=object)[guess()]
        seconds = time.perf_counter() - begin
        sums = measures.sums(truth, _by_sentence(said, test), unseen)
        found.append(
            (BaselineResult(title, description, measures.scores(sums, seed=seed), seconds, said), sums)
        )

    take(
        "always the commonest tag",
        f"Says {name!r}, the commonest tag of the training words, at every word.",
        lambda: np.full(test.count, commonest),
    )
    take(
        "the word's commonest tag",
        "The tag that the word mostly has in training; of words never seen, the one that words seen once mostly have.",
        lambda: _by_word(words, tags, seen, test, commonest),
    )
    most = max(1000, int(WORD_TAGS_PER_S * time_limit_s / len(seen.names)))
    chosen, note = _affordable(seen, most, seed)
    also = ", what the further columns say of it" if seen.features else ""
    if len(np.unique(chosen.flat_tags())) > 1:
        take(
            "word features, logistic regression",
            f"Logistic regression on the word, its beginnings, endings and shape{also}, and those of the two words to "
            f"either side{note}.",
            lambda: _linear(chosen, test, seed),
        )
    return found


def _affordable(seen: Sentences, most: int, seed: int) -> tuple[Sentences, str]:
    """As many sentences as have so many words, and what to say where they are not all of them."""
    if seen.count <= most:
        return seen, ""
    order = np.random.default_rng(seed).permutation(len(seen))
    enough = int(np.searchsorted(np.cumsum(seen.words.lengths[order]), most)) + 1
    kept = seen.take(np.sort(order[:enough]))
    return kept, f", learned from {kept.count:,} of {seen.count:,} training words to save time"


def _by_word(
    words: np.ndarray, tags: np.ndarray, seen: Sentences, test: Sentences, commonest: int
) -> np.ndarray:
    """(words of test,) places in `seen.names`."""
    counts: dict[str, Counter[int]] = {}
    for form, tag in zip(seen.forms[words].tolist(), tags.tolist(), strict=True):
        counts.setdefault(form, Counter())[tag] += 1
    once = Counter(next(iter(tag)) for tag in counts.values() if tag.total() == 1)
    other = once.most_common(1)[0][0] if once else commonest
    best = {form: tag.most_common(1)[0][0] for form, tag in counts.items()}
    return np.array([best.get(form, other) for form in test.flat_words()], dtype=np.int64)


def _linear(seen: Sentences, test: Sentences, seed: int) -> np.ndarray:
    """(words of test,) places in `seen.names`, of a model that is averaged over its steps."""
    from sklearn.linear_model import SGDClassifier

    model: Any = SGDClassifier(
        loss="log_loss",
        alpha=1e-7,
        max_iter=_EPOCHS,
        tol=None,  # pyright: ignore[reportArgumentType]
        average=True,
        random_state=seed,
    )
    tags = seen.flat_tags()
    model.fit(features(seen)[tags >= 0], tags[tags >= 0])
    return model.predict(features(test)).astype(np.int64)


def features(sentences: Sentences) -> Any:
    """(words, hashed) sparse features of every word and its neighbours, sentence after sentence.

    What a word is, is hashed once for each distinct word and each place that it may stand in; so is what a further
    column says.
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction import FeatureHasher

    hasher = FeatureHasher(_HASHED, input_type="string", dtype=np.float32)  # pyright: ignore[reportArgumentType]
    count, (flat, offsets) = sentences.count, sentences.words.flat()
    sentence = np.repeat(np.arange(len(sentences)), np.diff(offsets))
    known = [Feature.of(column) for column in sentences.flat_features()]
    whole = csr_matrix((count, _HASHED), dtype=np.float32)
    for shift in _WINDOW:
        at = np.arange(count) + shift
        inside = (at >= 0) & (at < count)
        at = at.clip(0, max(0, count - 1))
        inside &= sentence[at] == sentence
        describe = _whole_word if shift == 0 else _beside
        said = [(flat, [describe(form) for form in sentences.forms.tolist()])]
        for k, each in enumerate(known):
            said.append(
                (each.places % (len(each.names) + 1), [[f"v{k}={name}"] for name in each.names] + [[]])
            )
        for places, texts in said:
            hashed = hasher.transform([f"{shift}{each}" for each in text] for text in [*texts, ["border"]])
            whole = whole + hashed.tocsr()[np.where(inside, places[at], len(texts))]
    return whole


def _whole_word(form: str) -> list[str]:
    """The features of a word itself.

    >>> _whole_word("Ab")
    ['w=Ab', 'l=ab', 'h=Xx', 'p1=A', 's1=b', 'p2=Ab', 's2=Ab']
    """
    found = [f"w={form}", f"l={form.lower()}", f"h={shape(form)}"]
    for size in range(1, min(4, len(form)) + 1):
        found += [f"p{size}={form[:size]}", f"s{size}={form[-size:]}"]
    return found


def _beside(form: str) -> list[str]:
    """The features of a word that another one has from it."""
    return [f"l={form.lower()}", f"s3={form[-3:].lower()}", f"h={shape(form)}"]


def shape(form: str) -> str:
    """Which kinds of characters follow each other in a word.

    >>> shape("McDonald's"), shape("1,250"), shape("TV")
    ("XxXx'x", '0,0', 'X')
    """
    kinds = "".join("X" if c.isupper() else "x" if c.isalpha() else "0" if c.isdigit() else c for c in form)
    return re.sub(r"(.)\1+", r"\1", kinds)


def _by_sentence(flat: np.ndarray, sentences: Sentences) -> list[list[str]]:
    return [part.tolist() for part in np.split(flat, np.cumsum(sentences.words.lengths)[:-1])]
