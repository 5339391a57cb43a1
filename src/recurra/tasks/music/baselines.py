"""What a network that foretells music has to beat: each key by how often it is down, by whether it is down now, and a
linear model on the last few frames.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np

from recurra.data.packed import Packed
from recurra.tasks.baselines import BaselineResult
from recurra.tasks.baselines.numbers import PRODUCTS_PER_S
from recurra.tasks.music.scores import piece_scores, piece_sums
from recurra.tasks.tagging.baselines import lagged

LAGS = 3  # frames before this one that the linear model sees
_ITERATIONS = 60
_PENALTY = 1.0  # as scikit-learn's logistic regression has it


def run_piece_baselines(
    seen: Packed, unseen: Packed, *, seed: int = 0, time_limit_s: float = 60.0
) -> list[tuple[BaselineResult, np.ndarray]]:
    """Each baseline, and (N, 5) what its answers add to the sums of `recurra.tasks.music.scores`.

    Args:
        seen: the rolls that are learned from, values (frames, 88).
        unseen: those of the test part, scored as the network is.
        seed: of sub-samples.
        time_limit_s: of the linear model, turned into a number of frames by a fixed rate, never by a clock.
    """
    now, following, _ = _pairs(seen)
    asked, truth, piece = _pairs(unseen)
    found = []

    def take(name: str, description: str, guess: Callable[[], np.ndarray]) -> None:
        begin = time.perf_counter()
        p = guess()
        seconds = time.perf_counter() - begin
        sums = _sums(p, truth, piece, len(unseen))
        found.append((BaselineResult(name, description, piece_scores(sums), seconds, p), sums))

    take(
        "always the same shares",
        "Gives every key its share of the training frames as probability, whatever it reads.",
        lambda: np.tile(_shares(following.sum(0), len(following)), (len(truth), 1)),
    )
    take(
        "held and struck keys",
        "Of each key by itself: how often it stays down when it is down, and is struck when it is up.",
        lambda: _markov(now, following, asked),
    )
    rows, note = np.arange(len(now)), ""
    most = affordable_frames(now.shape[1], time_limit_s)
    if most < len(rows):
        note = f", learned from {most:,} of {len(rows):,} frames to save time"
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    take(
        f"last {LAGS + 1} frames, logistic regression",
        f"Logistic regression of every key on this frame and the {LAGS} before it{note}.",
        lambda: _linear(_lagged(seen)[rows], following[rows], _lagged(unseen)),
    )
    return found


def affordable_frames(keys: int, time_limit_s: float) -> int:
    """How many frames the solver can go over in time, by a fixed rate."""
    products = 4 * _ITERATIONS * (LAGS + 1) * keys * keys
    return max(1000, int(8 * PRODUCTS_PER_S * time_limit_s / products))


def _pairs(rolls: Packed) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(M, 88) bool frames that another one follows, (M, 88) bool those that follow, (M,) which piece they are of."""
    values, offsets = rolls.flat()
    first = np.zeros(len(values), dtype=bool)
    first[offsets[:-1]] = True
    piece = np.repeat(np.arange(len(rolls)), rolls.lengths)
    return values[:-1][~first[1:]] > 0, values[1:][~first[1:]] > 0, piece[1:][~first[1:]]


def _lagged(rolls: Packed) -> np.ndarray:
    """(M, (LAGS + 1) 88) float32: each frame that another one follows, with those before it."""
    whole = lagged(rolls, LAGS)
    last = np.zeros(len(whole), dtype=bool)
    last[np.cumsum(rolls.lengths) - 1] = True
    return whole[~last].astype(np.float32)


def _shares(there: np.ndarray, count: np.ndarray | int) -> np.ndarray:
    """The rule of succession: a key that was never down may be down one day."""
    return (there + 1) / (count + 2)


def _markov(now: np.ndarray, following: np.ndarray, asked: np.ndarray) -> np.ndarray:
    stays = _shares((now & following).sum(0), now.sum(0))
    comes = _shares((~now & following).sum(0), (~now).sum(0))
    return np.where(asked, stays, comes)


def _linear(features: np.ndarray, targets: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Logistic regression of all keys at once: a network without hidden layers, fitted by L-BFGS. Keys that were always
    up, or always down, have their share.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    guess = np.tile(_shares(targets.sum(0), len(targets)), (len(asked), 1))
    varied = np.flatnonzero(targets.any(0) & ~targets.all(0))
    if len(varied) < 2:  # it would take a single column for classes
        return guess
    model = MLPClassifier(
        hidden_layer_sizes=(), solver="lbfgs", alpha=_PENALTY, max_iter=_ITERATIONS, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, targets[:, varied].astype(np.int64))
    least = _shares(np.zeros(1), len(targets))
    guess[:, varied] = np.clip(model.predict_proba(asked), least, 1 - least)
    return guess


def _sums(p: np.ndarray, truth: np.ndarray, piece: np.ndarray, count: int) -> np.ndarray:
    nats = -np.log(np.where(truth, p, 1 - p)).sum(1)
    return piece_sums(nats, p >= 0.5, truth, piece, count)
