"""Scores of forecasts over windows, with intervals that know that windows overlap."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from recurra.errors import InputError
from recurra.statistics.blocks import Blocks
from recurra.statistics.bootstrap import bootstrap_sums, interval_of_draws
from recurra.statistics.intervals import Interval, effective_size, share_interval
from recurra.statistics.paired import PairedResult, compare_sums
from recurra.statistics.repeated import Measure
from recurra.tasks.forecasting.metrics import central_pairs, pinball_terms, smape_terms, usable_scale
from recurra.tasks.metrics import Score

# From so many series on, whole series are drawn again.
_MANY_SERIES = 20
# Values whose terms are held at a time.
_AT_ONCE = 1 << 20


class Forecast(NamedTuple):
    """Point forecasts (W, H), and quantiles (W, H, Q) at the windows' levels where there are any."""

    point: np.ndarray
    quantiles: np.ndarray | None = None

    def take(self, indices: np.ndarray) -> Forecast:
        """The forecasts of the windows at `indices`."""
        return Forecast(self.point[indices], None if self.quantiles is None else self.quantiles[indices])


@dataclass(frozen=True)
class Windows:
    """What forecasts are judged on: W windows of H steps, each a series at an origin.

    Args:
        truth: (W, H), NaN where nothing was observed.
        series: (W,) which series each window is of, names or numbers; None: all of one.
        origins: (W,) the step of time at which each forecast is made; windows of different series with
            equal origins are of the same moment. None: windows stand one step apart in the order given.
        scale: (W,) `seasonal_scale` of each window's series, for MASE.
        naive2: (W, H) Naive2's forecasts, for OWA.
        levels: (Q,) of the quantiles.

    Raises:
        InputError: shapes that do not fit each other, no truth at all, levels not between 0 and 1.
    """

    truth: np.ndarray
    series: np.ndarray | None = None
    origins: np.ndarray | None = None
    scale: np.ndarray | None = None
    naive2: np.ndarray | None = None
    levels: tuple[float, ...] = ()

    def __post_init__(self):
        shape = self.truth.shape
        if len(shape) != 2 or not np.isfinite(self.truth).any():
            raise InputError(
                f"expected windows (W, H) with at least one observed value, found shape {shape}",
                where="truth",
                fix="Take an earlier origin, or a shorter horizon.",
            )
        expected = {"series": shape[:1], "origins": shape[:1], "scale": shape[:1], "naive2": shape}
        for name, wanted in expected.items():
            array = getattr(self, name)
            if array is not None and array.shape != wanted:
                raise InputError(f"expected shape {wanted}, found {array.shape}", where=name)
        if any(not 0 < q < 1 for q in self.levels):
            raise InputError(f"expected levels between 0 and 1, found {self.levels}", where="levels")

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, indices: np.ndarray) -> Windows:
        """The windows at `indices`, in that order, where they stood in time."""
        return Windows(
            self.truth[indices],
            None if self.series is None else self.series[indices],
            self._times[indices],
            None if self.scale is None else self.scale[indices],
            None if self.naive2 is None else self.naive2[indices],
            self.levels,
        )

    @cached_property
    def blocks(self) -> Blocks:
        """What is drawn again together.

        Windows of one series overlap: where there are at least 20 series they are drawn whole. Of fewer,
        runs of neighbouring moments are drawn, with what all series do in them: two horizons long, or one
        where that would leave fewer than three runs. Where time is too short for two runs, series are
        drawn again, if there are two.
        """
        series = np.zeros(len(self)) if self.series is None else self.series
        by_series = Blocks.of(series)
        if by_series.units >= _MANY_SERIES:
            return by_series
        moments = np.unique(self._times)
        spacing = float(np.median(np.diff(moments))) if len(moments) > 1 else 1.0
        in_horizon = math.ceil(self.truth.shape[1] / spacing)
        double = len(moments) >= 3 * 2 * in_horizon
        by_time = Blocks.of(self._times, in_horizon * (2 if double else 1))
        return by_series if by_time.count < 2 <= by_series.units else by_time

    @cached_property
    def _times(self) -> np.ndarray:
        if self.origins is not None:
            return self.origins
        if self.series is None:
            return np.arange(len(self))
        _, code, count = np.unique(self.series, return_inverse=True, return_counts=True)
        order = np.argsort(code, kind="stable")
        times = np.empty(len(self), dtype=np.int64)
        times[order] = np.arange(len(self)) - np.repeat(np.cumsum(count) - count, count)
        return times


