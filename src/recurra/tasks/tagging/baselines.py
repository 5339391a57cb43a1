"""What one would take instead of a network: the same answer at every step, and a linear model on the last few steps."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from recurra.data.labels import TargetEncoder
from recurra.data.packed import Packed
from recurra.tasks.baselines import BaselineResult
from recurra.tasks.baselines.numbers import PRODUCTS_PER_S
from recurra.tasks.baselines.targets import ClassWeight, Targets, fit_linear, guess_linear
from recurra.tasks.tagging.scores import StepMeasures, StepTruth
from recurra.tasks.task import Answer

LAGS = 3  # steps before this one that the linear model sees
_ITERATIONS = 100


def run_tag_baselines(
    inputs: Packed,
    targets: np.ndarray,
    known: np.ndarray,
    unseen: Packed,
    asked: np.ndarray,
    truth: StepTruth,
    encoder: TargetEncoder,
    *,
    class_weight: ClassWeight = "none",
    seed: int = 0,
    time_limit_s: float = 60.0,
) -> list[tuple[BaselineResult, np.ndarray]]:
    """Each baseline, and (N, C) what its answers add to the sums of `StepMeasures`.

    Args:
        inputs: the training sequences as the network reads them: scaled numbers without gaps.
        targets: encoded targets of their steps, one after the other.
        known: bool, those of them that are there.
        unseen, asked: the test sequences, and bool, which of their steps are scored.
        truth: of these steps.
        encoder: knows the kind of the targets.
        class_weight: of the linear models, as in the loss.
        seed: of sub-samples.
        time_limit_s: of the linear model, turned into a number of training steps by a fixed rate, never by a clock.
    """
    learned = _targets(targets[known], encoder)
    measures = StepMeasures(encoder)
    found = []

    def take(name: str, description: str, guess: Callable[[], np.ndarray]) -> None:
        begin = time.perf_counter()
        answer = _answer(guess(), encoder)
        seconds = time.perf_counter() - begin
        sums = measures.sums(answer, truth)
        result = BaselineResult(
            name,
            description,
            measures.scores(sums, truth.groups),
            seconds,
            answer.labels,
            answer.probabilities,
        )
        found.append((result, sums))

    take(*_trivial(learned, len(truth.encoded), encoder))
    if learned.varied:
        rows = np.flatnonzero(known)
        most = affordable_steps(inputs.channels, encoder, time_limit_s)
        note = ""
        if most < len(rows):
            note = f", learned from {most:,} of {len(rows):,} training steps to save time"
            rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
        few = _targets(targets[rows], encoder)
        model = "ridge regression" if encoder.kind == "real" else "logistic regression"

        def linear() -> np.ndarray:
            fitted = fit_linear(
                lagged(inputs)[rows], few, c=1.0, class_weight=class_weight, max_iter=_ITERATIONS
            )
            guess = guess_linear(fitted, lagged(unseen)[asked], few)
            if encoder.kind == "multilabel":  # of a label that was never there nothing is learned
                least = _shares(np.zeros(1), len(few.values))
                guess = np.clip(guess, least, 1 - least)
            return guess

        take(
            f"last {LAGS + 1} steps, {model}",
            f"{model.capitalize()} on this step and the {LAGS} before it{note}.",
            linear,
        )
    return found


def lagged(sequences: Packed, lags: int = LAGS) -> np.ndarray:
    """(steps, (lags + 1) I) each step with those before it, the latest first; 0 before the first one.

    >>> lagged(Packed.from_list([np.array([[1.0], [2.0]]), np.array([[5.0]])]), lags=1).tolist()
    [[1.0, 0.0], [2.0, 1.0], [5.0, 0.0]]
    """
    values, offsets = sequences.flat()
    place = np.arange(len(values)) - np.repeat(offsets[:-1], np.diff(offsets))
    parts = [values]
    for lag in range(1, lags + 1):
        before = np.zeros_like(values)
        before[lag:] = values[:-lag] if lag < len(values) else values[:0]
        before[place < lag] = 0
        parts.append(before)
    return np.concatenate(parts, axis=1)


def affordable_steps(channels: int, encoder: TargetEncoder, time_limit_s: float) -> int:
    """How many training steps the solver can go over in time, by a fixed rate."""
    products = 2 * _ITERATIONS * (LAGS + 1) * channels * encoder.size
    return max(1000, int(PRODUCTS_PER_S * time_limit_s / products))


def _targets(encoded: np.ndarray, encoder: TargetEncoder) -> Targets:
    if encoder.kind == "real":
        return Targets("real", encoder.decode(encoded), ())
    if encoder.kind == "multilabel":
        return Targets("multilabel", encoded > 0.5, encoder.classes)
    return Targets("multiclass", encoded, encoder.classes)


def _trivial(
    learned: Targets, count: int, encoder: TargetEncoder
) -> tuple[str, str, Callable[[], np.ndarray]]:
    """Name, description and guess of the answer that is the same at every step."""
    values = learned.values
    if encoder.kind == "real":
        said = f"Says {values.mean():.4g}, the mean of the training targets, at every step."
        return "always the mean", said, lambda: np.full(count, values.mean())
    if encoder.kind == "multilabel":
        said = "Gives every label its share of the training steps as probability, whatever it reads."
        return (
            "always the same shares",
            said,
            lambda: np.tile(_shares(values.sum(0), len(values)), (count, 1)),
        )
    counts = np.bincount(values, minlength=encoder.size)
    said = f"Says {encoder.classes[counts.argmax()]!r}, the commonest class of the training steps, at every step."
    return "always the commonest class", said, lambda: np.tile(counts / counts.sum(), (count, 1))


def _shares(there: np.ndarray, count: int) -> np.ndarray:
    """The rule of succession: a label that was never there may be there one day."""
    return (there + 1) / (count + 2)


def _answer(guess: np.ndarray, encoder: TargetEncoder) -> Answer:
    if encoder.kind == "real":
        return Answer(guess)
    if encoder.kind == "multilabel":
        return Answer(guess >= 0.5, guess)
    return Answer(np.array(encoder.classes, dtype=object)[guess.argmax(1)], guess)
