"""The baselines on windows: which there are, on which windows, and what the verdict says of a network."""

from __future__ import annotations

import json

import numpy as np
import pytest

from recurra.errors import InputError
from recurra.tasks.forecasting import baselines
from recurra.tasks.forecasting.baselines import (
    forecast_verdict,
    missing_baselines,
    run_forecast_baselines,
    with_references,
)
from recurra.tasks.forecasting.classical import has_statsmodels
from recurra.tasks.forecasting.metrics import seasonal_scale
from recurra.tasks.forecasting.naive import naive, naive2, seasonal_naive
from recurra.tasks.forecasting.scores import Forecast, Windows, forecast_scores

LEVELS = (0.1, 0.5, 0.9)
SEASON, HORIZON = 6, 4
needs_statsmodels = pytest.mark.skipif(not has_statsmodels(), reason="statsmodels is not installed")


def rolling(windows=80, seed=0, levels=LEVELS):
    """A seasonal series with noise, forecast at every step of its second half; and what is without noise."""
    rng, steps = np.random.default_rng(seed), 100 + windows + HORIZON
    clean = 10 + 3 * np.sin(2 * np.pi * np.arange(steps) / SEASON)
    series = clean + rng.normal(size=steps)
    ends = np.arange(100, 100 + windows)
    cut = [np.stack([each[e : e + HORIZON] for e in ends]) for each in (series, clean)]
    part = Windows(cut[0], scale=np.full(windows, seasonal_scale(series[:100], SEASON)), levels=levels)
    return part, (lambda k: series[: 100 + k]), cut[1]


def test_without_a_season_the_last_value_is_the_only_naive_one():
    windows, history, _ = rolling(12)
    found = run_forecast_baselines(windows, history, 1)
    assert [each.name for each in found if each.name != "exponential smoothing"] == ["last value"]


def test_naive_baselines_are_their_forecasts_scored():
    windows, history, _ = rolling(12)
    windows = with_references(windows, history, SEASON)
    found = {each.name: each for each in run_forecast_baselines(windows, history, SEASON)}
    for k in range(12):
        assert (found["last value"].prediction[k] == naive(history(k), HORIZON)).all()
        assert (found["last season"].prediction[k] == seasonal_naive(history(k), SEASON, HORIZON)).all()
        assert (found["Naive2"].prediction[k] == naive2(history(k), SEASON, HORIZON)).all()
    scores = {score.name: score.value for score in found["Naive2"].scores}
    assert scores["OWA"] == 1
    assert found["last season"].scores == forecast_scores(windows, found["last season"].forecast)
    assert json.loads(json.dumps(found["Naive2"].to_json(), allow_nan=False))["all_windows"] is True


def test_histories_may_be_a_function_a_list_or_an_array():
    windows, history, _ = rolling(8)
    series = history(8)
    ways = [
        lambda k: series[k : k + 100],
        [series[k : k + 100] for k in range(8)],
        np.stack([series[k : k + 100] for k in range(8)]),
    ]
    points = [run_forecast_baselines(windows, way, SEASON)[1].prediction for way in ways]
    assert (points[0] == points[1]).all() and (points[0] == points[2]).all()
    with pytest.raises(InputError, match="history for each of 8 windows, found 7"):
        run_forecast_baselines(windows, ways[1][:7], SEASON)


def test_a_window_without_any_history_is_named():
    windows, history, _ = rolling(8)
    with pytest.raises(InputError, match="window 5: "):
        run_forecast_baselines(windows, lambda k: np.full(9, np.nan) if k == 5 else history(k))


def test_an_outage_longer_than_what_is_looked_at_is_forecast_over():
    series = rolling(12)[1](12)
    outage = np.append(series, np.full(1200, np.nan))
    windows = with_references(Windows(np.zeros((2, HORIZON))), [series, outage], SEASON)
    assert windows.naive2 is not None and (windows.naive2[1] == series[-1]).all()
    for result in run_forecast_baselines(windows, [series, outage], SEASON):
        assert np.isfinite(result.prediction).all()


def test_references_that_are_given_stay():
    windows, history, _ = rolling(8)
    filled = with_references(windows, history, SEASON)
    assert filled.scale is windows.scale and filled.naive2 is not None
    scale = with_references(Windows(windows.truth), history, SEASON).scale
    assert scale is not None and scale[3] == seasonal_scale(history(3), SEASON)


@needs_statsmodels
def test_smoothing_beats_the_naive_ones_and_has_quantiles():
    windows, history, _ = rolling(60)
    found = run_forecast_baselines(windows, history, SEASON)
    best = min(found, key=lambda each: each.scores[0].value)
    assert best.name == "exponential smoothing" and best.quantiles is not None and best.indices is None
    assert "pinball loss" in {score.name for score in best.scores}
    assert missing_baselines() == []


