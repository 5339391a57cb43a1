"""Measures against scikit-learn, against their formulas by hand, and without what is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as reference

from recurra.errors import InputError
from recurra.tasks.forecasting import metrics

LEVELS = [0.1, 0.5, 0.9]
matrices = arrays(np.float64, (4, 3), elements=st.floats(-1e6, 1e6))


@given(matrices, matrices)
def test_point_measures_are_scikit_learn_s(truth, point):
    assert metrics.mae(truth, point) == pytest.approx(reference.mean_absolute_error(truth, point))
    assert metrics.mse(truth, point) == pytest.approx(reference.mean_squared_error(truth, point))
    assert metrics.rmse(truth, point) == pytest.approx(
        reference.root_mean_squared_error(truth.ravel(), point.ravel())
    )


@given(matrices, arrays(np.float64, (4, 3, 3), elements=st.floats(-1e6, 1e6)))
def test_pinball_is_the_mean_of_scikit_learn_s(truth, quantiles):
    expected = [
        reference.mean_pinball_loss(truth.ravel(), quantiles[..., k].ravel(), alpha=q)
        for k, q in enumerate(LEVELS)
    ]
    assert metrics.pinball(truth, quantiles, LEVELS) == pytest.approx(np.mean(expected))


@given(matrices, matrices, arrays(np.bool_, (4, 3)))
def test_missing_truths_are_left_out_of_all(truth, point, missing):
    holed, there = np.where(missing, np.nan, truth), ~missing
    if missing.all():
        assert math.isnan(metrics.mae(holed, point))
        return
    low, high = point - 1, point + 1
    for measure in (metrics.mae, metrics.mse, metrics.rmse, metrics.smape):
        assert measure(holed, point) == pytest.approx(measure(truth[there], point[there]))
    for measure in (metrics.interval_coverage, metrics.interval_width):
        assert measure(holed, low, high) == pytest.approx(measure(truth[there], low[there], high[there]))
    quantiles = np.stack([low, point, high], -1)
    assert metrics.pinball(holed, quantiles, LEVELS) == pytest.approx(
        metrics.pinball(truth[there], quantiles[there], LEVELS)
    )


@given(matrices, matrices)
def test_smape_is_symmetric_and_bounded(truth, point):
    assert 0 <= metrics.smape(truth, point) <= 200 * (1 + 1e-12)
    assert metrics.smape(truth, point) == metrics.smape(point, truth)


@given(arrays(np.float64, 40, elements=st.floats(-1e3, 1e3)), st.integers(1, 12))
def test_scale_makes_the_seasonal_naive_s_own_error_one(history, season):
    scale = metrics.seasonal_scale(history, season)
    if scale > 0:
        found = metrics.mase(history[None, season:], history[None, :-season], np.array([scale]))
        assert found == pytest.approx(1)


def test_scale_of_histories_that_say_little():
    assert math.isnan(metrics.seasonal_scale(np.arange(4.0), 4))
    assert metrics.seasonal_scale(np.ones(5)) == 0
    assert metrics.seasonal_scale(np.array([1.0, np.nan, 2.0, 5.0])) == 3
    with pytest.raises(InputError, match="season of 1 step"):
        metrics.seasonal_scale(np.ones(5), 0)


def test_rounding_errors_are_no_scale():
    wave = np.sin(2 * np.pi * np.arange(1000) / 24)
    assert 0 < np.abs(wave[24:] - wave[:-24]).mean() < 1e-9
    assert metrics.seasonal_scale(wave, 24) == 0
    assert metrics.seasonal_scale(1e8 + wave, 24) == 0
    assert metrics.seasonal_scale(1e-12 * wave, 1) > 0


def test_windows_without_a_scale_are_left_out_of_mase():
    truth, point = np.array([[1.0], [1.0], [1.0]]), np.array([[2.0], [9.0], [9.0]])
    assert metrics.mase(truth, point, np.array([0.5, 0.0, np.nan])) == 2


def test_owa_by_hand():
    truth, point, naive2, scale = (np.array(a) for a in ([[2.0]], [[3.0]], [[6.0]], [4.0]))
    assert metrics.owa(truth, point, naive2, scale) == pytest.approx((40 / 100 + 1 / 4) / 2)


def test_central_pairs_of_quantiles_in_any_order():
    assert metrics.central_pairs([0.975, 0.1, 0.9, 0.025, 0.4]) == {0.8: (1, 2), 0.95: (3, 0)}
    assert metrics.central_pairs([0.5]) == {}
