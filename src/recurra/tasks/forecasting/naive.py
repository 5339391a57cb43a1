"""Forecasts that anyone can make by hand: the last value, the last season, the straight line.

Each takes histories (..., T) of one length, of which it forecasts all at once, and the number of steps
ahead, and returns (..., H). Values that are missing (NaN) are passed over: what counts is the last value
that is there. A history without any value gives NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recurra.errors import InputError
from recurra.tasks.forecasting.seasonal import bridged, is_seasonal, repeated, seasonal_pattern

# Histories of one length that are looked at together; a few of them still lie within the processor's cache.
_TOGETHER = 64


def naive(history: np.ndarray, horizon: int) -> np.ndarray:
    """The last value, again and again.

    >>> naive(np.array([1.0, 2.0, np.nan]), 2)
    array([2., 2.])
    """
    history = _checked(history, horizon)
    return np.repeat(_last(history)[..., None], horizon, axis=-1)


def seasonal_naive(history: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The last season, again and again: the last value of the same step of the season.

    A step of the season that was never there (a history shorter than the season) is forecast by `naive`.

    Args:
        history: (..., T).
        season: m steps, 1 for the plain naive.
        horizon: H.

    >>> seasonal_naive(np.array([9.0, 1.0, 2.0, 3.0, np.nan]), 2, 3)
    array([3., 2., 3.])
    """
    history = _checked(history, horizon, season)
    rounds = max(1, -(-history.shape[-1] // season))
    whole = np.full((*history.shape[:-1], rounds * season), np.nan)
    whole[..., whole.shape[-1] - history.shape[-1] :] = history
    by_step = np.swapaxes(whole.reshape(*history.shape[:-1], rounds, season), -1, -2)
    last = _last(by_step)
    last = np.where(np.isnan(last), _last(history)[..., None], last)
    return repeated(last, horizon, before=False)


def drift(history: np.ndarray, horizon: int) -> np.ndarray:
    """The straight line through the first and the last value; with one value alone, that value.

    >>> drift(np.array([1.0, 2.0, 5.0]), 2)
    array([7., 9.])
    """
    history = _checked(history, horizon)
    there, steps = np.isfinite(history), history.shape[-1]
    if not steps:
        return naive(history, horizon)
    begin, end = there.argmax(-1), steps - 1 - there[..., ::-1].argmax(-1)
    first = np.take_along_axis(history, begin[..., None], -1)
    last = np.take_along_axis(history, end[..., None], -1)
    slope = (last - first) / np.maximum(end - begin, 1)[..., None]
    return last + slope * (steps - 1 - end[..., None] + np.arange(1, horizon + 1))


def naive2(history: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Naive2 of the M competitions: the last value of the seasonally adjusted series, times its season.

    The season is taken out where `is_seasonal` finds one, else this is `naive`. It is multiplied in where
    all values are positive, as in M4, and added otherwise.

    Args:
        history: (..., T).
        season: m steps.
        horizon: H.

    >>> naive2(np.tile([1.0, 3.0], 6), 2, 3).round(6)
    array([1., 3., 1.])
    """
    history = _checked(history, horizon, season)
    whole, plain = bridged(history), naive(history, horizon)
    seasonal = is_seasonal(whole, season)
    if not seasonal.any():
        return plain
    positive = (whole > 0).all(-1)
    found = plain.copy()
    for multiplicative in (True, False):
        rows = seasonal & (positive == multiplicative)
        if rows.any():
            pattern = seasonal_pattern(whole[rows], season, multiplicative=multiplicative)
            last, ahead = pattern[..., -1:], repeated(pattern, horizon, before=False)
            end = whole[rows][..., -1:]
            found[rows] = end / last * ahead if multiplicative else end - last + ahead
    return found


def naive2_of_each(history: Callable[[int], np.ndarray], n: int, season: int, horizon: int) -> np.ndarray:
    """(n, H) `naive2` of many histories of any lengths; those of one length are done together.

    Args:
        history: the (T,) history of number 0 to n - 1.
        n: how many.
        season: m steps.
        horizon: H.
    """
    found = np.empty((n, horizon))
    for start in range(0, n, _TOGETHER):
        part = [history(k) for k in range(start, min(start + _TOGETHER, n))]
        lengths = np.array([len(each) for each in part])
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            found[start + rows] = naive2(np.stack([part[row] for row in rows]), season, horizon)
    return found


def _last(history: np.ndarray) -> np.ndarray:
    """(...) the last value of each row that is there; NaN where none is."""
    if not history.shape[-1]:
        return np.full(history.shape[:-1], np.nan)
    place = history.shape[-1] - 1 - np.isfinite(history)[..., ::-1].argmax(-1)
    return np.take_along_axis(history, place[..., None], -1)[..., 0]


def _checked(history: np.ndarray, horizon: int, season: int = 1) -> np.ndarray:
    if horizon < 1 or season < 1:
        raise InputError(
            f"expected a horizon and a season of 1 step or more, found {horizon} and {season}",
            where="horizon, season",
        )
    return np.asarray(history, dtype=np.float64)
