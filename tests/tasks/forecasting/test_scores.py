"""Scores are the measures, their intervals hold the truth, and nobody gains by overlapping windows."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from recurra.errors import InputError
from recurra.tasks.forecasting import metrics, scores
from recurra.tasks.forecasting.scores import (
    Forecast,
    Windows,
    available_measures,
    compare_forecasts,
    forecast_scores,
    per_step,
)

LEVELS = (0.1, 0.5, 0.9)


def by_name(found):
    return {score.name: score for score in found}


def some_windows(w=60, h=4, series=3, seed=0, missing=0.2):
    rng = np.random.default_rng(seed)
    truth = rng.normal(10, 3, size=(w, h))
    truth[rng.random(truth.shape) < missing] = np.nan
    windows = Windows(
        truth,
        series=np.repeat(np.arange(series), -(-w // series))[:w],
        scale=rng.uniform(1, 2, size=w),
        naive2=rng.normal(10, 3, size=(w, h)),
        levels=LEVELS,
    )
    point = rng.normal(10, 3, size=(w, h))
    return windows, Forecast(point, point[..., None] + np.array([-4.0, 0.0, 4.0]))


@pytest.mark.parametrize("at_once", [1, 7, 1 << 20])
def test_scores_are_the_measures_on_everything_at_once(monkeypatch, at_once):
    monkeypatch.setattr(scores, "_AT_ONCE", at_once)
    windows, forecast = some_windows()
    found = by_name(forecast_scores(windows, forecast))
    truth, point, quantiles = windows.truth, forecast.point, forecast.quantiles
    expected = {
        "MASE": metrics.mase(truth, point, windows.scale),
        "MAE": metrics.mae(truth, point),
        "RMSE": metrics.rmse(truth, point),
        "MSE": metrics.mse(truth, point),
        "sMAPE": metrics.smape(truth, point),
        "OWA": metrics.owa(truth, point, windows.naive2, windows.scale),
        "pinball loss": metrics.pinball(truth, quantiles, LEVELS),
        "coverage of the 80 % interval": metrics.interval_coverage(
            truth, quantiles[..., 0], quantiles[..., 2]
        ),
        "width of the 80 % interval": 8.0,
    }
    assert {name: score.value for name, score in found.items()} == pytest.approx(expected)
    assert all(score.value in score.interval for score in found.values())


def test_headline_is_the_first_that_is_asked_for():
    windows, forecast = some_windows()
    assert [score.name for score in forecast_scores(windows, forecast, ["MSE", "MAE"])] == ["MSE", "MAE"]
    assert available_measures(windows, quantiles=False)[0] == "MASE"
    assert available_measures(Windows(windows.truth), quantiles=True) == ["MAE", "RMSE", "MSE", "sMAPE"]


def test_steps_of_the_table_are_scores_of_one_column():
    windows, forecast = some_windows()
    rows = json.loads(json.dumps(per_step(windows, forecast), allow_nan=False))
    assert len(rows) == 4
    assert rows[2]["step"] == 3 and rows[2]["n"] == np.isfinite(windows.truth[:, 2]).sum()
    assert rows[2]["sMAPE"] == pytest.approx(metrics.smape(windows.truth[:, 2], forecast.point[:, 2]))
    assert rows[2]["OWA"] is not None and rows[2]["coverage of the 80 % interval"] is not None


def test_a_step_without_any_truth_is_none():
    truth = np.array([[1.0, np.nan], [2.0, np.nan]])
    rows = per_step(Windows(truth), Forecast(np.ones((2, 2))))
    assert rows[1] == {"step": 2, "n": 0, "MAE": None, "RMSE": None, "MSE": None, "sMAPE": None}


def walk_of(rng, steps, horizon):
    """Windows at every step of a white noise of deviation 1, forecast as 0."""
    noise = rng.normal(size=steps + horizon)
    return np.lib.stride_tricks.sliding_window_view(noise, horizon)[:steps]


@pytest.mark.parametrize(("steps", "horizon"), [(300, 12), (1000, 24)])
def test_interval_of_one_series_holds_the_truth(steps, horizon):
    mae, rmse = 0, 0
    for k in range(150):
        windows = Windows(walk_of(np.random.default_rng(k), steps, horizon))
        found = by_name(forecast_scores(windows, Forecast(np.zeros(windows.truth.shape)), seed=k))
        mae += math.sqrt(2 / math.pi) in found["MAE"].interval
        rmse += 1 in found["RMSE"].interval
    assert 0.87 < mae / 150 < 1 and 0.87 < rmse / 150 < 1


def test_many_series_are_drawn_whole_and_few_by_time():
    truth = np.zeros((60, 4))
    many = Windows(truth, series=np.repeat(np.arange(20), 3)).blocks
    assert (many.units, many.length) == (20, 1)
    few = Windows(truth, series=np.repeat(np.arange(2), 30)).blocks
    assert (few.units, few.length) == (30, 8)
    apart = Windows(truth[:30], origins=10 * np.arange(30)).blocks
    assert (apart.units, apart.length) == (30, 2)
    short = Windows(np.zeros((6, 4)), series=np.repeat(np.arange(3), 2)).blocks
    assert (short.units, short.length) == (3, 1)


def test_one_window_alone_has_no_bounds():
    score = forecast_scores(Windows(np.ones((1, 3))), Forecast(np.zeros((1, 3))))[0]
    assert (score.value, score.interval.low, score.interval.high) == (1, 0, math.inf)
    assert json.dumps(score.to_json(), allow_nan=False)


def test_coverage_of_all_leaves_doubt_and_that_of_few_stretches_more():
    truth = np.zeros((400, 5))
    quantiles = truth[..., None] + np.array([-1.0, 0.0, 1.0])
    name = "coverage of the 80 % interval"
    found = []
    for w in (400, 60, 8):
        windows = Windows(truth[:w], levels=LEVELS)
        found.append(forecast_scores(windows, Forecast(truth[:w], quantiles[:w]), [name])[0])
    assert [score.value for score in found] == [1, 1, 1]
    assert 1 > found[0].interval.low > found[1].interval.low > found[2].interval.low == 0
    assert found[0].higher_is_better


def test_scales_that_nothing_can_be_divided_by_are_as_none():
    windows = Windows(np.ones((2, 2)), scale=np.array([0.0, np.nan]))
    assert available_measures(windows, quantiles=False)[0] == "MAE"


def test_the_same_series_twice_says_no_more_than_once():
    once = Windows(walk_of(np.random.default_rng(0), 300, 6))
    twice = Windows(np.concatenate([once.truth, once.truth]), series=np.repeat([0, 1], 300))
    first, second = (forecast_scores(w, Forecast(np.zeros(w.truth.shape)))[0] for w in (once, twice))
    assert second.interval.low == pytest.approx(first.interval.low)
    assert second.interval.high == pytest.approx(first.interval.high)


def test_taken_windows_stay_where_they_stood_in_time():
    windows, forecast = some_windows(series=1)
    chosen = np.array([3, 10, 41])
    part = windows.take(chosen)
    assert part.origins.tolist() == [3, 10, 41] and part.levels == LEVELS
    found = forecast_scores(part, forecast.take(chosen))[0]
    assert found.value == metrics.mase(windows.truth[chosen], forecast.point[chosen], windows.scale[chosen])


def test_comparison_finds_the_closer_forecast_and_ties_with_itself():
    truth = walk_of(np.random.default_rng(1), 600, 12)
    windows = Windows(truth, scale=np.ones(600))
    near, far = Forecast(0.5 * truth), Forecast(np.zeros(truth.shape))
    for measure in ("MASE", "RMSE", "sMAPE"):
        found = compare_forecasts(windows, near, far, measure)
        assert found.differs and found.difference < 0
    assert not compare_forecasts(windows, far, far, "MAE").differs


@pytest.mark.parametrize("measure", ["OWA", "pinball loss", "width of the 80 % interval"])
def test_comparison_of_every_measure_is_the_difference_of_scores(measure):
    windows, forecast = some_windows()
    other = Forecast(forecast.point + 1, forecast.quantiles + 1)
    found = compare_forecasts(windows, forecast, other, measure)
    first, second = (forecast_scores(windows, each, [measure])[0].value for each in (forecast, other))
    assert found.difference == pytest.approx(first - second)


def test_quantiles_on_one_side_do_not_hinder_a_comparison_of_points():
    windows, forecast = some_windows()
    assert compare_forecasts(windows, forecast, Forecast(forecast.point), "MAE").difference == 0


def test_what_cannot_be_scored_is_refused():
    windows, forecast = some_windows()
    for wrong in (forecast.point[:-1], np.where(np.arange(4) == 2, np.nan, forecast.point)):
        with pytest.raises(InputError, match="point: expected"):
            forecast_scores(windows, Forecast(wrong))
    with pytest.raises(InputError, match="quantiles: expected"):
        forecast_scores(windows, Forecast(forecast.point, forecast.quantiles[..., :2]))
    with pytest.raises(InputError, match=r"'pinball loss'\. MASE needs"):
        forecast_scores(windows, Forecast(forecast.point), ["pinball loss"])
    with pytest.raises(InputError, match="at least one observed"):
        Windows(np.full((2, 2), np.nan))
    with pytest.raises(InputError, match="scale: expected shape"):
        Windows(np.ones((2, 2)), scale=np.ones(3))
    with pytest.raises(InputError, match="levels: expected"):
        Windows(np.ones((2, 2)), levels=(10.0,))