def forecast_scores(
    windows: Windows, forecast: Forecast, measures: Sequence[str] | None = None, *, seed: int = 0
) -> list[Score]:
    """The scores of a forecast, the headline first, each with a 95 % interval by a bootstrap of blocks.

    Every score is a mean over all values that were observed, of all windows and steps. Which windows are
    drawn together for the intervals: `Windows.blocks`. The shares of truths within intervals are named by
    their nominal share, "coverage of the 80 % interval".

    Args:
        measures: names as in the scores, the first is the headline; None: all that can be had,
            `available_measures`.
        seed: of the bootstrap.

    Raises:
        InputError: a measure that cannot be had, a forecast of another shape, or one that is not finite.

    >>> windows = Windows(np.array([[1.0, 2.0], [2.0, np.nan], [3.0, 4.0]]), scale=np.ones(3))
    >>> scores = forecast_scores(windows, Forecast(np.full((3, 2), 2.0)))
    >>> [(score.name, round(score.value, 2)) for score in scores]
    [('MASE', 0.8), ('MAE', 0.8), ('RMSE', 1.1), ('MSE', 1.2), ('sMAPE', 34.67)]
    """
    chosen = _chosen(windows, forecast, measures)
    columns = _window_sums(windows, forecast, chosen.values())
    n, blocks = int((columns["n"] > 0).sum()), windows.blocks
    drawn = bootstrap_sums(np.stack(list(columns.values()), axis=1), seed=seed, blocks=blocks)
    draws = dict(zip(columns, drawn.T, strict=True))
    scores = []
    with np.errstate(invalid="ignore", divide="ignore"):
        for name, measure in chosen.items():
            value = float(measure.from_sums({term: column.sum() for term, column in columns.items()}))
            spread = measure.from_sums(draws)
            if measure.share:
                interval = _share_interval(value, spread, blocks)
            else:
                interval = interval_of_draws(spread, value, blocks=blocks).clip(0.0, math.inf)
            scores.append(Score(name, value, interval, measure.share, n))
    return scores


def available_measures(windows: Windows, *, quantiles: bool) -> list[str]:
    """The measures that these windows allow; MASE is the headline where there are scales, else MAE."""
    return list(_measures(windows, quantiles=quantiles))


def checked_measures(windows: Windows, measures: Sequence[str] | None, *, quantiles: bool) -> list[str]:
    """`measures`, or all that are available where that is None.

    Raises:
        InputError: one that these windows do not allow.
    """
    available = available_measures(windows, quantiles=quantiles)
    for name in measures or ():
        if name not in available:
            raise InputError(
                f"expected measures out of {', '.join(available)}, found {name!r}",
                where="measures",
                fix="MASE needs scales, OWA also Naive2's forecasts, pinball loss and coverage need quantiles.",
            )
    return available if measures is None else list(measures)


def per_step(windows: Windows, forecast: Forecast) -> list[dict[str, float | int | None]]:
    """Every available measure at every step of the horizon, in plain types; None where it is not defined.

    >>> rows = per_step(Windows(np.array([[1.0, 2.0], [2.0, 4.0]])), Forecast(np.ones((2, 2))))
    >>> [(row["step"], row["n"], row["MAE"]) for row in rows]
    [(1, 2, 0.5), (2, 2, 2.0)]
    """
    measures = _chosen(windows, forecast, None)
    sums: dict[str, np.ndarray] = {}
    for _, terms in _terms(windows, forecast, measures.values()):
        for term, values in terms.items():
            sums[term] = sums.get(term, 0.0) + np.nansum(values, axis=0)
    rows = []
    with np.errstate(invalid="ignore", divide="ignore"):
        table = {name: measure.from_sums(sums).tolist() for name, measure in measures.items()}
    for step in range(windows.truth.shape[1]):
        shown = {
            name: values[step] if math.isfinite(values[step]) else None for name, values in table.items()
        }
        rows.append({"step": step + 1, "n": int(sums["n"][step]), **shown})
    return rows


