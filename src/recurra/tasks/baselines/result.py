"""What a baseline leaves: its answers, its scores, its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from recurra.tasks.metrics import Score


@dataclass(frozen=True)
class BaselineResult:
    """One baseline on the test part.

    Args:
        name: a few words for a table.
        description: one sentence: what it is and what it was fitted on.
        scores: the same scores as the network's, the headline first.
        seconds: wall-clock time of fitting and predicting, scoring left out.
        prediction: (N,) class names, (N, K) bool for several labels, or (N,) float64 for regression.
        probabilities: (N, K), or None where the baseline has none.
        weights: learned numbers; None where there are none, or they were not counted.
        answering_s: of `seconds`, those for the answers to the whole test part; None where they were not measured.
    """

    name: str
    description: str
    scores: list[Score]
    seconds: float
    prediction: np.ndarray
    probabilities: np.ndarray | None = None
    weights: int | None = field(default=None, kw_only=True)
    answering_s: float | None = field(default=None, kw_only=True)

    def told(self) -> str:
        """Its headline and its time, in a line."""
        return f"{self.name}: {self.scores[0].name} {self.scores[0].value:.4g} in {self.seconds:.1f} s"

    def to_json(self) -> dict[str, object]:
        """Plain types only; the answers example by example are left out."""
        return {
            "name": self.name,
            "description": self.description,
            "scores": [score.to_json() for score in self.scores],
            "seconds": self.seconds,
            "weights": self.weights,
            "answering_s": self.answering_s,
        }


def best_baseline(results: Sequence[BaselineResult]) -> BaselineResult:
    """The one with the best headline score; of equals the first."""
    sign = 1 if results[0].scores[0].higher_is_better else -1
    return max(results, key=lambda result: sign * result.scores[0].value)
