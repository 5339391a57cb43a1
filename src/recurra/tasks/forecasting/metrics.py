"""How far forecasts are off: the measures of forecasting, one number over all windows and steps.

Truths that are missing (NaN) are left out of all of them; where nothing is left the number is NaN. The
term of each value on its own is public too (`smape_terms`, `pinball_terms`): whatever is shown, by window,
by step or over all, is a mean of the same terms.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recurra.errors import InputError

_ROUNDING = 1e-9  # a scale below this share of the mean size of the values counts as none


def mse(truth: np.ndarray, point: np.ndarray) -> float:
    """Mean squared error, mean((y - f)²).

    >>> mse(np.array([1.0, 2.0, np.nan]), np.array([1.0, 4.0, 5.0]))
    2.0
    """
    return _mean((truth - point) ** 2)


def rmse(truth: np.ndarray, point: np.ndarray) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(mse(truth, point)))


def mae(truth: np.ndarray, point: np.ndarray) -> float:
    """Mean absolute error, mean(|y - f|).

    >>> mae(np.array([1.0, 2.0, np.nan]), np.array([1.0, 4.0, 5.0]))
    1.0
    """
    return _mean(np.abs(truth - point))


def smape(truth: np.ndarray, point: np.ndarray) -> float:
    """Symmetric mean absolute percentage error in the form of M4, in per cent, from 0 to 200.

        mean(200 |y - f| / (|y| + |f|))

    (Makridakis, Spiliotis and Assimakopoulos, International Journal of Forecasting 36, 2020.) Where truth
    and forecast are both 0 the term is 0.

    >>> smape(np.array([1.0, 0.0]), np.array([3.0, 0.0]))
    50.0
    """
    return _mean(smape_terms(truth, point))


def smape_terms(truth: np.ndarray, point: np.ndarray) -> np.ndarray:
    """200 |y - f| / (|y| + |f|), of the shape of `truth`."""
    size = np.abs(truth) + np.abs(point)
    return 200 * np.abs(truth - point) / np.where(size == 0, 1.0, size)


def mase(truth: np.ndarray, point: np.ndarray, scale: np.ndarray) -> float:
    """Mean absolute scaled error (Hyndman and Koehler, International Journal of Forecasting 22, 2006).

        mean(|y - f| / scale)

    Below 1 the forecast is closer than the seasonal naive was, one step ahead, within the training part.

    Args:
        truth, point: (W, H).
        scale: (W,) `seasonal_scale` of each window's series; windows where it is 0 or NaN are left out.

    >>> mase(np.array([[1.0, 2.0]]), np.array([[2.0, 4.0]]), np.array([2.0]))
    0.75
    """
    return _mean(np.abs(truth - point) / usable_scale(scale)[:, None])


def seasonal_scale(history: np.ndarray, season: int = 1) -> float:
    """What `mase` divides by: the mean absolute error of the seasonal naive within the training part.

        mean over t > m of |y_t - y_{t-m}|,    m the season

    Pairs of which one is missing are left out. NaN where no pair is left (a history not longer than the
    season), 0 where the history repeats itself exactly, or but for rounding errors.

    Args:
        history: (T,) the training part of one series.
        season: m, steps of a season.

    >>> seasonal_scale(np.array([1.0, 5.0, 2.0, 7.0]), 2)
    1.5
    """
    if season < 1:
        raise InputError(f"expected a season of 1 step or more, found {season}", where="season")
    history = np.asarray(history, dtype=np.float64)
    scale = _mean(np.abs(history[season:] - history[:-season]))
    return 0.0 if scale < _ROUNDING * _mean(np.abs(history)) else scale


def usable_scale(scale: np.ndarray) -> np.ndarray:
    """`scale` with NaN where nothing can be divided by it."""
    scale = np.asarray(scale, dtype=np.float64)
    return np.where(np.isfinite(scale) & (scale > 0), scale, np.nan)


def owa(truth: np.ndarray, point: np.ndarray, naive2: np.ndarray, scale: np.ndarray) -> float:
    """Overall weighted average of M4: sMAPE and MASE, each relative to that of Naive2.

        (sMAPE / sMAPE of Naive2 + MASE / MASE of Naive2) / 2

    Args:
        truth, point: (W, H).
        naive2: (W, H) the forecasts of `recurra.tasks.forecasting.naive.naive2`.
        scale: (W,) as for `mase`.

    >>> y, scale = np.array([[1.0, 2.0]]), np.array([1.0])
    >>> owa(y, y + 1, y + 1, scale)
    1.0
    """
    percent = smape(truth, point) / smape(truth, naive2)
    return (percent + mase(truth, point, scale) / mase(truth, naive2, scale)) / 2


def pinball(truth: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> float:
    """Quantile or pinball loss (Koenker and Bassett, Econometrica 46, 1978), the mean over the quantiles.

        mean(max(q (y - f_q), (q - 1) (y - f_q)))

    Of the median alone it is half the mean absolute error.

    Args:
        truth: (..., H).
        quantiles: (..., H, Q).
        levels: the Q shares q between 0 and 1.

    >>> pinball(np.array([10.0]), np.array([[8.0, 13.0]]), [0.25, 0.75])
    0.625
    """
    return _mean(pinball_terms(truth, quantiles, levels))


def pinball_terms(truth: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """The pinball loss of every value, averaged over the Q quantiles; of the shape of `truth`."""
    total = np.zeros(truth.shape)
    for k, q in enumerate(levels):
        above = truth - quantiles[..., k]
        total += np.maximum(q * above, (q - 1) * above)
    return total / len(levels)


def interval_coverage(truth: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """The share of truths that lie from `low` to `high`, all of one shape; near the nominal share is good.

    >>> interval_coverage(np.array([1.0, 2.0, np.nan]), np.zeros(3), np.ones(3))
    0.5
    """
    return _mean(np.where(np.isnan(truth), np.nan, (low <= truth) & (truth <= high)))


def interval_width(truth: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Mean of `high` - `low` where there is a truth; of two with equal coverage the narrower is better."""
    return _mean(np.where(np.isnan(truth), np.nan, high - low))


def central_pairs(levels: Sequence[float]) -> dict[float, tuple[int, int]]:
    """The intervals that quantiles make: nominal share -> places of its lower and its upper quantile.

    >>> central_pairs([0.1, 0.5, 0.9])
    {0.8: (0, 2)}
    """
    pairs = {}
    for low, q in enumerate(levels):
        for high, p in enumerate(levels):
            if q < 0.5 and abs(q + p - 1) < 1e-9:
                pairs[round(p - q, 9)] = (low, high)
    return pairs


def _mean(terms: np.ndarray) -> float:
    there = np.isfinite(terms)
    return float(terms[there].mean()) if there.any() else float("nan")
