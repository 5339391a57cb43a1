"""The headline score of sequences as a function of sums over examples, so that it can be drawn again."""

from __future__ import annotations

import numpy as np

from recurra.statistics.repeated import Measure
from recurra.tasks.metrics.multilabel import label_sums, micro_f1


def headline_measure(targets: np.ndarray) -> Measure:
    """Accuracy of class names (N,), micro F1 of labels (N, K), RMSE of numbers (N,); see `headline_sums`.

    >>> headline_measure(np.array([1.0, 2.0])).name
    'RMSE'
    """
    if targets.ndim == 2:
        return Measure("micro F1", micro_f1, higher_is_better=True, share=True)
    if np.issubdtype(targets.dtype, np.number):
        return Measure("RMSE", lambda sums: np.sqrt(sums[..., 0] / sums[..., 1]), higher_is_better=False)
    return Measure("accuracy", lambda sums: sums[..., 0] / sums[..., 1], higher_is_better=True, share=True)


def headline_sums(prediction: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(N, C) what each example adds to the sums of `headline_measure`.

    Args:
        prediction: in the form of the targets.
        targets: (N,) class names or numbers, or (N, K) bool.

    >>> headline_sums(np.array(["a", "b"], dtype=object), np.array(["a", "a"], dtype=object)).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    if targets.ndim == 2:
        return label_sums(targets.astype(bool), prediction.astype(bool)).astype(np.float64)
    one = np.ones(len(targets))
    if np.issubdtype(targets.dtype, np.number):
        return np.stack([(prediction.astype(np.float64) - targets) ** 2, one], axis=1)
    return np.stack([(prediction == targets).astype(np.float64), one], axis=1)