@needs_statsmodels
def test_too_many_windows_are_sampled_evenly_and_said_so():
    windows, history, _ = rolling(80)
    found = run_forecast_baselines(windows, history, SEASON, time_limit_s=2.0, seed=3)[-1]
    assert found.indices is not None and len(found.indices) == len(found.prediction) == 20
    assert (found.indices // 4 == np.arange(20)).all() and len(set(found.indices % 4)) > 1
    assert "on 20 of 80 windows" in found.description
    assert found.scores[0].n == 20
    again = run_forecast_baselines(windows, history, SEASON, time_limit_s=2.0, seed=3)[-1]
    assert (again.indices == found.indices).all() and (again.prediction == found.prediction).all()


def test_without_the_library_smoothing_is_left_out_and_that_is_said(monkeypatch):
    monkeypatch.setattr(baselines, "has_statsmodels", lambda: False)
    windows, history, _ = rolling(8)
    assert "exponential smoothing" not in {e.name for e in run_forecast_baselines(windows, history, SEASON)}
    assert "recurra[forecast]" in missing_baselines()[0]


def test_measures_that_a_baseline_cannot_have_are_left_out():
    windows, history, _ = rolling(8)
    found = run_forecast_baselines(windows, history, SEASON, measures=["pinball loss", "MSE"])
    assert [score.name for score in found[0].scores] == ["MSE"]
    found = run_forecast_baselines(windows, history, SEASON, measures=["pinball loss"])
    assert [score.name for score in found[0].scores] == ["MAE"]


def test_measures_that_no_windows_allow_are_refused():
    windows, history, _ = rolling(8)
    with pytest.raises(InputError, match="MAPE"):
        run_forecast_baselines(windows, history, SEASON, measures=["MSE", "MAPE"])


def verdict_of(forecast_of, windows=400, **options):
    part, history, clean = rolling(windows)
    results = run_forecast_baselines(part, history, SEASON, **options)
    return forecast_verdict(part, forecast_of(part.truth, clean), results, name="GRU"), results


def test_a_network_that_knows_the_season_is_better(monkeypatch):
    monkeypatch.setattr(baselines, "has_statsmodels", lambda: False)
    (sentence, paired, best), _ = verdict_of(lambda _truth, clean: Forecast(clean))
    assert best == "last season"
    assert sentence.startswith("The GRU is better than the best baseline (last season): MASE")
    assert paired.differs and paired.difference < 0 and "windows" not in sentence


def test_a_network_that_knows_nothing_is_worse(monkeypatch):
    monkeypatch.setattr(baselines, "has_statsmodels", lambda: False)
    (sentence, paired, _), _ = verdict_of(lambda truth, _clean: Forecast(np.zeros(truth.shape)))
    assert "is worse than" in sentence and paired.difference > 0


def test_where_a_baseline_is_never_off_there_is_nothing_to_learn():
    series = np.tile([1.0, 2.0, 4.0, 3.0, 1.0, 0.0], 8)
    windows = Windows(np.stack([series[k : k + HORIZON] for k in range(24, 40)]))
    results = run_forecast_baselines(windows, lambda k: series[: 24 + k], SEASON)
    network = Forecast(windows.truth + 0.5)
    sentence, paired, _ = forecast_verdict(windows, network, results, name="GRU")
    assert sentence == (
        "There is nothing to learn: the best baseline (last season) is never off; the GRU: MAE 0.5."
    )
    assert paired.difference == 0.5


@needs_statsmodels
def test_a_sampled_rival_is_met_on_its_own_windows():
    (sentence, paired, _), results = verdict_of(lambda _truth, clean: Forecast(clean), time_limit_s=4.0)
    assert results[-1].name == "exponential smoothing"
    assert "best baseline (exponential smoothing)" in sentence
    assert sentence.endswith("Both on the 40 of 400 windows that the baseline was computed on.")
    assert paired.n == 40


def test_too_short_a_test_part_is_no_ground_for_a_verdict():
    (sentence, paired, _), _ = verdict_of(lambda _truth, clean: Forecast(clean), windows=5)
    assert sentence.startswith("A tie") and sentence.endswith("a longer test part would be needed.")
    assert not paired.differs


def test_headline_that_no_baseline_has_gives_way(monkeypatch):
    monkeypatch.setattr(baselines, "has_statsmodels", lambda: False)
    windows, history, clean = rolling(60)
    results = run_forecast_baselines(windows, history, SEASON)
    network = Forecast(clean, clean[..., None] + np.array([-1.0, 0.0, 1.0]))
    coverage = "coverage of the 80 % interval"
    sentence, *_ = forecast_verdict(windows, network, results, [coverage, "pinball loss", "RMSE"])
    assert "RMSE" in sentence
    with pytest.raises(InputError, match="network and baselines have"):
        forecast_verdict(windows, network, results, ["pinball loss"])


def test_a_baseline_is_not_asked_for_windows_that_it_left_out():
    windows, history, _ = rolling(8)
    whole = run_forecast_baselines(windows, history)[0]
    part = baselines.replace(whole, prediction=whole.prediction[[1, 4]], indices=np.array([1, 4]))
    assert (part.on(windows, np.array([4])).point == whole.prediction[[4]]).all()
    with pytest.raises(InputError, match="2 of 8"):
        part.on(windows, np.array([4, 5]))
