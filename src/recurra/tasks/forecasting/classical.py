"""Exponential smoothing: what one would take instead of a network, by statsmodels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy import stats

from recurra.errors import InputError, RecurraError
from recurra.tasks.forecasting.naive import naive
from recurra.tasks.forecasting.scores import Forecast
from recurra.tasks.forecasting.seasonal import bridged, is_seasonal, repeated, seasonal_pattern

# Fewer values than this say too little for three smoothing parameters and two initial states.
_FEWEST = 10
# Where a step of the season is next to nothing, as light at night, dividing by it would blow up its noise.
_LEAST_FACTOR = 0.1


def has_statsmodels() -> bool:
    """Whether the extra `forecast` is installed."""
    return find_spec("statsmodels") is not None


def longest_history(season: int) -> int:
    """The last steps that a history is fitted on: 10 seasons and at least 200 steps, but not thousands.

    >>> longest_history(1), longest_history(24), longest_history(168), longest_history(1440)
    (200, 240, 1680, 4320)
    """
    return min(max(10 * season, 200), max(4000, 3 * season))


def exponential_smoothing(
    history: np.ndarray, season: int, horizon: int, levels: Sequence[float] = ()
) -> Forecast:
    """Damped trend, additive errors (ETS(A,Ad,N)) on the seasonally adjusted history, with quantiles.

        y_t = l_{t-1} + phi b_{t-1} + e_t,    l_t = l_{t-1} + phi b_{t-1} + alpha e_t,    b_t = phi b_{t-1} + beta e_t

        variance of the error h steps ahead: sigma² (1 + c_1² + ... + c_{h-1}²),
        c_j = alpha + beta (phi + ... + phi^j)

    (Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing, 2008.) The errors are taken
    to be normal. A season that `is_seasonal` finds is taken out by classical decomposition: multiplied in
    where all values are positive, unless that takes a step of it below a tenth, and added otherwise. Gaps
    are bridged by straight lines, and one at the end by the forecast itself. A history of fewer than 10
    values is continued as a random walk, a constant one as it is.

    Args:
        history: (T,); only `longest_history(season)` steps up to its last value are looked at.
        season: m steps.
        horizon: H.
        levels: (Q,) of the quantiles.

    Returns:
        Point (H,), quantiles (H, Q) or None without levels.

    Raises:
        InputError: a history without any value.
        RecurraError: statsmodels is not installed.
    """
    history = np.asarray(history, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(history))
    if not len(known):
        raise InputError("expected a history with at least one value, found none", where="history")
    # However long the gap at the end is, what was before it is looked at.
    end = int(known[-1]) + 1
    known = known[known >= end - longest_history(season)]
    values, steps = bridged(history[known[0] : end]), len(history) - end + horizon
    pattern, multiplicative = _pattern(values, season)
    ahead = repeated(pattern, steps, before=False)
    before = repeated(pattern, len(values), before=True)
    adjusted = values / before if multiplicative else values - before
    point, sigma = _smoothed(adjusted, steps) if len(known) >= _FEWEST else _random_walk(adjusted, steps)
    point, sigma = (point * ahead, sigma * ahead) if multiplicative else (point + ahead, sigma)
    point, sigma = point[-horizon:], sigma[-horizon:]
    if not len(levels):
        return Forecast(point)
    return Forecast(point, point[:, None] + sigma[:, None] * stats.norm.ppf(np.asarray(levels)))


def _pattern(values: np.ndarray, season: int) -> tuple[np.ndarray, bool]:
    """(m,) the season, and whether it is a factor; zeros where there is none."""
    if not is_seasonal(values, season):
        return np.zeros(1), False
    if (values > 0).all():
        factors = seasonal_pattern(values, season, multiplicative=True)
        if factors.min() > _LEAST_FACTOR:
            return factors, True
    return seasonal_pattern(values, season, multiplicative=False), False


def _smoothed(values: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """(H,) forecasts and their standard deviations."""
    try:
        from statsmodels.tools.sm_exceptions import ConvergenceWarning
        from statsmodels.tsa.exponential_smoothing.ets import ETSModel
    except ImportError as error:
        raise RecurraError(
            "exponential smoothing needs statsmodels, which is not installed",
            fix="Install it: pip install 'recurra[forecast]'",
        ) from error
    centre, spread = values.mean(), values.std()
    if spread <= 1e-9 * max(abs(centre), 1e-150):
        return np.full(horizon, values[-1]), np.zeros(horizon)
    with warnings.catch_warnings():
        # A search that stopped at its limit has still found something; the forecasts tell.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = ETSModel((values - centre) / spread, error="add", trend="add", damped_trend=True)
        found: Any = model.fit(disp=False)
    point = np.asarray(found.forecast(horizon))
    alpha, beta, phi = found.smoothing_level, found.smoothing_trend, found.damping_trend
    error = np.sqrt(np.sum(found.resid**2) / max(len(values) - 5, 1))
    c = alpha + beta * np.cumsum(phi ** np.arange(1, horizon))
    sigma = error * np.sqrt(1 + np.concatenate([[0.0], np.cumsum(c**2)]))
    if not (np.isfinite(point).all() and np.isfinite(sigma).all()):
        return _random_walk(values, horizon)
    return centre + spread * point, spread * sigma


def _random_walk(values: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """The last value, and the spread of as many steps as lie ahead."""
    step = float(np.sqrt(np.mean(np.diff(values) ** 2))) if len(values) > 1 else 0.0
    return naive(values, horizon), step * np.sqrt(np.arange(1, horizon + 1))
