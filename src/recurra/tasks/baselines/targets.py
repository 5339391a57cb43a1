"""The three kinds of targets as scikit-learn wants them, and the linear model for each."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from recurra.errors import InputError
from recurra.tasks.metrics import (
    Score,
    class_indices,
    classification_scores,
    decide,
    decision_scores,
    multilabel_scores,
    regression_scores,
)

Kind = Literal["multiclass", "multilabel", "real"]
ClassWeight = Literal["none", "balanced"] | dict[str, float]


@dataclass(frozen=True)
class Targets:
    """Targets of N examples, encoded.

    Args:
        kind: one class of two or more, several labels, or a real number.
        values: (N,) class indices, (N, K) bool, or (N,) float64.
        classes: K names of classes or labels; empty for real numbers.
        groups: (N,) of the examples, where those of one depend on each other.
    """

    kind: Kind
    values: np.ndarray
    classes: tuple[Any, ...]
    groups: np.ndarray | None = None

    @classmethod
    def encode(
        cls,
        targets: np.ndarray | None,
        classes: Sequence[Any] | None,
        groups: np.ndarray | None = None,
    ) -> Targets:
        """From targets as `Examples` holds them; what they are shows in their type."""
        if targets is None:
            raise InputError(
                "these examples have no targets", fix="A baseline needs them to learn and to be scored."
            )
        if targets.ndim == 2:
            names = classes if classes is not None else [str(k) for k in range(targets.shape[1])]
            return cls("multilabel", targets.astype(bool), tuple(names), groups)
        if np.issubdtype(targets.dtype, np.number):
            return cls("real", targets.astype(np.float64), (), groups)
        if classes is None:
            raise InputError("class names need to be given in their order", where="classes")
        return cls("multiclass", class_indices(targets, classes), tuple(classes), groups)

    def take(self, indices: np.ndarray) -> Targets:
        """The targets at `indices`."""
        groups = None if self.groups is None else self.groups[indices]
        return Targets(self.kind, self.values[indices], self.classes, groups)

    @property
    def varied(self) -> bool:
        """Whether there is anything to learn: not the same target everywhere."""
        return bool((self.values != self.values[:1]).any())

    def score(self, guess: np.ndarray, *, seed: int) -> list[Score]:
        """Scores of a guess: (N, K) probabilities, or (N,) class indices or numbers."""
        if self.kind == "multilabel":
            return multilabel_scores(self.values, guess, groups=self.groups, seed=seed)
        if self.kind == "real":
            return regression_scores(self.values, guess, groups=self.groups)
        if guess.ndim == 1:
            return decision_scores(self.values, guess, len(self.classes), groups=self.groups, seed=seed)
        names = np.array(self.classes, dtype=object)[self.values]
        return classification_scores(names, guess, self.classes, groups=self.groups, seed=seed)

    def answer(self, guess: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """A guess as people read it: names, bools or numbers, and probabilities where it has them."""
        if self.kind == "real":
            return guess, None
        if self.kind == "multilabel":
            return guess >= 0.5, None if guess.dtype == bool else guess
        names = np.array(self.classes, dtype=object)
        return (names[guess], None) if guess.ndim == 1 else (names[decide(guess)], guess)


def fit_linear(features: Any, targets: Targets, *, c: float, class_weight: ClassWeight, max_iter: int) -> Any:
    """Logistic regression, one for each label, or ridge regression (its penalty 1 / c).

    `class_weight` is "none", "balanced", or weights by class name, 1 where none is given.
    """
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.multiclass import OneVsRestClassifier

    if targets.kind == "real":
        model = Ridge(alpha=1 / c)
    else:
        weight: Any = None if class_weight == "none" else class_weight
        if isinstance(weight, dict):
            weight = {k: weight.get(str(targets.classes[k]), 1.0) for k in np.unique(targets.values).tolist()}
        model = LogisticRegression(C=c, max_iter=max_iter, class_weight=weight)
        if targets.kind == "multilabel":
            model = OneVsRestClassifier(model)
    y = targets.values.astype(np.int64) if targets.kind == "multilabel" else targets.values
    with _quiet():
        return model.fit(features, y)


@dataclass(frozen=True)
class Guess:
    """What a model says of new examples, and what that costs.

    Args:
        values: (N, K) probabilities of the classes or labels, or (N,) numbers.
        weights: learned numbers.
        answering_s: seconds for all N, their features included.
    """

    values: np.ndarray
    weights: int
    answering_s: float


def timed_guess(model: Any, features: Callable[[], Any], targets: Targets) -> Guess:
    """What a linear model says of examples whose features are made now."""
    begin = time.perf_counter()
    values = guess_linear(model, features(), targets)
    answering_s = time.perf_counter() - begin
    weights = sum(np.size(part.coef_) + np.size(part.intercept_) for part in _parts(model))
    return Guess(values, weights, answering_s)


def _parts(model: Any) -> list[Any]:
    """The models of one for several labels, but for those that say the same of everything; else itself."""
    return [part for part in getattr(model, "estimators_", [model]) if hasattr(part, "coef_")]


def guess_linear(model: Any, features: Any, targets: Targets) -> np.ndarray:
    """(N, K) probabilities of the classes or labels, or (N,) numbers."""
    if targets.kind == "real":
        return model.predict(features)
    p = model.predict_proba(features)
    if targets.kind == "multilabel":
        return p
    # A class may be missing from the examples that the model was fitted on.
    probabilities = np.zeros((len(p), len(targets.classes)))
    probabilities[:, model.classes_] = p
    return probabilities


@contextmanager
def _quiet() -> Iterator[None]:
    """No warning of a solver that stopped at its limit, or of a label that is the same everywhere."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message="Label .* is present in all training examples")
        yield
