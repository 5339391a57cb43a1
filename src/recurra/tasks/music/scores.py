"""How well the next frame is foretold, with intervals over pieces: frames of one piece depend on each other."""

from __future__ import annotations

import math

import numpy as np

from recurra.statistics.bootstrap import bootstrap_sums, interval_of_draws
from recurra.statistics.intervals import Interval
from recurra.statistics.repeated import Measure
from recurra.tasks.metrics import Score

COLUMNS = 5  # frames, nats, keys rightly given, given in vain, missed


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """NaN where there is nothing to divide by."""
    return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1), np.nan)


def _accuracy(sums: np.ndarray) -> np.ndarray:
    right = sums[..., 2]
    return _ratio(right, right + sums[..., 3] + sums[..., 4])


MEASURES = (
    Measure("NLL per frame", lambda sums: _ratio(sums[..., 1], sums[..., 0]), higher_is_better=False),
    Measure("frame accuracy", _accuracy, higher_is_better=True),
)


def piece_sums(
    nats: np.ndarray, said: np.ndarray, truth: np.ndarray, piece: np.ndarray, count: int
) -> np.ndarray:
    """(N, 5) what each piece adds to the sums of `MEASURES`.

    Args:
        nats: (M,) the negative log likelihood of each frame.
        said, truth: (M, 88) bool, the keys given, and those down.
        piece: (M,) which piece a frame is of.
        count: N.
    """
    columns = np.stack(
        [
            np.ones(len(nats)),
            nats,
            (said & truth).sum(1),
            (said & ~truth).sum(1),
            (~said & truth).sum(1),
        ],
        axis=1,
    )
    sums = np.zeros((count, COLUMNS))
    np.add.at(sums, piece, columns)
    return sums


def piece_scores(sums: np.ndarray, *, seed: int = 0) -> list[Score]:
    """NLL per frame, then accuracy, each with its interval over the N pieces.

        NLL = sum of nats / frames,    accuracy = TP / (TP + FP + FN)

    over all frames, not over means of pieces, as the literature counts: NLL as Boulanger-Lewandowski et al.
    (arXiv:1206.6392), accuracy of keys as Bay, Ehmann & Downie (ISMIR 2009).

    >>> sums = np.array([[2, 10.0, 3, 1, 0], [3, 20.0, 4, 0, 2]])
    >>> [(score.name, score.value) for score in piece_scores(sums)]
    [('NLL per frame', 6.0), ('frame accuracy', 0.7)]
    """
    drawn, total, found = bootstrap_sums(sums, seed=seed), sums.sum(0), []
    for measure in MEASURES:
        value = float(measure.statistic(total))
        interval = interval_of_draws(measure.statistic(drawn), value)
        if len(sums) < 2 or not math.isfinite(value):
            interval = Interval(-math.inf, math.inf, 0.95, "undefined")
        found.append(Score(measure.name, value, interval, measure.higher_is_better, len(sums)))
    return found
