"""Exponential smoothing on series of which the future is known, and on those that break programs."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from recurra.errors import InputError, RecurraError
from recurra.tasks.forecasting import classical
from recurra.tasks.forecasting.classical import exponential_smoothing, has_statsmodels, longest_history

LEVELS = (0.1, 0.5, 0.9)
needs_statsmodels = pytest.mark.skipif(not has_statsmodels(), reason="statsmodels is not installed")


def yearly(steps=120, seed=0, growth=0.0, multiplicative=False):
    t, noise = np.arange(steps), np.random.default_rng(seed).normal(size=steps)
    level, wave = 100 + growth * t, np.sin(2 * np.pi * t / 12)
    return level * (1 + 0.4 * wave) + noise if multiplicative else level + 20 * wave + noise


@needs_statsmodels
@pytest.mark.parametrize("multiplicative", [True, False])
def test_season_is_continued_within_the_noise(multiplicative):
    # Around 0 nothing can be multiplied.
    series = yearly(132, growth=1.0, multiplicative=multiplicative) - (0 if multiplicative else 150)
    found = exponential_smoothing(series[:120], 12, 12, LEVELS)
    assert np.abs(found.point - series[120:]).max() < 12
    assert classical._pattern(series[:120], 12)[1] == multiplicative


def test_a_season_with_next_to_nothing_in_it_is_added():
    nights = np.tile([0.01, 0.01, 5.0, 9.0], 20) + np.random.default_rng(0).uniform(0, 0.02, 80)
    assert not classical._pattern(nights, 4)[1]
    assert classical._pattern(nights + 5, 4)[1]


@needs_statsmodels
def test_quantiles_are_in_order_centred_and_wider_further_on():
    found = exponential_smoothing(np.cumsum(np.random.default_rng(0).normal(size=200)), 1, 10, LEVELS)
    assert found.quantiles is not None
    assert found.quantiles[:, 1] == pytest.approx(found.point)
    width = found.quantiles[:, 2] - found.quantiles[:, 0]
    assert (width > 0).all() and (np.diff(width) > 0).all()


@needs_statsmodels
def test_intervals_of_a_random_walk_hold_what_they_say():
    rng, inside = np.random.default_rng(0), []
    for _ in range(60):
        walk = np.cumsum(rng.normal(size=110))
        quantiles = exponential_smoothing(walk[:100], 1, 10, LEVELS).quantiles
        assert quantiles is not None
        inside.append(((quantiles[:, 0] <= walk[100:]) & (walk[100:] <= quantiles[:, 2])).mean())
    assert 0.68 < np.mean(inside) < 0.9


@needs_statsmodels
@pytest.mark.parametrize("factor", [1e-9, -1.0, 1e12])
def test_unit_of_the_series_changes_nothing(factor):
    series = yearly() - 100
    plain, scaled = (exponential_smoothing(f * series, 12, 6).point for f in (1.0, factor))
    assert scaled / factor == pytest.approx(plain, rel=1e-3, abs=1e-2)


@needs_statsmodels
def test_gaps_are_bridged():
    series = yearly(multiplicative=True)
    series[[0, 1, 30, 31, 50, 119]] = np.nan
    found = exponential_smoothing(series, 12, 12, LEVELS)
    whole = exponential_smoothing(yearly(multiplicative=True), 12, 12, LEVELS)
    assert found.point == pytest.approx(whole.point, abs=20)


@needs_statsmodels
def test_after_an_outage_the_season_goes_on():
    outage = longest_history(12) + 7
    series = yearly(240 + outage + 12)
    series[240:-12] = np.nan
    found = exponential_smoothing(series[:-12], 12, 12, LEVELS)
    whole = exponential_smoothing(series[:240], 12, outage + 12, LEVELS)
    assert found.quantiles is not None and whole.quantiles is not None
    assert np.abs(found.point - series[-12:]).max() < 12
    assert (found.quantiles == whole.quantiles[-12:]).all()


@needs_statsmodels
@pytest.mark.parametrize(
    "history",
    [
        np.zeros(50),
        np.full(50, 7.3),
        np.tile([1.0, 2.0, 3.0, 4.0], 20),
        np.array([5.0]),
        np.array([5.0, np.nan, 7.0]),
        np.arange(9.0),
        np.arange(60.0),
        np.append(np.zeros(59), 1e6),
        np.where(np.arange(60) % 2 == 0, np.nan, 1e-300),
        np.random.default_rng(0).integers(0, 2, size=40).astype(float),
        -np.exp(np.arange(40.0)),
    ],
)
@pytest.mark.parametrize("season", [1, 4, 52])
def test_histories_of_every_kind_have_finite_forecasts(history, season):
    found = exponential_smoothing(history, season, 7, LEVELS)
    assert found.quantiles is not None
    assert np.isfinite(found.point).all() and np.isfinite(found.quantiles).all()
    assert (np.diff(found.quantiles, axis=1) >= 0).all()


@needs_statsmodels
def test_only_the_end_of_a_long_history_counts():
    series = np.random.default_rng(0).normal(size=5000)
    changed = series.copy()
    changed[: -longest_history(12)] = 1e9
    first, second = (exponential_smoothing(each, 12, 3).point for each in (series, changed))
    assert (first == second).all()


def test_very_short_histories_need_no_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    found = exponential_smoothing(np.array([1.0, 2.0, 1.0]), 1, 4, LEVELS)
    assert found.point.tolist() == [1, 1, 1, 1]


def test_without_the_extra_it_is_named(monkeypatch):
    for name in list(sys.modules):
        if name.split(".")[0] == "statsmodels":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    with pytest.raises(RecurraError, match=r"pip install 'recurra\[forecast\]'"):
        exponential_smoothing(np.arange(30.0), 1, 4)


def test_a_history_without_any_value_is_refused():
    with pytest.raises(InputError, match="at least one value"):
        exponential_smoothing(np.full(20, np.nan), 1, 4)
