"""Naive forecasts against loops that do the same by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recurra.errors import InputError
from recurra.tasks.forecasting import naive as methods
from recurra.tasks.forecasting.seasonal import bridged, is_seasonal, repeated, seasonal_pattern

holed = arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 20)),
               elements=st.one_of(st.floats(-1e3, 1e3), st.just(np.nan)))  # fmt: skip


def seasonal_by_hand(history, season, horizon):
    known = {t: y for t, y in enumerate(history) if not np.isnan(y)}
    if not known:
        return np.full(horizon, np.nan)
    last, found = known[max(known)], []
    for step in range(len(history), len(history) + horizon):
        same = [t for t in known if (step - t) % season == 0]
        found.append(known[max(same)] if same else last)
    return np.array(found)


@given(holed, st.integers(1, 8), st.integers(1, 12))
def test_seasonal_naive_is_the_loop_by_hand(history, season, horizon):
    expected = np.stack([seasonal_by_hand(row, season, horizon) for row in history])
    np.testing.assert_array_equal(methods.seasonal_naive(history, season, horizon), expected)


@given(holed, st.integers(1, 12))
def test_naive_is_seasonal_naive_of_one_step(history, horizon):
    np.testing.assert_array_equal(
        methods.naive(history, horizon), methods.seasonal_naive(history, 1, horizon)
    )


@given(holed, st.integers(1, 5))
def test_drift_goes_through_first_and_last(history, horizon):
    found = methods.drift(history, horizon)
    for row, ahead in zip(history, found, strict=True):
        known = np.flatnonzero(~np.isnan(row))
        if not len(known):
            assert np.isnan(ahead).all()
            continue
        slope = (row[known[-1]] - row[known[0]]) / max(known[-1] - known[0], 1)
        expected = row[known[-1]] + slope * (np.arange(len(row), len(row) + horizon) - known[-1])
        assert ahead == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("season", [2, 3, 7, 12])
@pytest.mark.parametrize("multiplicative", [True, False])
def test_pattern_and_trend_are_found_again(season, multiplicative):
    rng, steps = np.random.default_rng(season), 6 * season + 1
    pattern = rng.uniform(0.5, 1.5, season)
    pattern = pattern / pattern.mean() if multiplicative else pattern - pattern.mean()
    level = np.array([[10.0], [3.0]])
    line = np.broadcast_to(level, (2, steps)) if multiplicative else level + 0.1 * np.arange(steps)
    season_of = repeated(pattern, steps, before=True)
    history = line * season_of if multiplicative else line + season_of
    found = seasonal_pattern(history, season, multiplicative=multiplicative)
    assert found == pytest.approx(np.stack([pattern, pattern]))


@pytest.mark.parametrize("sign", [1, -1])
def test_naive2_continues_a_seasonal_level_of_either_sign(sign):
    wave = sign * np.tile([4.0, 8.0, 6.0, 2.0], 8)[:-1]
    assert methods.naive2(wave, 4, 6) == pytest.approx(sign * np.array([2, 4, 8, 6, 2, 4]))
    holed = wave.copy()
    holed[9] = np.nan
    assert np.isfinite(methods.naive2(holed, 4, 6)).all()


def test_naive2_of_each_is_naive2_one_by_one(monkeypatch):
    monkeypatch.setattr(methods, "_TOGETHER", 3)
    rng = np.random.default_rng(0)
    wave = 5 + np.tile([0.0, 2.0, 3.0, 1.0], 20)
    parts = [
        wave[:n] + rng.normal(scale=s, size=n)
        for n, s in zip([40, 60, 40, 7, 60, 40, 80], range(7), strict=True)
    ]
    parts[2][5] = np.nan
    found = methods.naive2_of_each(lambda k: parts[k], len(parts), 4, 5)
    assert found == pytest.approx(np.stack([methods.naive2(part, 4, 5) for part in parts]))


def test_naive2_is_naive_where_there_is_no_season():
    noise = np.random.default_rng(0).normal(10, 1, size=(5, 60))
    flat = np.full((1, 60), 7.1)
    for history in (noise[~is_seasonal(noise, 12)], flat, noise[:, :30]):
        np.testing.assert_array_equal(methods.naive2(history, 12, 4), methods.naive(history, 4))


def test_season_is_found_by_chance_in_about_a_tenth():
    noise = np.random.default_rng(0).normal(size=(2000, 100))
    assert 0.05 < is_seasonal(noise, 7).mean() < 0.12


@given(holed)
def test_bridged_keeps_what_is_there(history):
    found = bridged(history)
    known = ~np.isnan(history)
    np.testing.assert_array_equal(found[known], history[known])
    assert np.isnan(found).sum() == history.shape[1] * (~known.any(1)).sum()


def test_impossible_horizons_and_seasons_are_refused():
    for call in (
        lambda: methods.naive(np.ones(3), 0),
        lambda: methods.seasonal_naive(np.ones(3), 0, 1),
        lambda: seasonal_pattern(np.ones(5), 3, multiplicative=True),
    ):
        with pytest.raises(InputError, match="expected"):
            call()


def test_an_empty_history_gives_nothing():
    for found in (
        methods.naive(np.ones(0), 2),
        methods.drift(np.ones(0), 2),
        methods.naive2(np.ones(0), 3, 2),
    ):
        assert np.isnan(found).all()
