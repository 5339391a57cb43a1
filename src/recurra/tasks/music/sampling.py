"""Drawing the next frame from what a network says of its keys, and going on from an opening."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from recurra.errors import InputError
from recurra.tasks.generation.sampling import check_sampling

Step = Callable[[np.ndarray], np.ndarray]
_LARGEST_SEED = 2**63 - 1


def choose_keys(
    logits: np.ndarray,
    rng: np.random.Generator,
    *,
    temperature: float = 1.0,
    threshold: float = 0.0,
    most: int | None = None,
) -> np.ndarray:
    """(88,) uint8, the keys of the next frame, each drawn by itself.

        p_k = s(z_k / temperature)

    Args:
        logits: (88,) z.
        temperature: below 1 the likely becomes likelier; 0 takes the keys of a half or more.
        threshold: keys less probable than this stay up.
        most: so many of the likeliest keys can be down at all; None: all of them.

    >>> choose_keys(np.array([3.0, -1.0, 2.0]), np.random.default_rng(0), temperature=0, most=1)
    array([1, 0, 0], dtype=uint8)
    """
    z = np.asarray(logits, dtype=np.float64)
    drawn = rng.random(len(z))
    if temperature == 0:
        p = (z >= 0).astype(np.float64)
    else:
        with np.errstate(over="ignore"):
            p = 1 / (1 + np.exp(-z / temperature))
    p = np.where(p < threshold, 0.0, p)
    if most is not None and most < len(z):
        p[np.argsort(-z, kind="stable")[most:]] = 0.0
    return (drawn < p).astype(np.uint8)


def go_on(
    step: Step,
    opening: np.ndarray,
    *,
    frames: int,
    temperature: float = 1.0,
    threshold: float = 0.0,
    most: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """(frames, 88) uint8, how a piece goes on after its opening.

    Args:
        step: reads a frame (88,) and gives the logits (88,) of the next.
        opening: (T, 88) what is read first, a frame or more.
        frames: to give.
        temperature, threshold, most: see `choose_keys`.
        seed: same seed, step and opening, same frames.

    Raises:
        InputError: no opening, or an option out of range.

    >>> def step(frame):
    ...     return np.where(np.roll(frame, 1) > 0, 9.0, -9.0)
    >>> go_on(step, np.array([[1, 0, 0]]), frames=2, temperature=0).tolist()
    [[0, 1, 0], [0, 0, 1]]
    """
    check_sampling(temperature, most, None)
    if not 0 <= threshold < 1:
        raise InputError(f"expected a probability from 0 to below 1, found {threshold}", where="threshold")
    if not len(opening):
        raise InputError("expected a frame or more to go on from, found none", where="prompt")
    if frames < 0:
        raise InputError(f"expected 0 or more, found {frames}", where="max_tokens")
    if not 0 <= seed <= _LARGEST_SEED:
        raise InputError(f"expected a whole number from 0 to {_LARGEST_SEED}, found {seed}", where="seed")
    rng = np.random.default_rng(seed)
    logits = None
    for frame in opening:
        logits = step(frame)
    made = np.zeros((frames, opening.shape[1]), dtype=np.uint8)
    for n in range(frames):
        assert logits is not None and not math.isnan(logits[0])
        made[n] = choose_keys(logits, rng, temperature=temperature, threshold=threshold, most=most)
        if n + 1 < frames:
            logits = step(made[n])
    return made
