"""The bootstrap: intervals of statistics that have no formula of their own, from examples drawn again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy.sparse import csr_array

from recurra.errors import InputError
from recurra.statistics.blocks import Blocks
from recurra.statistics.intervals import Interval, check_level, effective_size, share_interval


def bootstrap_interval(
    statistic: Callable[..., float],
    *arrays: np.ndarray,
    seed: int = 0,
    level: float = 0.95,
    resamples: int | None = None,
) -> Interval:
    """Percentile bootstrap of any statistic of examples (Efron 1979).

    Whole examples are drawn: entry n of every array goes with entry n of the others.

    Args:
        statistic: takes arrays like those given, returns a number.
        arrays: each with one entry per example along its first axis.
        seed: same seed, same interval.
        level: the share of repetitions in which the interval holds the truth.
        resamples: by default 1000, fewer for more than 25,000 examples, never fewer than 200.

    >>> interval = bootstrap_interval(np.median, np.arange(101.0))
    >>> 50 in interval, 30 in interval
    (True, False)
    """
    n = len(arrays[0])
    if any(len(array) != n for array in arrays):
        raise InputError(
            f"expected arrays of one length, found {[len(array) for array in arrays]}", where="arrays"
        )
    rng = np.random.default_rng(seed)
    drawn = np.empty(resamples or affordable_resamples(n))
    for k in range(len(drawn)):
        chosen = rng.integers(n, size=n)
        drawn[k] = statistic(*(array[chosen] for array in arrays))
    return interval_of_draws(drawn, float(statistic(*arrays)), level)


def bootstrap_sums(
    columns: np.ndarray, *, seed: int = 0, resamples: int | None = None, blocks: Blocks | None = None
) -> np.ndarray:
    """(R, C) column sums of R bootstrap samples of the rows of `columns` (N, C).

    Many statistics are functions of a few sums over examples (F1, RMSE); from
    these sums their bootstrap costs one matrix product.

    Args:
        columns: what each example adds to the sums.
        seed: same seed, same draws.
        resamples: R.
        blocks: which examples depend on each other; None: none does. Blocks are drawn until there are as
            many units as there were; what the last one has too many is evened out by weight.

    >>> bootstrap_sums(np.ones((5, 2)), resamples=3)
    array([[5., 5.],
           [5., 5.],
           [5., 5.]])
    """
    columns, weight = np.asarray(columns, dtype=np.float64), 1.0
    n = size = len(columns)
    if blocks is not None:
        columns = blocks.moving_sums(columns)
        n, size = len(columns), math.ceil(blocks.count)
        weight = blocks.count / size
    resamples = resamples or affordable_resamples(n)
    drawn = [counts @ columns for counts in _resampled_counts(n, resamples, seed, size)]
    return weight * np.concatenate(drawn)


def macro_interval(
    statistic: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    confusion: np.ndarray,
    *,
    seed: int = 0,
    level: float = 0.95,
    resamples: int = 1000,
) -> Interval:
    """`share_interval` of an average over classes, such as macro F1, from a confusion matrix (K, K), rows the truth.

    The variance is that of a bootstrap: drawing examples again is drawing a confusion matrix from a
    multinomial. Two right and two wrong examples, spread over the classes as the truth is, are mixed in
    first (Agresti and Coull 1998), so that a class of which all few examples are right counts as unsure.

    Args:
        statistic: takes `right`, `support`, `predicted`, each (..., K): examples of each class that are
            right, that are there, and that are predicted; returns (...).
        confusion: counts of examples.
        seed: same seed, same interval.
        level: the share of repetitions in which the interval holds the truth.
        resamples: R.
    """
    k, n = len(confusion), int(confusion.sum())
    classes = np.arange(k)
    support = confusion.sum(1)
    smoothed = confusion.astype(np.float64)
    smoothed[classes, classes] += 2 * support / n
    smoothed[classes, (classes + 1) % k] += 2 * support / n
    truth, predicted = np.nonzero(smoothed)
    share = smoothed[truth, predicted]
    drawn = np.random.default_rng(seed).multinomial(n, share / share.sum(), size=resamples).astype(np.float64)
    cells = np.arange(len(truth))

    def per_class(of: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        member = csr_array((np.ones(chosen.sum()), (cells[chosen], of[chosen])), shape=(len(cells), k))
        return drawn @ member

    every = np.ones(len(cells), dtype=bool)
    values = statistic(
        per_class(truth, truth == predicted), per_class(truth, every), per_class(predicted, every)
    )
    centre = float(statistic(np.diagonal(smoothed), smoothed.sum(1), smoothed.sum(0)))
    value = float(statistic(np.diagonal(confusion), support, confusion.sum(0)))
    return share_interval(value, effective_size(centre, float(np.var(values)), n), level)


def interval_of_draws(
    drawn: np.ndarray, point: float, level: float = 0.95, blocks: Blocks | None = None
) -> Interval:
    """The percentile interval of bootstrap draws; it always holds the observed `point`.

    Of draws by `blocks`, which may be few: `Blocks.reach` standard deviations to either side of the point.
    """
    check_level(level)
    drawn = drawn[np.isfinite(drawn)]
    method = "bootstrap" if blocks is None else "block bootstrap"
    if not len(drawn) or (blocks is not None and blocks.count < 2):
        return Interval(-math.inf, math.inf, level, method)
    if blocks is not None:
        half = blocks.reach(level) * float(drawn.std())
        return Interval(point - half, point + half, level, method)
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(float(min(low, point)), float(max(high, point)), level, method)


def affordable_resamples(n: int) -> int:
    """1000 resamples as long as that is 25 million draws, then fewer, at least 200; a second or so."""
    return int(np.clip(25_000_000 // max(n, 1), 200, 1000))


def _resampled_counts(n: int, resamples: int, seed: int, size: int) -> Iterator[np.ndarray]:
    """Parts (r, N): how often each example is among `size` drawn. A part stays within the processor's cache."""
    rng = np.random.default_rng(seed)
    rows = max(1, 200_000 // max(n, 1))
    for start in range(0, resamples, rows):
        r = min(rows, resamples - start)
        drawn = rng.integers(n, size=(r, size)) + n * np.arange(r)[:, None]
        yield np.bincount(drawn.ravel(), minlength=r * n).reshape(r, n).astype(np.float64)