def compare_forecasts(
    windows: Windows, forecast: Forecast, other: Forecast, measure: str, *, seed: int = 0
) -> PairedResult:
    """`forecast` less `other` in one measure, window by window, by the blocks of `windows`.

    Args:
        measure: any but a coverage; its name as in the scores.
        seed: of the resampling.
    """
    chosen, _ = (_chosen(windows, each, [measure])[measure] for each in (forecast, other))
    a, b = (_window_sums(windows, each, [chosen]) for each in (forecast, other))

    def statistic(sums: np.ndarray) -> np.ndarray:
        return chosen.from_sums({term: sums[..., k] for k, term in enumerate(a)})

    with np.errstate(invalid="ignore", divide="ignore"):
        return compare_sums(
            statistic,
            np.stack(list(a.values()), axis=1),
            np.stack(list(b.values()), axis=1),
            seed=seed,
            blocks=windows.blocks,
        )


def headline_measure(windows: Windows) -> Measure:
    """MASE, or MAE where there is nothing to scale by, as a function of sums over windows; see `headline_sums`."""
    name = available_measures(windows, quantiles=False)[0]
    return Measure(
        name, lambda sums: sums[..., 0] / sums[..., 1], higher_is_better=False, blocks=windows.blocks
    )


def headline_sums(windows: Windows, forecast: Forecast) -> np.ndarray:
    """(W, 2) what each window adds to the sums of `headline_measure`: errors, and how many there are."""
    point = Forecast(forecast.point)
    name = available_measures(windows, quantiles=False)[0]
    chosen = _chosen(windows, point, [name])[name]
    sums = _window_sums(windows, point, [chosen])
    return np.stack([sums[term] for term in chosen.terms], axis=1)


class _Measure(NamedTuple):
    """A measure as a function of sums of terms over values: `of` takes those named by `terms`."""

    terms: tuple[str, ...]
    of: Callable[..., np.ndarray]
    share: bool = False

    def from_sums(self, sums: dict[str, np.ndarray]) -> np.ndarray:
        return self.of(*(sums[term] for term in self.terms))


def _measures(windows: Windows, *, quantiles: bool) -> dict[str, _Measure]:
    scaled = {}
    if windows.scale is not None and np.isfinite(usable_scale(windows.scale)).any():
        scaled = {"MASE": _Measure(("scaled", "scaled n"), np.divide)}
    found = {
        **scaled,
        "MAE": _Measure(("absolute", "n"), np.divide),
        "RMSE": _Measure(("squared", "n"), lambda total, n: np.sqrt(total / n)),
        "MSE": _Measure(("squared", "n"), np.divide),
        "sMAPE": _Measure(("percent", "n"), np.divide),
    }
    if scaled and windows.naive2 is not None:
        found["OWA"] = _Measure(
            ("percent", "naive2 percent", "scaled", "naive2 scaled"),
            lambda percent, its_percent, scaled, its_scaled: (
                (percent / its_percent + scaled / its_scaled) / 2
            ),
        )
    if quantiles and windows.levels:
        found["pinball loss"] = _Measure(("pinball", "n"), np.divide)
        for share in central_pairs(windows.levels):
            name = f"{100 * share:g} % interval"
            found[f"coverage of the {name}"] = _Measure((f"inside {share}", "n"), np.divide, share=True)
            found[f"width of the {name}"] = _Measure((f"width {share}", "n"), np.divide)
    return found


def _share_interval(value: float, drawn: np.ndarray, blocks: Blocks) -> Interval:
    """Wilson's, which does not collapse where all or no truths lie within; as sure as blocks allow."""
    if blocks.count < 2:
        return Interval(0.0, 1.0, 0.95, "block bootstrap")
    variance = float(np.var(drawn)) * (blocks.reach(0.95) / 1.96) ** 2
    return share_interval(value, effective_size(value, variance, int(blocks.count)))


