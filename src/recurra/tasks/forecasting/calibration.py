"""Intervals as wide as the validation part says they must be, as far as it can tell."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_LEAST = 1e-3  # a factor of 0 would leave an interval without any width
_PRIOR = 15.0  # horizons that the network's own widths are worth


def width_factors(
    truth: np.ndarray, quantiles: np.ndarray, levels: Sequence[float], horizons: float = math.inf
) -> list[float]:
    """What the distance of each quantile from the median is to be multiplied by; 1 for the median.

        s_q^(n / (n + 15)),   n independent horizons,
        s_q = the smallest s for which f_m + s (f_q - f_m) has the share q of the truths on its near side,

    f_m the median. s_q is that of split conformal prediction (Vovk et al. 2005; for quantiles Romano et al.,
    arXiv:1905.03222) on scores relative to the network's own width, over all steps of the horizon together: of
    N truths the share is that of ceil((N + 1) q). Its guarantee asks for truths of which each could as well have come
    after. Those of one horizon are alike, and a few horizons may all have been easy, or all hard: so s_q is
    shrunk towards the network's own width, 1, as much as a few say little (Morris, JASA 78, 1983). Factors grow away
    from the median, so quantiles still do not cross.

    Calibrated on n horizons and measured on the next ones (nine cases of temperatures, load, sunspots and exchange
    rates; no test part), the pinball loss changes by +11.7, +3.0, -0.6 % for n = 1, 4, 16 with s_q, by +3.9, +1.4,
    -0.7 % where it may only widen, and by +0.1, +0.1, -0.7 % as it is; 80 % intervals are off by 18, 11, 6, by 9, 8,
    6, and by 10, 9, 6 points. A factor for each step of the horizon is no better than one for all.

    Args:
        truth: (W, H), NaN where missing.
        quantiles: (W, H, Q) rising.
        levels: (Q,) rising, 0.5 among them.
        horizons: n, see `independent_horizons`.

    >>> truth = np.arange(-50.0, 51.0)[:, None]
    >>> quantiles = np.broadcast_to([-10.0, 0.0, 80.0], (101, 1, 3))
    >>> width_factors(truth, quantiles, [0.1, 0.5, 0.9])
    [4.1, 1.0, 0.5125]
    >>> [round(factor, 3) for factor in width_factors(truth, quantiles, [0.1, 0.5, 0.9], horizons=15)]
    [2.025, 1.0, 0.716]
    """
    trust = 1.0 if math.isinf(horizons) else horizons / (horizons + _PRIOR)
    middle = list(levels).index(0.5)
    there = ~np.isnan(truth)
    off = (truth - quantiles[..., middle])[there].astype(np.float64)
    factors = [1.0] * len(levels)
    for side in (range(middle - 1, -1, -1), range(middle + 1, len(levels))):
        factor = _LEAST
        for k in side:
            share = max(levels[k], 1 - levels[k])
            width = (quantiles[..., k] - quantiles[..., middle])[there].astype(np.float64)
            with np.errstate(divide="ignore", invalid="ignore"):
                ratios = np.where(width == 0, np.where(off == 0, 0.0, np.inf), off / width)
            ratios = np.sort(ratios[np.isfinite(ratios)])
            if len(ratios):
                place = min(len(ratios), int(np.ceil((len(ratios) + 1) * share - 1e-9))) - 1
                factor = max(factor, float(ratios[place]))
            else:
                factor = max(factor, 1.0)
            factors[k] = factor**trust
    return factors


def independent_horizons(origins: np.ndarray, horizon: int) -> float:
    """How many horizons the windows are worth that stand at `origins`, (W, 2) series and step, in order.

    Windows of a series overlap: they are worth the horizons that fit one after the other from the first to the last.
    N series of the same time are neither N times that, nor only as much as one: sqrt(N) times.

    >>> independent_horizons(np.array([[0, k] for k in range(100, 191)]), 10)
    10.0
    >>> independent_horizons(np.array([[n, k] for n in range(4) for k in range(100, 191)]), 10)
    20.0
    """
    first = np.unique(origins[:, 0], return_index=True)[1]
    last = np.append(first[1:], len(origins)) - 1
    spans = origins[last, 1] - origins[first, 1] + horizon
    return float(spans.sum() / horizon / math.sqrt(len(first)))


def widened(quantiles: np.ndarray, levels: Sequence[float], factors: Sequence[float]) -> np.ndarray:
    """Quantiles (..., Q) at their distance from the median times their factor."""
    middle = list(levels).index(0.5)
    median = quantiles[..., middle : middle + 1]
    return median + (quantiles - median) * np.asarray(factors)
