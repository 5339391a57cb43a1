"""The trivial and the classical baselines, fitted, timed and scored."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.data.examples import Examples
from recurra.data.images.pixels import Pixels
from recurra.data.packed import Packed
from recurra.data.vocabulary import writes_without_spaces
from recurra.errors import InputError
from recurra.tasks.baselines.images import affordable_pixels, linear_on_pixels, small_copies
from recurra.tasks.baselines.numbers import (
    affordable_neighbours,
    affordable_summaries,
    linear_on_summaries,
    nearest_neighbour,
)
from recurra.tasks.baselines.result import BaselineResult
from recurra.tasks.baselines.targets import ClassWeight, Guess, Targets
from recurra.tasks.baselines.text import affordable_texts, linear_on_tfidf


def run_baselines(
    train: Examples,
    test: Examples,
    classes: Sequence[Any] | None = None,
    *,
    class_weight: ClassWeight = "none",
    seed: int = 0,
    time_limit_s: float = 60.0,
    progress: Callable[[str], None] | None = None,
) -> list[BaselineResult]:
    """The trivial baseline first, then the classical ones for texts, numeric sequences or images.

    Which kind of targets there is (classes, several labels, real numbers) shows in their type.

    Args:
        train: everything the network has seen: its training and its validation part together, for the
            network has used the latter too, to stop and to decide. A baseline sets nothing aside.
        test: what they are scored on, as the network is.
        classes: the names of the classes (in the network's order) or labels; None for real numbers.
        class_weight: of the linear models: "balanced" weighs rare classes up; or weights by class name.
        seed: of sub-samples and intervals.
        time_limit_s: for each baseline. It is turned into a number of training examples by a fixed rate,
            never by a clock, so that the baseline is the same on every machine; where they are fewer than
            there are, the description says so. The test part is always used in full.
        progress: told the name of each baseline before it begins.

    Raises:
        InputError: no examples, no targets, or texts on one side and numbers on the other.

    >>> texts = np.array(["good film", "bad film", "so good", "too bad"], dtype=object)
    >>> data = Examples(texts, None, np.array(["yes", "no", "yes", "no"], dtype=object), np.arange(4))
    >>> for result in run_baselines(data, data, ["no", "yes"]):
    ...     print(result.name, result.scores[0].value)
    always the commonest class 0.5
    TF-IDF, logistic regression 1.0
    """
    if not len(train) or not len(test):
        raise InputError(f"expected examples to learn from and to score, found {len(train)} and {len(test)}")
    if (train.texts is None) != (test.texts is None):
        raise InputError(
            "expected the same kind of input to learn from and to score, found texts and numbers"
        )
    learned, asked = (
        Targets.encode(train.targets, classes),
        Targets.encode(test.targets, classes, test.clusters),
    )
    candidates = [_trivial(learned, len(test))]
    if learned.varied:
        classical = _for_sequences if train.texts is None else _for_texts
        candidates += classical(train, learned, test, class_weight, seed, time_limit_s)
    results = []
    for candidate in candidates:
        if progress:
            progress(candidate.name)
        begin = time.perf_counter()
        guess = candidate.guess()
        seconds = time.perf_counter() - begin
        if guess is None:
            continue
        if isinstance(guess, Guess):
            values, costs = guess.values, {"weights": guess.weights, "answering_s": guess.answering_s}
        else:
            values, costs = guess, {}
        prediction, probabilities = asked.answer(values)
        scores = asked.score(values, seed=seed)
        results.append(
            BaselineResult(
                candidate.name, candidate.description, scores, seconds, prediction, probabilities, **costs
            )
        )
    return results


@dataclass(frozen=True)
class _Candidate:
    name: str
    description: str
    guess: Callable[[], np.ndarray | Guess | None]


def _trivial(learned: Targets, n: int) -> _Candidate:
    values = learned.values
    if learned.kind == "real":
        description = f"Says {values.mean():.4g}, the mean of the training targets, whatever it reads."
        return _Candidate("always the mean", description, lambda: np.full(n, values.mean()))
    if learned.kind == "multilabel":
        description = (
            "Gives every label its share of the training examples as probability, whatever it reads."
        )
        return _Candidate("always the same labels", description, lambda: np.tile(values.mean(0), (n, 1)))
    shares = np.bincount(values, minlength=len(learned.classes)) / len(values)
    commonest = learned.classes[shares.argmax()]
    description = f"Says {commonest!r}, the commonest class of the training examples, whatever it reads."
    return _Candidate("always the commonest class", description, lambda: np.tile(shares, (n, 1)))


def _for_texts(
    train: Examples,
    learned: Targets,
    test: Examples,
    class_weight: ClassWeight,
    seed: int,
    time_limit_s: float,
) -> list[_Candidate]:
    assert train.texts is not None and test.texts is not None
    texts, unseen = train.texts.tolist(), test.texts.tolist()
    chosen, note = _sample(len(texts), affordable_texts(texts, learned, time_limit_s), seed)
    texts, targets = [texts[k] for k in chosen], learned.take(chosen)
    parts = "one to three characters" if writes_without_spaces(texts) else "words and pairs of words"
    model = _linear_model(learned)
    return [
        _Candidate(
            f"TF-IDF, {model}",
            f"{model.capitalize()} on TF-IDF of {parts}{note}.",
            lambda: linear_on_tfidf(texts, targets, unseen, class_weight),
        )
    ]


def _for_sequences(
    train: Examples,
    learned: Targets,
    test: Examples,
    class_weight: ClassWeight,
    seed: int,
    time_limit_s: float,
) -> list[_Candidate]:
    assert train.sequences is not None and test.sequences is not None
    sequences, unseen = train.sequences, test.sequences
    if isinstance(sequences, Pixels) and isinstance(unseen, Pixels):
        return _for_images(sequences, learned, unseen, class_weight, seed, time_limit_s)
    near, near_note = _sample(len(train), affordable_neighbours(sequences, len(test), time_limit_s), seed)
    line, line_note = _sample(len(train), affordable_summaries(sequences, learned, time_limit_s), seed)
    model = _linear_model(learned)
    return [
        _Candidate(
            "1-nearest neighbour",
            f"The target of the nearest training sequence, Euclidean distance over all steps{near_note}.",
            lambda: nearest_neighbour(_part(sequences, near), learned.take(near), unseen),
        ),
        _Candidate(
            f"summaries, {model}",
            f"{model.capitalize()} on mean, spread, quartiles, ends, slope and the like{line_note}.",
            lambda: linear_on_summaries(_part(sequences, line), learned.take(line), unseen, class_weight),
        ),
    ]


def _for_images(
    train: Pixels, learned: Targets, test: Pixels, class_weight: ClassWeight, seed: int, time_limit_s: float
) -> list[_Candidate]:
    """On the pixels; of sequences of images on summaries of each pixel over time."""
    small, unseen = small_copies(train), small_copies(test)
    near, near_note = _sample(len(train), affordable_neighbours(small, len(test), time_limit_s), seed)
    model = _linear_model(learned)
    nearest = _Candidate(
        "1-nearest neighbour",
        f"The target of the nearest training {'sequence' if train.form.steps == 'frames' else 'image'}, Euclidean "
        f"distance over all pixels of small copies{near_note}.",
        lambda: nearest_neighbour(_part(small, near), learned.take(near), unseen),
    )
    if train.form.steps == "frames":
        line, line_note = _sample(len(train), affordable_summaries(small, learned, time_limit_s), seed)
        linear = _Candidate(
            f"summaries, {model}",
            f"{model.capitalize()} on mean, spread, ends and the like of each pixel over time{line_note}.",
            lambda: linear_on_summaries(_part(small, line), learned.take(line), unseen, class_weight),
        )
    else:
        affordable = affordable_pixels(len(train), small.channels, learned, time_limit_s)
        line, line_note = _sample(len(train), affordable, seed)
        linear = _Candidate(
            f"pixels, {model}",
            f"{model.capitalize()} on the pixels of small copies{line_note}.",
            lambda: linear_on_pixels(
                _part(small, line).flat()[0], learned.take(line), unseen.flat()[0], class_weight
            ),
        )
    return [nearest, linear]


def _linear_model(learned: Targets) -> str:
    return "ridge regression" if learned.kind == "real" else "logistic regression"


def _part(sequences: Packed, chosen: np.ndarray) -> Packed:
    return sequences if len(chosen) == len(sequences) else sequences.take(chosen)


def _sample(n: int, affordable: int, seed: int) -> tuple[np.ndarray, str]:
    """The examples to learn from, in their order, and what to say where they are not all of them."""
    if affordable >= n:
        return np.arange(n), ""
    chosen = np.sort(np.random.default_rng(seed).choice(n, affordable, replace=False))
    return chosen, f", learned from {affordable:,} of {n:,} training examples to save time"
