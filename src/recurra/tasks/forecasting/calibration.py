"""Intervals as wide as the validation part says they must be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def width_factors(
    truth: np.ndarray, quantiles: np.ndarray, levels: Sequence[float], least: float = 1e-3
) -> list[float]:
    """What the distance of each quantile from the median is to be multiplied by; 1 for the median.

        s_q = the smallest s for which f_m + s (f_q - f_m) has the share q of the truths on its near side,

    f_m the median: split conformal prediction (Vovk et al. 2005; for quantiles Romano et al., arXiv:1905.03222)
    on scores relative to the network's own width. With n truths the share is that of ceil((n + 1) q) of them, so
    few truths make wide intervals. Factors grow away from the median, so quantiles still do not cross.

    Args:
        truth: (W, H), NaN where missing.
        quantiles: (W, H, Q) rising.
        levels: (Q,) rising, 0.5 among them.
        least: the smallest factor. Truths of one horizon are alike, so few horizons may all have been easy: they
            are reason to widen an interval, not to narrow it, which 1 forbids.

    >>> truth = np.arange(-50.0, 51.0)[:, None]
    >>> quantiles = np.broadcast_to([-10.0, 0.0, 80.0], (101, 1, 3))
    >>> width_factors(truth, quantiles, [0.1, 0.5, 0.9])
    [4.1, 1.0, 0.5125]
    >>> width_factors(truth, quantiles, [0.1, 0.5, 0.9], least=1.0)
    [4.1, 1.0, 1.0]
    """
    middle = list(levels).index(0.5)
    there = ~np.isnan(truth)
    off = (truth - quantiles[..., middle])[there].astype(np.float64)
    factors = [1.0] * len(levels)
    for side in (range(middle - 1, -1, -1), range(middle + 1, len(levels))):
        factor = least
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
            factors[k] = factor
    return factors


def widened(quantiles: np.ndarray, levels: Sequence[float], factors: Sequence[float]) -> np.ndarray:
    """Quantiles (..., Q) at their distance from the median times their factor."""
    middle = list(levels).index(0.5)
    median = quantiles[..., middle : middle + 1]
    return median + (quantiles - median) * np.asarray(factors)
