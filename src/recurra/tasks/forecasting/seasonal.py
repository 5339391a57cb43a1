"""Whether a series repeats itself with the season, and what is left when the season is taken out."""

from __future__ import annotations

import numpy as np

from recurra.errors import InputError


def is_seasonal(history: np.ndarray, season: int) -> np.ndarray:
    """Whether the autocorrelation at the season is more than chance, at 90 %: the test of the M4 competition.

        |r_m| > 1.645 sqrt((1 + 2 (r_1² + ... + r_{m-1}²)) / T)

    with r_k the autocorrelation at lag k and m the season. False for less than three seasons, for a
    season of 1 and for a constant history.

    Args:
        history: (..., T) without gaps.
        season: m.

    >>> rng = np.random.default_rng(0)
    >>> wave = np.tile([0.0, 1.0, 3.0, 1.0], 10)
    >>> is_seasonal(np.stack([wave, rng.normal(size=40)]), 4)
    array([ True, False])
    """
    steps = history.shape[-1]
    if season < 2 or steps < 3 * season:
        return np.zeros(history.shape[:-1], dtype=bool)
    deviation = history - history.mean(-1, keepdims=True)
    power = (deviation**2).sum(-1)
    lags = [(deviation[..., k:] * deviation[..., :-k]).sum(-1) for k in range(1, season + 1)]
    # A constant leaves rounding errors, which would correlate.
    varies = power > 1e-20 * np.maximum((history**2).sum(-1), 1e-300)
    r = np.stack(lags, -1) / np.where(varies, power, 1.0)[..., None]
    limit = 1.645 * np.sqrt((1 + 2 * (r[..., :-1] ** 2).sum(-1)) / steps)
    return varies & (np.abs(r[..., -1]) > limit)


def seasonal_pattern(history: np.ndarray, season: int, *, multiplicative: bool) -> np.ndarray:
    """(..., m) the factors or terms of the m steps of a season, by classical decomposition.

    The trend is the moving average over a season (over m + 1 steps with halved ends where m is even);
    the pattern is the mean of what is left of each step of the season, scaled to a mean of 1 or 0. Entry
    0 belongs to the first step after the history.

    Args:
        history: (..., T) without gaps, T at least 2 m.
        season: m.
        multiplicative: y = trend * pattern, for positive numbers; else y = trend + pattern.

    >>> seasonal_pattern(np.tile([1.0, 3.0], 5), 2, multiplicative=False)
    array([-1.,  1.])
    """
    steps = history.shape[-1]
    if steps < 2 * season:
        raise InputError(
            f"expected at least two seasons of {season} steps, found {steps} steps", where="history"
        )
    half = season // 2
    weights = np.ones(season + 1 - season % 2)
    if season % 2 == 0:
        weights[[0, -1]] = 0.5
    trend = np.zeros((*history.shape[:-1], steps - 2 * half))
    for k, weight in enumerate(weights / season):
        trend += weight * history[..., k : k + steps - 2 * half]
    middle = history[..., half : steps - half]
    left = middle / trend if multiplicative else middle - trend
    # Steps are counted from the end of the history; m lie between two of one kind.
    kind = (np.arange(half, steps - half) - steps) % season
    pattern = np.stack([left[..., kind == k].mean(-1) for k in range(season)], -1)
    level = pattern.mean(-1, keepdims=True)
    return pattern / level if multiplicative else pattern - level


def repeated(pattern: np.ndarray, steps: int, *, before: bool) -> np.ndarray:
    """(..., steps) the pattern (..., m) over the steps before the end of the history, or over those after it.

    >>> repeated(np.array([1, 2, 3]), 4, before=True), repeated(np.array([1, 2, 3]), 4, before=False)
    (array([3, 1, 2, 3]), array([1, 2, 3, 1]))
    """
    first = -steps if before else 0
    return pattern[..., np.arange(first, first + steps) % pattern.shape[-1]]


def bridged(history: np.ndarray) -> np.ndarray:
    """(..., T) the history with straight lines over its gaps; ends that are missing take the nearest value.

    >>> bridged(np.array([np.nan, 1.0, np.nan, 3.0]))
    array([1., 1., 2., 3.])
    """
    missing = np.isnan(history)
    if not missing.any():
        return history
    rows, holes = history.reshape(-1, history.shape[-1]).copy(), missing.reshape(-1, history.shape[-1])
    for row, hole in zip(rows, holes, strict=True):
        if hole.any() and not hole.all():
            row[hole] = np.interp(np.flatnonzero(hole), np.flatnonzero(~hole), row[~hole])
    return rows.reshape(history.shape)
