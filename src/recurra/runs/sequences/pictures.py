"""A few images of the test part with the answers to them, small enough to be kept beside the scores."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from recurra.data.examples import Examples
from recurra.data.images.pixels import Pixels
from recurra.tasks.task import Answer

SHOWN = 12
_SIDE = 64  # pixels of a picture, at most
_FRAMES = 4  # of a sequence of images that are shown side by side


def pictures(test: Examples, answer: Answer, classes: list[str], seed: int) -> list[dict[str, Any]]:
    """Images as PNG in base 64 with what is true and what was said: half of them wrong where there are so many.

    The others are drawn by the seed; of numbers the wrong ones are those that are furthest off.

    Returns:
        Of each: png, true, said, right (None of numbers), share (the probability of what was said; None without
        classes), name (its file, where it has one).
    """
    images = test.sequences
    if not isinstance(images, Pixels) or test.targets is None or not len(test):
        return []
    names = [str(name) for name in classes]
    true, said = _told(test.targets, names), _told(answer.labels, names)
    real = answer.probabilities is None
    if real:
        order = np.argsort(-np.abs(answer.labels.astype(float) - test.targets.astype(float)), kind="stable")
        bad = order[: SHOWN // 2]
    else:
        wrong = np.flatnonzero([a != b for a, b in zip(true, said, strict=True)])
        bad = np.random.default_rng(seed).permutation(wrong)[: SHOWN // 2]
    others = np.random.default_rng(seed).permutation(np.setdiff1d(np.arange(len(test)), bad))
    if not real:
        others = np.array([n for n in others if true[n] == said[n]], dtype=np.int64)
    chosen = np.sort(np.concatenate([bad, others[: SHOWN - len(bad)]]).astype(np.int64))
    return [
        {
            "png": as_png(images.images(n)),
            "true": true[n],
            "said": said[n],
            "right": None if real else true[n] == said[n],
            "share": _share(answer, n),
            "name": None if test.names is None else str(test.names[n]),
        }
        for n in chosen.tolist()
    ]


def _told(targets: np.ndarray, classes: list[str]) -> list[str]:
    """Class names, numbers, or the labels that hold, as people read them."""
    if targets.ndim == 2:
        return [
            ", ".join(name for name, there in zip(classes, row, strict=True) if there) or "none"
            for row in targets
        ]
    if targets.dtype == object:
        return [str(each) for each in targets]
    return [f"{each:.4g}" for each in targets.astype(float)]


def _share(answer: Answer, n: int) -> float | None:
    if answer.probabilities is None or answer.labels.ndim == 2:
        return None
    return round(float(answer.probabilities[n].max()), 4)


def as_png(images: np.ndarray) -> str:
    """(T, H, W, C), some of them side by side, large ones with fewer pixels, as PNG in base 64."""
    from PIL import Image

    shown = images[np.unique(np.linspace(0, len(images) - 1, _FRAMES).round().astype(int))]
    step = -(-max(shown.shape[1:3]) // _SIDE)
    shown = shown[:, ::step, ::step]
    gap = np.full((1, shown.shape[1], 1, shown.shape[3]), 255, dtype=np.uint8)
    parts = [part for image in shown for part in (gap[0], image)][1:]
    strip = np.concatenate(parts, axis=1)
    stream = io.BytesIO()
    Image.fromarray(strip[:, :, 0] if strip.shape[2] == 1 else strip).save(
        stream, format="PNG", optimize=True
    )
    return base64.b64encode(stream.getvalue()).decode("ascii")
