"""One number about predictions, and the check that they can be scored."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recurra.errors import InputError
from recurra.statistics.intervals import Interval


@dataclass(frozen=True)
class Score:
    """One number about predictions.

    Args:
        name: of the metric, as people read it.
        value: NaN where it is not defined on these examples.
        interval: how sure the value is, as far as the choice of the examples goes.
        higher_is_better: whether more is better.
        n: examples it was computed over.
    """

    name: str
    value: float
    interval: Interval
    higher_is_better: bool
    n: int

    def to_json(self) -> dict[str, object]:
        """Plain types only; a value that is not finite becomes None."""
        value = float(self.value) if math.isfinite(self.value) else None
        return {
            "name": self.name,
            "value": value,
            "interval": self.interval.to_json(),
            "higher_is_better": self.higher_is_better,
            "n": self.n,
        }


def checked(predictions: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`predictions` as float64.

    Raises:
        InputError: another shape than that of the targets, no examples, NaN or infinite numbers.
    """
    predictions = np.asarray(predictions, dtype=np.float64)
    if predictions.shape != shape or not len(predictions):
        raise InputError(
            f"expected predictions of shape {shape} with at least one example, found {predictions.shape}",
            where="predictions",
            fix="Give one prediction for each target, in the same order.",
        )
    if not np.isfinite(predictions).all():
        raise InputError("expected finite predictions, found NaN or infinite ones", where="predictions")
    return predictions
