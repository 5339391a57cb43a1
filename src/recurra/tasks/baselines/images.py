"""Images for the classical baselines: small copies, whose pixels a nearest neighbour and a linear model compare."""

from __future__ import annotations

import numpy as np

from recurra.data.images.pixels import Pixels
from recurra.data.packed import Packed
from recurra.tasks.baselines.numbers import PRODUCTS_PER_S
from recurra.tasks.baselines.targets import ClassWeight, Guess, Targets, fit_linear, timed_guess

SIDE = 28  # pixels of a small copy, at most


def small_copies(images: Pixels) -> Packed:
    """N sequences of images (frames, D) float32, each averaged over fields so that no side is longer than `SIDE`.

    What is one image is a sequence of one step, whatever the network reads as a step.
    """
    lengths = images.lengths // images.form.length
    if not len(images):
        return Packed.from_list([np.zeros((0, 1), dtype=np.float32)]).take(np.zeros(0, dtype=np.int64))
    return Packed.end_to_end(np.concatenate([_small(images.images(n)) for n in range(len(images))]), lengths)


def linear_on_pixels(
    train: np.ndarray, targets: Targets, test: np.ndarray, class_weight: ClassWeight
) -> Guess:
    """Logistic or ridge regression (C = 0.01) on the pixels (N, D), each divided by the deviation of all of them."""
    centre, scale = train.mean(0), float(train.std()) or 1.0
    model = fit_linear((train - centre) / scale, targets, c=0.01, class_weight=class_weight, max_iter=300)
    return timed_guess(model, lambda: (test - centre) / scale, targets)


def affordable_pixels(count: int, features: int, targets: Targets, time_limit_s: float) -> int:
    """How many training images the solver can go over 300 times in time, by a fixed rate."""
    products = 2 * 300 * features * max(1, len(targets.classes))
    return max(1, min(count, int(5 * PRODUCTS_PER_S * time_limit_s / products)))


def _small(images: np.ndarray) -> np.ndarray:
    """(T, H, W, C) uint8 -> (T, D) float32."""
    for axis in (1, 2):
        size = images.shape[axis]
        fields = min(size, SIDE)
        begins = np.arange(fields) * size // fields
        counts = np.diff([*begins, size]).astype(np.float32)
        shape = [1] * images.ndim
        shape[axis] = fields
        images = np.add.reduceat(images.astype(np.float32), begins, axis=axis) / counts.reshape(shape)
    return images.reshape(len(images), -1)
