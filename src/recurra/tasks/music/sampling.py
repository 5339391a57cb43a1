"""Drawing the next frame from what a network says of its keys, and going on from an opening."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from recurra.errors import InputError
from recurra.tasks.generation.sampling import check_sampling

Step = Callable[[np.ndarray], np.ndarray]
Choose = Callable[[np.ndarray, np.random.Generator], np.ndarray]
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
    p = np.array([_probability(each, temperature, threshold) for each in z])
    if most is not None and most < len(z):
        p[np.argsort(-z, kind="stable")[most:]] = 0.0
    return (rng.random(len(z)) < p).astype(np.uint8)


def choose_chord(
    raw: np.ndarray,
    inward: np.ndarray,
    outward: np.ndarray,
    rng: np.random.Generator,
    *,
    temperature: float = 1.0,
    threshold: float = 0.0,
) -> np.ndarray:
    """(88,) uint8, the keys of the next frame, drawn from the lowest to the highest, each given those drawn before.

    Args:
        raw, inward, outward: (88 + U,), (88, U) and (88, U), see `recurra.networks.piece_network.Chords`.
        temperature, threshold: as `choose_keys` has them, of each key.

    >>> alone = np.array([[-40.0], [0.0]])  # the second key is up where the first is down
    >>> raw = np.array([9.0, -20.0, 20.0])
    >>> choose_chord(raw, alone, np.array([[0.0], [40.0]]), np.random.default_rng(0), temperature=0)
    array([1, 0], dtype=uint8)
    """
    keys = len(inward)
    drawn, chord = rng.random(keys), np.zeros(keys, dtype=np.uint8)
    read = raw[keys:].astype(np.float64)
    units = expit(read)
    for key in range(keys):
        z = float(raw[key] + units @ outward[key])
        if drawn[key] < _probability(z, temperature, threshold):
            chord[key] = 1
            read += inward[key]
            units = expit(read)
    return chord


def _probability(z: float, temperature: float, threshold: float) -> float:
    """That a key is down whose log-odds are z."""
    if temperature == 0:
        return float(z >= 0)
    p = float(expit(z / temperature))
    return p if p >= threshold else 0.0


def go_on(step: Step, choose: Choose, opening: np.ndarray, *, frames: int, seed: int = 0) -> np.ndarray:
    """(frames, 88) uint8, how a piece goes on after its opening.

    Args:
        step: reads a frame (88,) and gives what is said of the next.
        choose: draws the next frame from that.
        opening: (T, 88) what is read first, a frame or more.
        frames: to give.
        seed: same seed, step and opening, same frames.

    Raises:
        InputError: no opening, or a number out of range.

    >>> def step(frame):
    ...     return np.where(np.roll(frame, 1) > 0, 9.0, -9.0)
    >>> go_on(step, choose_keys, np.array([[1, 0, 0]]), frames=2).tolist()
    [[0, 1, 0], [0, 0, 1]]
    """
    if not len(opening):
        raise InputError("expected a frame or more to go on from, found none", where="prompt")
    if frames < 0:
        raise InputError(f"expected 0 or more, found {frames}", where="max_tokens")
    if not 0 <= seed <= _LARGEST_SEED:
        raise InputError(f"expected a whole number from 0 to {_LARGEST_SEED}, found {seed}", where="seed")
    rng = np.random.default_rng(seed)
    said = np.zeros(0)
    for frame in opening:
        said = step(frame)
    made = np.zeros((frames, opening.shape[1]), dtype=np.uint8)
    for n in range(frames):
        made[n] = choose(said, rng)
        if n + 1 < frames:
            said = step(made[n])
    return made


def check_choosing(temperature: float, threshold: float, most: int | None) -> None:
    """Refuse options out of range before anything is computed.

    Raises:
        InputError: naming the option.
    """
    check_sampling(temperature, most, None)
    if not 0 <= threshold < 1:
        raise InputError(f"expected a probability from 0 to below 1, found {threshold}", where="threshold")
