"""What one would take instead of a network: the naive forecasts and exponential smoothing, timed and scored."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recurra.errors import InputError
from recurra.statistics.paired import PairedResult
from recurra.tasks.baselines import BaselineResult, best_baseline, verdict
from recurra.tasks.forecasting.classical import exponential_smoothing, has_statsmodels
from recurra.tasks.forecasting.metrics import seasonal_scale
from recurra.tasks.forecasting.naive import naive, naive2_of_each, seasonal_naive
from recurra.tasks.forecasting.scores import (
    Forecast,
    Windows,
    available_measures,
    checked_measures,
    compare_forecasts,
    forecast_scores,
)

# Histories that one second is enough to fit, a third of what was measured.
FITS_PER_S = 10
# Steps and seasons of a history that Naive2 looks at, whichever is longer.
_NAIVE2_STEPS, _NAIVE2_SEASONS = 1000, 50

Histories = Callable[[int], np.ndarray] | Sequence[np.ndarray] | np.ndarray


@dataclass(frozen=True)
class ForecastBaseline(BaselineResult):
    """One baseline on the windows; `prediction` holds its point forecasts.

    Args:
        quantiles: (w, H, Q) at the windows' levels, or None where the baseline has none.
        indices: (w,) the windows that it was computed on, in order; None: all. Scores are of these alone,
            and a network is to be scored on the same ones beside it.
    """

    quantiles: np.ndarray | None = None
    indices: np.ndarray | None = None

    @property
    def forecast(self) -> Forecast:
        """Points and quantiles together, of the windows at `indices`."""
        return Forecast(self.prediction, self.quantiles)

    def to_json(self) -> dict[str, object]:
        """Plain types only; forecasts and the places of the windows are left out, their number is said."""
        return super().to_json() | {"windows": len(self.prediction), "all_windows": self.indices is None}

    def on(self, windows: Windows, chosen: np.ndarray) -> Forecast:
        """Its forecasts of the windows `chosen`, which must be among those it was computed on."""
        if self.indices is None:
            return self.forecast.take(chosen)
        place = np.searchsorted(self.indices, chosen)
        if not (self.indices[np.minimum(place, len(self.indices) - 1)] == chosen).all():
            raise InputError(
                f"expected windows out of the {len(self.indices):,} of {len(windows):,} that the baseline "
                f"({self.name}) was computed on",
                where="chosen",
                fix="Take those at its `indices`.",
            )
        return self.forecast.take(place)


def with_references(windows: Windows, histories: Histories, season: int) -> Windows:
    """The windows with what MASE and OWA are relative to, where they lack it.

    The scale of a window is `seasonal_scale` of its history, as in the M4 competition, where the history
    is the training part; in a rolling back-test give the scale of the training part instead. Naive2 looks
    at the last 50 seasons, or 1000 steps where that is more, and at the last value where all of them are missing.

    Args:
        histories: the history of each window, as for `run_forecast_baselines`.
        season: m steps.
    """
    history, horizon = _history_of(windows, histories), windows.truth.shape[1]
    scale, reference = windows.scale, windows.naive2
    if scale is None:
        scale = np.array([seasonal_scale(history(k), season) for k in range(len(windows))])
    if reference is None:
        reference = _naive2(history, len(windows), season, horizon)
    return replace(windows, scale=scale, naive2=reference)


def run_forecast_baselines(
    windows: Windows,
    histories: Histories,
    season: int = 1,
    *,
    measures: Sequence[str] | None = None,
    time_limit_s: float = 60.0,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> list[ForecastBaseline]:
    """The last value, the last season (with Naive2, where there is a season), exponential smoothing.

    Exponential smoothing is fitted anew at every window; without the extra `forecast` it is left out,
    which `missing_baselines` says.

    Args:
        windows: what is to be forecast.
        histories: the (T,) values up to each window's origin, NaN where missing: an array (W, T), a list,
            or a function of the number of the window, which spares keeping them all.
        season: m steps, 1 for none.
        measures: as for `forecast_scores`; a baseline without quantiles is not scored by those that need
            them, and by MAE where none is left.
        time_limit_s: of exponential smoothing. It is turned into a number of windows by a fixed rate, never
            by a clock, so that the baseline is the same on every machine; where they are fewer than there
            are, one is drawn out of each stretch of windows, and the description says so.
        seed: of the sample and of the intervals.
        progress: told the name of each baseline before it begins.

    Raises:
        InputError: a window whose history holds no value; a measure that the windows do not allow.

    >>> series = np.tile([1.0, 2.0, 4.0, 3.0], 8)
    >>> windows = Windows(np.stack([series[k : k + 2] for k in (20, 24, 28)]))
    >>> for result in run_forecast_baselines(windows, [series[:k] for k in (20, 24, 28)], 4)[:2]:
    ...     print(result.name, result.scores[0].value)
    last value 1.5
    last season 0.0
    """
    history, horizon = _history_of(windows, histories), windows.truth.shape[1]
    for k in range(len(windows)):
        if not np.isfinite(history(k)).any():
            raise InputError(
                "expected a history with at least one value before its origin, found none",
                where=f"window {k}",
                fix="Leave it out, or take a later origin.",
            )
    checked_measures(windows, measures, quantiles=True)
    every, sample = np.arange(len(windows)), _sample(len(windows), time_limit_s, seed)
    candidates = [
        _Candidate(
            "last value",
            "The last value before the origin, at every step.",
            every,
            _each(lambda k: Forecast(naive(history(k), horizon))),
        )
    ]
    if season > 1:
        candidates += [
            _Candidate(
                "last season",
                f"The value of the same step of the last season, {season} steps.",
                every,
                _each(lambda k: Forecast(seasonal_naive(history(k), season, horizon))),
            ),
            _Candidate(
                "Naive2",
                f"The last value, seasonally adjusted where a test finds a season of {season} steps.",
                every,
                lambda indices: Forecast(_naive2(history, len(indices), season, horizon)),
            ),
        ]
    if has_statsmodels():
        note = (
            ""
            if len(sample) == len(every)
            else f", on {len(sample):,} of {len(every):,} windows to save time"
        )
        what = "the seasonally adjusted history" if season > 1 else "the history"
        candidates.append(
            _Candidate(
                "exponential smoothing",
                f"Damped trend fitted to {what} before each origin{note}.",
                sample,
                _each(lambda k: exponential_smoothing(history(k), season, horizon, windows.levels)),
            )
        )
    results = []
    for candidate in candidates:
        if progress:
            progress(candidate.name)
        results.append(candidate.run(windows, measures, seed))
    return results


def missing_baselines() -> list[str]:
    """A sentence for each baseline that would be run if its library were installed."""
    if has_statsmodels():
        return []
    return [
        "Exponential smoothing is left out: it needs statsmodels. Install it: pip install 'recurra[forecast]'"
    ]


def forecast_verdict(
    windows: Windows,
    forecast: Forecast,
    results: Sequence[ForecastBaseline],
    measures: Sequence[str] | None = None,
    *,
    name: str = "network",
    seed: int = 0,
) -> tuple[str, PairedResult, str]:
    """Whether the network beats the best baseline in the headline: a plain sentence, what it rests on, which that is.

    Where a baseline is never off, as on a constant series, the sentence says that there is nothing to learn.

    Which baseline is best is judged on the windows that all of them were computed on; the network is
    compared with it on all windows that it has.

    Args:
        forecast: the network's, of all windows.
        results: all baselines.
        measures: the headline first; it is passed over for the next that some baseline has (those without
            quantiles have no pinball loss), and so are coverage and width, which alone say nothing.
        name: what to call the network: "LSTM".
        seed: of the resampling.
    """
    headline = _headline(windows, forecast, results, measures)
    rivals = [result for result in results if _has(windows, result.forecast, headline)]
    common = np.arange(len(windows))
    for result in rivals:
        if result.indices is not None:
            common = np.intersect1d(common, result.indices)
    shared = windows.take(common)

    def scored(result: ForecastBaseline, part: Windows, chosen: np.ndarray) -> ForecastBaseline:
        scores = forecast_scores(part, result.on(windows, chosen), [headline], seed=seed)
        return replace(result, scores=scores)

    best = best_baseline([scored(result, shared, common) for result in rivals])
    theirs = next(result for result in rivals if result.name == best.name)
    chosen = np.arange(len(windows)) if theirs.indices is None else theirs.indices
    part, ours = windows.take(chosen), forecast.take(chosen)
    paired = compare_forecasts(part, ours, theirs.forecast, headline, seed=seed)
    scores = forecast_scores(part, ours, [headline], seed=seed)
    reference = scored(theirs, part, chosen)
    if reference.scores[0].value == 0:
        return (
            f"There is nothing to learn: the best baseline ({theirs.name}) is never off; the {name}: {headline} "
            f"{scores[0].value:.4g}.",
            paired,
            theirs.name,
        )
    sentence = verdict(scores, [reference], paired, name)
    if theirs.indices is not None:
        sentence += (
            f" Both on the {len(chosen):,} of {len(windows):,} windows that the baseline was computed on."
        )
    if part.blocks.count < 2:
        sentence += (
            " The windows overlap too much to tell skill from chance: a longer test part would be needed."
        )
    return sentence, paired, theirs.name


@dataclass(frozen=True)
class _Candidate:
    name: str
    description: str
    indices: np.ndarray
    forecast: Callable[[np.ndarray], Forecast]

    def run(self, windows: Windows, measures: Sequence[str] | None, seed: int) -> ForecastBaseline:
        begin = time.perf_counter()
        forecast = self.forecast(self.indices)
        seconds = time.perf_counter() - begin
        whole = len(self.indices) == len(windows)
        part = windows if whole else windows.take(self.indices)
        if measures is not None:
            measures = [name for name in measures if _has(part, forecast, name)] or ["MAE"]
        scores = forecast_scores(part, forecast, measures, seed=seed)
        indices = None if whole else self.indices
        return ForecastBaseline(
            self.name, self.description, scores, seconds, forecast.point, None, forecast.quantiles, indices
        )


def _each(forecast: Callable[[int], Forecast]) -> Callable[[np.ndarray], Forecast]:
    """The forecasts of many windows from that of one."""

    def of_many(indices: np.ndarray) -> Forecast:
        found = [forecast(int(k)) for k in indices]
        quantiles = [each.quantiles for each in found if each.quantiles is not None]
        return Forecast(np.stack([each.point for each in found]), np.stack(quantiles) if quantiles else None)

    return of_many


def _naive2(history: Callable[[int], np.ndarray], n: int, season: int, horizon: int) -> np.ndarray:
    last = max(_NAIVE2_STEPS, _NAIVE2_SEASONS * season)
    return naive2_of_each(lambda k: _latest(history(k), last), n, season, horizon)


def _latest(history: np.ndarray, steps: int) -> np.ndarray:
    """Its last steps; those from its last value on, where an outage left none among them."""
    latest = history[-steps:]
    if np.isfinite(latest).any() or not np.isfinite(history).any():
        return latest
    return history[int(np.flatnonzero(np.isfinite(history))[-1]) :]


def _history_of(windows: Windows, histories: Histories) -> Callable[[int], np.ndarray]:
    if callable(histories):
        return histories
    if len(histories) != len(windows):
        raise InputError(
            f"expected a history for each of {len(windows)} windows, found {len(histories)}",
            where="histories",
        )
    return lambda k: histories[k]


def _sample(n: int, time_limit_s: float, seed: int) -> np.ndarray:
    """As many windows as there is time for: one at random out of each of so many equal stretches.

    Every k-th would always fall on the same step of the season.
    """
    affordable = max(1, int(FITS_PER_S * time_limit_s))
    if affordable >= n:
        return np.arange(n)
    edges = np.linspace(0, n, affordable + 1).astype(np.int64)
    return np.random.default_rng(seed).integers(edges[:-1], edges[1:])


def _has(windows: Windows, forecast: Forecast, measure: str) -> bool:
    return measure in available_measures(windows, quantiles=forecast.quantiles is not None)


def _headline(
    windows: Windows,
    forecast: Forecast,
    results: Sequence[ForecastBaseline],
    measures: Sequence[str] | None,
) -> str:
    ours = available_measures(windows, quantiles=forecast.quantiles is not None)
    for name in measures or ours:
        vague = name.startswith(("coverage", "width"))
        if not vague and name in ours and any(_has(windows, each.forecast, name) for each in results):
            return name
    raise InputError(
        f"expected a measure that network and baselines have, found {', '.join(measures or ours)}",
        where="measures",
        fix="Take MAE with it.",
    )
