"""A few forecasts as people look at them: what was before, the forecast with its intervals, what came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

import numpy as np

from recurra.data.series.collection import Series
from recurra.runs.forecasts.run import Forecasts
from recurra.tasks.forecasting.metrics import central_pairs

_MOST, _MOST_OF_LONG, _LONG = 4, 2, 100  # windows; fewer where their horizon is long


@dataclass(frozen=True)
class Example:
    """One window of a forecast.

    Args:
        series: its name.
        dated: whether times are dates; else they are numbers of steps.
        times: of the history, and then of the horizon.
        history: (n,) values before the origin; NaN where nothing was observed.
        point: (H,) the forecast.
        intervals: share -> lower and upper end (H,) of the central interval.
        truth: (m,) what came, as far as it is known: m is H or less; NaN where nothing was observed.
    """

    series: str
    dated: bool
    times: list[Any]
    history: np.ndarray
    point: np.ndarray
    intervals: dict[float, tuple[np.ndarray, np.ndarray]]
    truth: np.ndarray

    @classmethod
    def of(cls, series: Series, forecasts: Forecasts, k: int, season: int = 1) -> Self:
        """Forecast number `k`.

        Args:
            season: steps; a few of them, or three horizons, are taken as history.
        """
        n, origin = forecasts.origins[k].tolist()
        horizon = forecasts.quantiles.shape[1]
        begin = max(0, origin - max(3 * horizon, min(3 * season, 8 * horizon)))
        values, first = series.targets[n][:, 0], int(series.first[n])
        pairs = central_pairs(forecasts.levels)
        return cls(
            series=series.names[n],
            dated=series.grid.kind != "number",
            times=series.grid.times_of(np.arange(first + begin, first + origin + horizon)).to_list(),
            history=values[begin:origin],
            point=forecasts.point[k],
            intervals={
                share: (forecasts.quantiles[k, :, low], forecasts.quantiles[k, :, high])
                for share, (low, high) in pairs.items()
            },
            truth=values[origin : min(int(series.lengths[n]), origin + horizon)],
        )

    def to_json(self) -> dict[str, Any]:
        """Plain types only; values with six digits, None where nothing was observed."""
        return {
            "series": self.series,
            "dated": self.dated,
            "times": [str(time) if isinstance(time, date) else time for time in self.times],
            "history": _listed(self.history),
            "point": _listed(self.point),
            "intervals": {
                f"{share:g}": [_listed(low), _listed(high)] for share, (low, high) in self.intervals.items()
            },
            "truth": _listed(self.truth),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The example that `to_json` wrote, as far as its digits go."""
        arrays = {name: np.array(record[name], dtype=float) for name in ("history", "point", "truth")}
        return cls(
            series=record["series"],
            dated=record["dated"],
            times=[_time(time) for time in record["times"]] if record["dated"] else record["times"],
            intervals={
                float(share): (np.array(low, dtype=float), np.array(high, dtype=float))
                for share, (low, high) in record["intervals"].items()
            },
            **arrays,
        )


def chosen_windows(origins: np.ndarray, horizon: int) -> list[int]:
    """Which of the windows to show: the last of some series, spread evenly; of one series the last that do not overlap.

    Args:
        origins: (W, 2) the series and the step that each horizon begins with.

    >>> chosen_windows(np.array([[0, 5], [0, 6], [0, 9], [0, 10]]), horizon=4)
    [1, 3]
    >>> chosen_windows(np.array([[0, 5], [0, 6], [1, 5], [1, 6]]), horizon=4)
    [1, 3]
    """
    most = _MOST_OF_LONG if horizon > _LONG else _MOST
    series = np.unique(origins[:, 0])
    if len(series) > 1:
        spread = np.linspace(0, len(series) - 1, min(len(series), most)).round().astype(int)
        return [int(_latest(origins, np.flatnonzero(origins[:, 0] == n))) for n in series[spread]]
    chosen: list[int] = []
    left = np.arange(len(origins))
    while len(left) and len(chosen) < min(most, 2):
        chosen.append(int(_latest(origins, left)))
        left = left[origins[left, 1] <= origins[chosen[-1], 1] - horizon]
    return chosen[::-1]


def _latest(origins: np.ndarray, among: np.ndarray) -> np.int64:
    return among[np.argmax(origins[among, 1])]


def _time(text: str) -> date | datetime:
    return date.fromisoformat(text) if len(text) == len("2024-01-01") else datetime.fromisoformat(text)


def _listed(values: np.ndarray) -> list[float | None]:
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values.tolist()]
