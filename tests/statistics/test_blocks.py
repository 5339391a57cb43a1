"""Blocks against sums taken one by one, and intervals of dependent examples against simulated truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.errors import InputError
from recurra.statistics.blocks import Blocks
from recurra.statistics.bootstrap import bootstrap_sums, interval_of_draws
from recurra.statistics.intervals import mean_interval
from recurra.statistics.paired import compare_sums


def mean_of(sums):
    return sums[..., 0] / sums[..., 1]


def overlapping(rng, n, horizon):
    """(n, 2) errors of windows that begin at every step: means over the next `horizon` noises; and ones."""
    noise = np.convolve(rng.normal(size=n + horizon - 1), np.ones(horizon) / horizon, mode="valid")
    return np.stack([noise, np.ones(n)], axis=1)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.data())
def test_blocks_sums_are_those_taken_one_by_one(names, data):
    names = np.array(names)
    length = data.draw(st.integers(1, len(set(names.tolist()))))
    blocks = Blocks.of(names, length)
    columns = np.random.default_rng(0).normal(1e6, 1, size=(len(names), 2))
    units = [columns[names == name].sum(0) for name in np.unique(names)]
    around = units + units
    moving = [sum(around[k : k + length]) for k in range(len(units))]
    assert blocks.moving_sums(columns) == pytest.approx(np.array(moving), rel=1e-12)
    separate = blocks.separate_sums(columns)
    assert len(separate) == len(units) // length
    assert separate.sum(0) == pytest.approx(columns.sum(0), rel=1e-12)
    assert separate[0] == pytest.approx(
        np.sum(units[:length] if len(separate) > 1 else units, axis=0), rel=1e-12
    )


@given(st.integers(1, 40), st.data())
def test_block_bootstrap_keeps_the_number_of_examples(n, data):
    blocks = Blocks.of(np.arange(n), data.draw(st.integers(1, n)))
    assert bootstrap_sums(np.ones((n, 1)), resamples=5, blocks=blocks) == pytest.approx(np.full((5, 1), n))


def test_blocks_of_one_example_each_are_the_plain_bootstrap():
    columns = np.random.default_rng(0).normal(size=(50, 2))
    plain, blocked = (
        bootstrap_sums(columns, resamples=20, blocks=b) for b in (None, Blocks.of(np.arange(50)))
    )
    assert blocked == pytest.approx(plain)


@pytest.mark.parametrize(("n", "horizon"), [(200, 10), (1000, 24), (120, 5)])
def test_block_interval_coverage_of_overlapping_windows(n, horizon):
    blocks, covered, naive = Blocks.of(np.arange(n), 2 * horizon), 0, 0
    for k in range(300):
        columns = overlapping(np.random.default_rng(k), n, horizon)
        point = columns[:, 0].mean()
        draws = [bootstrap_sums(columns, seed=k, resamples=300, blocks=b) for b in (blocks, None)]
        covered += 0 in interval_of_draws(mean_of(draws[0]), point, blocks=blocks)
        naive += 0 in interval_of_draws(mean_of(draws[1]), point)
    assert 0.90 < covered / 300 < 0.99
    assert naive / 300 < 0.75


@pytest.mark.parametrize("series", [5, 20, 60])
def test_series_interval_coverage_where_series_differ(series):
    names, covered = np.repeat(np.arange(series), 12), 0
    blocks = Blocks.of(names)
    for k in range(300):
        rng = np.random.default_rng(k)
        columns = np.stack(
            [rng.normal(size=series)[names] + rng.normal(size=len(names)), np.ones(len(names))], 1
        )
        drawn = mean_of(bootstrap_sums(columns, seed=k, resamples=300, blocks=blocks))
        covered += 0 in interval_of_draws(drawn, columns[:, 0].mean(), blocks=blocks)
    assert 0.905 < covered / 300 < 0.985


@pytest.mark.parametrize(("n", "horizon"), [(200, 8), (400, 16)])
def test_compare_sums_by_blocks_false_positives(n, horizon):
    blocks, hits, naive = Blocks.of(np.arange(n), 2 * horizon), 0, 0
    for k in range(200):
        rng = np.random.default_rng(k)
        a, b = overlapping(rng, n, horizon), overlapping(rng, n, horizon)
        hits += compare_sums(mean_of, a, b, seed=k, blocks=blocks).differs
        naive += compare_sums(mean_of, a, b, seed=k).differs
    assert hits / 200 < 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5
    assert naive / 200 > 0.3


def test_compare_sums_by_blocks_finds_a_real_difference():
    rng = np.random.default_rng(0)
    a, b = overlapping(rng, 1000, 10), overlapping(rng, 1000, 10)
    b[:, 0] += 0.5
    found = compare_sums(mean_of, a, b, blocks=Blocks.of(np.arange(1000), 20))
    assert found.differs and found.difference < 0 and found.n == 1000 and "blocks" in found.test


def test_fewer_than_two_blocks_bound_nothing():
    blocks = Blocks.of(np.arange(12), 7)
    drawn = mean_of(bootstrap_sums(np.ones((12, 2)), blocks=blocks))
    interval = interval_of_draws(drawn, 1.0, blocks=blocks)
    assert (interval.low, interval.high) == (-math.inf, math.inf)


def test_block_interval_of_independent_units_is_students():
    values = np.random.default_rng(0).normal(size=6)
    blocks, columns = Blocks.of(np.arange(6)), np.stack([values, np.ones(6)], axis=1)
    drawn = mean_of(bootstrap_sums(columns, resamples=20_000, blocks=blocks))
    found, students = interval_of_draws(drawn, values.mean(), blocks=blocks), mean_interval(values)
    assert (found.low, found.high) == pytest.approx((students.low, students.high), abs=0.02)


@pytest.mark.parametrize("length", [0, 4])
def test_blocks_longer_than_what_there_is_are_refused(length):
    with pytest.raises(InputError, match="1 to 3 units"):
        Blocks(np.arange(3), 3, length)
