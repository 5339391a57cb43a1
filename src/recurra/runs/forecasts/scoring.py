"""A rolling back-test: the network and its baselines on the same windows, and one plain sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from recurra.data.series.collection import Series
from recurra.runs.events import Observer, PhaseStarted, Said, ignore
from recurra.runs.forecasts.examples import Example, chosen_windows
from recurra.runs.forecasts.run import ForecastRun, Forecasts
from recurra.statistics.repeated import Measure
from recurra.tasks.baselines import BaselineResult, standing
from recurra.tasks.forecasting.baselines import (
    ForecastBaseline,
    forecast_verdict,
    missing_baselines,
    run_forecast_baselines,
    with_references,
)
from recurra.tasks.forecasting.metrics import seasonal_scale
from recurra.tasks.forecasting.scores import (
    Forecast,
    Windows,
    forecast_scores,
    headline_measure,
    headline_sums,
    per_step,
)
from recurra.tasks.metrics import Score

_MOST_NAIVE2 = 2_000  # windows for which the reference of OWA is made


class BackTest:
    """Windows to be scored on: each a series at an origin, with what came after it.

    Args:
        series: N series.
        origins: (W, 2) the series and the step that the horizon begins with.
        horizon: H.
        season: steps of a season, for MASE.
        learned_until: (N,) the steps that scales are taken from: those before the test part.
        levels: of the quantiles.
        seed: of intervals and samples.
    """

    def __init__(
        self,
        series: Series,
        origins: np.ndarray,
        *,
        horizon: int,
        season: int,
        learned_until: np.ndarray,
        levels: Sequence[float],
        seed: int,
    ):
        self.series, self.origins = series, origins
        self.horizon, self.season, self.seed = horizon, season, seed
        n, origin = origins.T
        steps = series.targets.starts[n][:, None] + origin[:, None] + np.arange(horizon)
        scales = np.array(
            [seasonal_scale(series.targets[k][: learned_until[k], 0], season) for k in range(len(series))]
        )
        self.windows = Windows(
            truth=series.targets.values[steps, 0],
            series=n,
            origins=series.first[n] + origin,
            scale=scales[n],
            levels=tuple(levels),
        )
        if len(origins) <= _MOST_NAIVE2:
            self.windows = with_references(self.windows, self.history, season)
        self.baselines: list[ForecastBaseline] = []

    def history(self, window: int) -> np.ndarray:
        """(T,) what stands before the origin of a window."""
        n, origin = self.origins[window].tolist()
        return self.series.targets[n][:origin, 0]

    def run_baselines(self, time_limit_s: float, observer: Observer) -> None:
        """Fit the naive and classical forecasts on the same windows."""
        observer(PhaseStarted("Fitting the baselines"))
        for missing in missing_baselines():
            observer(Said(missing))
        self.baselines = run_forecast_baselines(
            self.windows, self.history, self.season, time_limit_s=time_limit_s, seed=self.seed
        )
        for result in self.baselines:
            observer(Said(result.told()))

    def scores(self, forecasts: Forecasts) -> list[Score]:
        """With intervals by blocks, for windows overlap; MASE is the headline."""
        return forecast_scores(self.windows, _forecast(forecasts), seed=self.seed)

    def by_step(self, forecasts: Forecasts) -> list[dict[str, float | int | None]]:
        """Every measure at every step of the horizon."""
        return per_step(self.windows, _forecast(forecasts))

    def measure(self) -> Measure:
        """The headline over the windows: MASE, or MAE where there is nothing to scale by."""
        return headline_measure(self.windows)

    def contributions(self, forecasts: Forecasts) -> np.ndarray:
        """(W, C) what each window adds to the sums of `measure`."""
        return headline_sums(self.windows, _forecast(forecasts))

    def of_baselines(self) -> list[tuple[BaselineResult, np.ndarray]]:
        """Each baseline with (W, C) the same; NaN in windows that it was not computed on."""
        found: list[tuple[BaselineResult, np.ndarray]] = []
        for result in self.baselines:
            there = np.arange(len(self.windows)) if result.indices is None else result.indices
            sums = headline_sums(self.windows.take(there), result.forecast)
            columns = np.full((len(self.windows), sums.shape[1]), np.nan)
            columns[there] = sums
            found.append((result, columns))
        return found

    def verdict(self, forecasts: Forecasts, name: str) -> tuple[str, dict[str, str]]:
        """Whether the network is better than the best baseline: as a sentence, and for programs."""
        sentence, paired, best = forecast_verdict(
            self.windows, _forecast(forecasts), self.baselines, name=name, seed=self.seed
        )
        return sentence, standing(False, paired, best)


def score_run(
    run: ForecastRun, test: BackTest | None, observer: Observer = ignore
) -> tuple[dict[str, Any], Forecasts | None]:
    """Scores over the test windows, by step, baselines, the verdict.

    Returns:
        The content of `metrics.json`, and the forecasts of the test windows, where there are any.
    """
    schema = run.config.data_schema
    content: dict[str, Any] = {
        "task": "forecast",
        "series": len(run.last),
        "horizon": run.horizon,
        "look_back": run.look_back,
        "season": schema.season,
    }
    if test is None:
        content["examples"] = _examples_ahead(run)
        return content, None
    forecasts = run.at(test.series, test.origins, observer)
    content["test"] = {
        "n": len(test.origins),
        "scores": [score.to_json() for score in test.scores(forecasts)],
        "per_step": test.by_step(forecasts),
    }
    chosen = chosen_windows(test.origins, run.horizon)
    content["examples"] = [Example.of(test.series, forecasts, k, schema.season).to_json() for k in chosen]
    content["baselines"] = [result.to_json() for result in test.baselines]
    if test.baselines:
        name = run.config.settings.network.cell_name
        content["verdict"], content["standing"] = test.verdict(forecasts, name)
    return content, forecasts


def _examples_ahead(run: ForecastRun) -> list[dict[str, Any]]:
    """How some series go on after their end; none where what must be known ahead is not there."""
    long = np.flatnonzero(run.last.lengths >= run.look_back)
    if run.config.data_schema.known or not len(long):
        return []
    ends = np.stack([long, run.last.lengths[long]], axis=1)
    forecasts = run.at(run.last, ends[chosen_windows(ends, run.horizon)])
    season = run.config.data_schema.season
    return [Example.of(run.last, forecasts, k, season).to_json() for k in range(len(forecasts.origins))]


def _forecast(forecasts: Forecasts) -> Forecast:
    return Forecast(forecasts.point, forecasts.quantiles)
