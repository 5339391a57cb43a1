"""Intervals hold the truth as often as they say, on simulated data of which the truth is known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from recurra.errors import InputError
from recurra.statistics.intervals import (
    Interval,
    auc_interval,
    mean_interval,
    mean_over_seeds,
    proportion_interval,
    ratio_interval,
    share_interval,
)

REPEATS = 600


def coverage(interval_of, truth: float, repeats: int = REPEATS, seed: int = 0) -> float:
    rng = np.random.default_rng(seed)
    return sum(truth in interval_of(rng) for _ in range(repeats)) / repeats


def test_proportion_interval_is_wilsons():
    z, n, p = stats.norm.ppf(0.975), 200, 0.9
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    interval = proportion_interval(180, 200)
    assert (interval.low, interval.high) == pytest.approx((centre - half, centre + half), abs=1e-12)


@pytest.mark.parametrize(("n", "p"), [(30, 0.9), (150, 0.91), (1000, 0.5)])
def test_proportion_interval_coverage(n, p):
    assert 0.92 < coverage(lambda rng: proportion_interval(rng.binomial(n, p), n), p) < 0.985


def test_proportion_interval_without_examples_bounds_nothing():
    assert (proportion_interval(0, 0).low, proportion_interval(0, 0).high) == (0, 1)


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5)])
def test_proportion_interval_refuses_impossible_counts(successes, n):
    with pytest.raises(InputError, match="successes"):
        proportion_interval(successes, n)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_level_has_to_be_a_share(level):
    with pytest.raises(InputError, match="level"):
        mean_interval(np.arange(5.0), level)


def test_mean_interval_is_the_t_test_s():
    values = np.random.default_rng(1).normal(size=12)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    found = mean_interval(values, 0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_mean_interval_coverage_of_three_seeds():
    covered = coverage(lambda rng: mean_over_seeds(rng.normal(0.9, 0.01, 3))[1], 0.9)
    assert 0.92 < covered < 0.975


def test_mean_of_one_value_is_unbounded_and_still_json():
    interval = mean_interval(np.array([3.0]))
    assert (interval.low, interval.high) == (-math.inf, math.inf)
    written = json.dumps(interval.to_json(), allow_nan=False)
    assert Interval.from_json(json.loads(written)) == interval


@pytest.mark.parametrize(("auc", "m", "n"), [(0.7, 15, 15), (0.9, 20, 40), (0.99, 50, 50), (0.8, 200, 100)])
def test_auc_interval_coverage(auc, m, n):
    shift = math.sqrt(2) * stats.norm.ppf(auc)

    def one(rng):
        wins = rng.normal(shift, 1, m)[:, None] > rng.normal(0, 1, n)
        return auc_interval(wins.mean(), m, n)

    assert 0.92 < coverage(one, auc) < 0.99


@pytest.mark.parametrize("auc", [0.0, 0.5, 1.0])
def test_auc_interval_is_symmetric_and_holds_the_value(auc):
    one, other = auc_interval(auc, 30, 20), auc_interval(1 - auc, 20, 30)
    assert auc in one
    assert 0.05 < one.high - one.low < 0.4
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-6)


def test_share_interval_of_a_plain_share_is_wilsons():
    plain, share = proportion_interval(27, 30), share_interval(0.9, 30)
    assert (share.low, share.high) == pytest.approx((plain.low, plain.high), abs=1e-9)


@pytest.mark.parametrize("n", [30, 300])
def test_ratio_interval_coverage(n):
    def one(rng):
        size = rng.gamma(3, size=n)
        return ratio_interval(size * rng.gamma(4, 0.25, size=n), size)

    assert 0.91 < coverage(one, 1.0) < 0.98


def test_ratio_interval_at_the_edges():
    assert ratio_interval(np.zeros(5), np.ones(5)).high == 0
    assert ratio_interval(np.ones(5), np.zeros(5)).high == math.inf
    assert ratio_interval(np.ones(1), np.ones(1)).high == math.inf
