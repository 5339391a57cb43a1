from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from recurra.errors import InputError
from recurra.statistics.paired import compare_correct, compare_errors, compare_sums


def correct_pairs(rng, n, only_a, only_b, both=0.7):
    outcome = rng.choice(4, size=n, p=[both, only_a, only_b, 1 - both - only_a - only_b])
    return np.isin(outcome, [0, 1]), np.isin(outcome, [0, 2])


def test_compare_correct_p_value_is_mcnemar_s():
    a = np.array([True] * 14 + [False] * 3 + [True] * 20)
    b = np.array([False] * 14 + [True] * 3 + [True] * 20)
    result = compare_correct(a, b)
    assert result.p_value == pytest.approx(2 * stats.binom.cdf(3, 17, 0.5), rel=1e-9)
    assert result.difference == pytest.approx(11 / 37)
    assert result.differs and result.difference in result.interval


def test_compare_correct_is_antisymmetric():
    a, b = correct_pairs(np.random.default_rng(0), 100, 0.1, 0.05)
    one, other = compare_correct(a, b), compare_correct(b, a)
    assert one.p_value == other.p_value
    assert (one.interval.low, one.interval.high) == (-other.interval.high, -other.interval.low)


@pytest.mark.parametrize("n", [50, 400])
def test_compare_correct_false_positives(n):
    rng, repeats = np.random.default_rng(2), 600
    results = [compare_correct(*correct_pairs(rng, n, 0.08, 0.08)) for _ in range(repeats)]
    assert np.mean([result.p_value < 0.05 for result in results]) < 0.05 + 3 * (0.05 * 0.95 / repeats) ** 0.5
    assert np.mean([result.differs for result in results]) < 0.05


@pytest.mark.parametrize(("only_a", "only_b"), [(0.1, 0.1), (0.15, 0.05), (0.02, 0.1)])
def test_compare_correct_interval_coverage(only_a, only_b):
    rng, repeats = np.random.default_rng(3), 600
    covered = [
        only_a - only_b in compare_correct(*correct_pairs(rng, 120, only_a, only_b)).interval
        for _ in range(repeats)
    ]
    assert 0.92 < np.mean(covered) < 0.985


@pytest.mark.parametrize("sign", [1, -1])
def test_test_and_interval_do_not_contradict_each_other(sign):
    """Of three examples a bootstrap knows no difference but the one they have."""
    result = compare_sums(lambda sums: sums[..., 0] / 3, sign * np.ones((3, 1)), np.zeros((3, 1)))
    assert result.difference == sign and not result.differs
    assert (result.interval.low, result.interval.high) == ((0, 1) if sign > 0 else (-1, 0))


def test_compare_correct_finds_what_two_intervals_side_by_side_would_miss():
    a, b = correct_pairs(np.random.default_rng(4), 1000, 0.05, 0.02, both=0.8)
    assert compare_correct(a, b).differs


def test_equal_predictors_tie():
    right = np.array([True, False] * 10)
    for result in (compare_correct(right, right), compare_errors(right * 1.0, right * 1.0)):
        assert result.difference == 0
        assert result.p_value == 1
        assert not result.differs


@pytest.mark.parametrize("measure", ["rms", "mean"])
@pytest.mark.parametrize("n", [30, 200])
def test_compare_errors_false_positives(measure, n):
    rng, repeats = np.random.default_rng(5), 300
    hits = 0
    for k in range(repeats):
        shared = rng.normal(size=n)
        a, b = shared + rng.standard_t(5, size=n), shared + rng.standard_t(5, size=n)
        hits += compare_errors(a, b, measure=measure, seed=k).p_value < 0.05
    assert hits / repeats < 0.05 + 3 * (0.05 * 0.95 / repeats) ** 0.5


def test_compare_errors_interval_coverage():
    rng, repeats, covered = np.random.default_rng(6), 300, 0
    for k in range(repeats):
        shared = rng.normal(size=150)
        a, b = shared + rng.normal(size=150), shared + 1.2 * rng.normal(size=150)
        covered += np.sqrt(2) - np.sqrt(1 + 1.44) in compare_errors(a, b, seed=k).interval
    assert 0.91 < covered / repeats < 0.985


def test_compare_errors_finds_a_real_difference_and_its_direction():
    noise = np.random.default_rng(7).normal(size=(2, 300))
    result = compare_errors(noise[0], noise[0] + 0.5 * noise[1])
    assert result.difference < 0 and result.differs
    assert result.p_value < 0.005


def test_compare_sums_is_compare_errors_for_squares():
    a, b = np.random.default_rng(8).normal(size=(2, 80))
    by_sums = compare_sums(lambda s: np.sqrt(s[..., 0] / 80), a[:, None] ** 2, b[:, None] ** 2, seed=1)
    assert by_sums == compare_errors(a, b, seed=1)


def test_results_are_json():
    assert json.loads(json.dumps(compare_correct(np.ones(4), np.zeros(4)).to_json()))["difference"] == 1


@pytest.mark.parametrize("compare", [compare_correct, compare_errors])
def test_unequal_or_empty_input_is_refused(compare):
    with pytest.raises(InputError, match="one shape"):
        compare(np.ones(3), np.ones(4))
    with pytest.raises(InputError, match="at least one example"):
        compare(np.ones(0), np.ones(0))
    with pytest.raises(InputError, match="'rms' or 'mean'"):
        compare_errors(np.ones(3), np.ones(3), measure="max")
