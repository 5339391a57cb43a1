"""Numeric sequences: the nearest training sequence, and a linear model on summaries."""

from __future__ import annotations

import numpy as np

from recurra.data.packed import Packed
from recurra.tasks.baselines.summary import resample, summary_features
from recurra.tasks.baselines.targets import ClassWeight, Guess, Targets, fit_linear, timed_guess

# Numbers that a sequence is compared by, at most; longer ones are pressed together.
_LONGEST = 4096
# Numbers of test sequences that are compared at a time.
_AT_ONCE = 1 << 24
# Multiply-adds that one second is enough for; several times fewer than was measured.
PRODUCTS_PER_S = 1_000_000_000


def nearest_neighbour(train: Packed, train_targets: Targets, test: Packed) -> np.ndarray:
    """The target of the nearest training sequence (Euclidean), for each test sequence.

    Features are scaled by their mean and spread over the training part; sequences of unequal length are
    resampled to the median length. On sequences of one length this is the 1-NN of the UCR archive.
    """
    from sklearn.metrics import pairwise_distances_argmin

    centre, scale = _scaling(train)
    points = comparison_points(train)
    known = resample(train, points, centre, scale)
    at_once = max(1, _AT_ONCE // known.shape[1])
    near = [
        pairwise_distances_argmin(resample(test.take(rows), points, centre, scale), known, metric="euclidean")
        for rows in np.split(np.arange(len(test)), range(at_once, len(test), at_once))
    ]
    return train_targets.values[np.concatenate(near)]


def comparison_points(train: Packed) -> int:
    """Steps at which sequences are compared: the median length, fewer where that is too many numbers."""
    median = int(np.median(train.lengths)) if len(train) else 1
    return max(1, min(median, _LONGEST // train.channels))


def affordable_neighbours(train: Packed, n_test: int, time_limit_s: float) -> int:
    """How many training sequences the test part can be compared with in time, by a fixed rate."""
    products = max(1, n_test) * comparison_points(train) * train.channels
    return max(1, min(len(train), int(PRODUCTS_PER_S * time_limit_s / products)))


def linear_on_summaries(
    train: Packed, train_targets: Targets, test: Packed, class_weight: ClassWeight
) -> Guess:
    """Logistic or ridge regression (C = 1) on standardised `summary_features`."""
    features = summary_features(train)
    known = np.isfinite(features)
    count = np.maximum(known.sum(0), 1)
    centre = np.where(known, features, 0.0).sum(0) / count
    scale = np.sqrt((np.where(known, features - centre, 0.0) ** 2).sum(0) / count)
    useful = scale > 1e-12 * np.maximum(np.abs(centre), 1e-30)
    if not useful.any():
        useful[-1], scale[-1] = True, 1.0

    def standardised(features: np.ndarray) -> np.ndarray:
        scaled = (features[:, useful] - centre[useful]) / scale[useful]
        return np.where(np.isfinite(scaled), scaled, 0.0)

    model = fit_linear(standardised(features), train_targets, c=1.0, class_weight=class_weight, max_iter=300)
    return timed_guess(model, lambda: standardised(summary_features(test)), train_targets)


def affordable_summaries(train: Packed, targets: Targets, time_limit_s: float) -> int:
    """How many training sequences the solver can go over 300 times in time, by a fixed rate."""
    products = 2 * 300 * 13 * train.channels * max(1, len(targets.classes))
    return max(1, min(len(train), int(PRODUCTS_PER_S * time_limit_s / products)))


def _scaling(train: Packed) -> tuple[np.ndarray, np.ndarray]:
    """(I,) mean and standard deviation of each feature over all steps that are there."""
    centre, scale = np.zeros(train.channels), np.ones(train.channels)
    for k, column in enumerate(train.narrowed().values.T):
        known = column[np.isfinite(column)].astype(np.float64)
        if len(known):
            centre[k], scale[k] = known.mean(), known.std() or 1.0
    return centre, scale