def _chosen(windows: Windows, forecast: Forecast, measures: Sequence[str] | None) -> dict[str, _Measure]:
    _check(forecast.point, windows.truth.shape, "point")
    if forecast.quantiles is not None:
        _check(forecast.quantiles, (*windows.truth.shape, len(windows.levels)), "quantiles")
    quantiles = forecast.quantiles is not None
    available = _measures(windows, quantiles=quantiles)
    return {name: available[name] for name in checked_measures(windows, measures, quantiles=quantiles)}


def _check(array: np.ndarray, shape: tuple[int, ...], where: str) -> None:
    if array.shape != shape:
        raise InputError(
            f"expected forecasts of shape {shape}, found {array.shape}",
            where=where,
            fix="Give one forecast for each window and step, in the order of the truth.",
        )
    # A sum is finite only where all its terms are, and takes no array of answers.
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(array.sum(dtype=np.float64))
    if not finite and not np.isfinite(array).all():
        raise InputError("expected finite forecasts, found NaN or infinite ones", where=where)


def _window_sums(windows: Windows, forecast: Forecast, measures: Iterable[_Measure]) -> dict[str, np.ndarray]:
    """(W,) sums over the steps of each window, of every term that the measures need."""
    sums: dict[str, np.ndarray] = {}
    for rows, terms in _terms(windows, forecast, measures):
        for name, values in terms.items():
            column = sums.setdefault(name, np.zeros(len(windows)))
            column[rows] = np.nansum(values, axis=1)
    return sums


def _terms(
    windows: Windows, forecast: Forecast, measures: Iterable[_Measure]
) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Some windows at a time: what each value (w, H) adds to the sums, NaN where the truth is missing."""
    names = {"n": None} | dict.fromkeys(term for measure in measures for term in measure.terms)
    at_once = max(1, _AT_ONCE // windows.truth.shape[1])
    for start in range(0, len(windows), at_once):
        rows = slice(start, min(start + at_once, len(windows)))
        terms = _Terms(windows, forecast, rows)
        yield rows, {name: terms.of(name) for name in names}


class _Terms:
    """What the values of some windows add to the sums, term by term, as far as asked for."""

    def __init__(self, windows: Windows, forecast: Forecast, rows: slice):
        self.windows, self.forecast, self.rows = windows, forecast, rows
        truth = windows.truth[rows].astype(np.float64)
        self.truth = np.where(np.isfinite(truth), truth, np.nan)
        self.point = forecast.point[rows].astype(np.float64)

    def of(self, name: str) -> np.ndarray:
        """(w, H) the term of that name."""
        truth, point = self.truth, self.point
        if name.startswith("naive2 "):
            assert self.windows.naive2 is not None
            point, name = self.windows.naive2[self.rows].astype(np.float64), name.removeprefix("naive2 ")
        if name in ("n", "scaled n"):
            there = (~np.isnan(truth)).astype(np.float64)
            return there if name == "n" else there * np.isfinite(self._scale)
        if name == "percent":
            return smape_terms(truth, point)
        if name in ("absolute", "scaled"):
            error = np.abs(truth - point)
            return error if name == "absolute" else error / self._scale
        if name == "squared":
            return (truth - point) ** 2
        if name == "pinball":
            return pinball_terms(truth, self._quantiles, self.windows.levels)
        kind, share = name.split()
        low, high = (self._quantiles[..., k] for k in central_pairs(self.windows.levels)[float(share)])
        terms = (low <= truth) & (truth <= high) if kind == "inside" else high - low
        return np.where(np.isnan(truth), np.nan, terms)

    @property
    def _scale(self) -> np.ndarray:
        assert self.windows.scale is not None
        return usable_scale(self.windows.scale[self.rows])[:, None]

    @cached_property
    def _quantiles(self) -> np.ndarray:
        assert self.forecast.quantiles is not None
        return self.forecast.quantiles[self.rows].astype(np.float64)
