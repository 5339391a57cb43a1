"""The jackknife over groups against formulas, and its intervals against simulated truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.statistics.intervals import proportion_interval
from recurra.statistics.jackknife import MOST_PARTS, Jackknife


def mean_of(values):
    return lambda rows: values[rows].mean(keepdims=True)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=MOST_PARTS))
def test_variance_of_a_mean_of_groups_of_equal_size_is_that_of_their_means(means):
    values, groups = np.repeat(means, 3), np.repeat(np.arange(len(means)), 3)
    found = Jackknife.of(mean_of(values), groups)
    assert found.variances[0] == pytest.approx(np.var(means, ddof=1) / len(means), rel=1e-6, abs=1e-9)
    assert (found.parts, found.groups, found.examples) == (len(means), len(means), 3 * len(means))


def test_parts_are_of_whole_groups_and_hold_all_examples():
    groups = np.random.default_rng(0).integers(0, 200, size=900).astype(object)
    left = []
    Jackknife.of(lambda rows: left.append(rows) or np.zeros(1), groups)
    parts = [np.setdiff1d(np.arange(900), rows) for rows in left]
    assert len(parts) == MOST_PARTS
    assert sorted(np.concatenate(parts).tolist()) == list(range(900))
    of = [set(groups[part]) for part in parts]
    assert sum(map(len, of)) == len(set.union(*of))


@pytest.mark.parametrize("groups", [["a", "a"], ["a", "b"]])
def test_what_cannot_be_told_has_no_bounds(groups):
    """One group, or a statistic that is not defined without one of them."""
    found = Jackknife.of(
        lambda rows: np.array([math.nan if len(rows) < 2 and len(set(groups)) > 1 else 1.0]), np.array(groups)
    )
    interval = found.interval(0, 1.0, (0.0, math.inf))
    assert (interval.low, interval.high) == (0.0, math.inf)


def test_no_narrower_than_examples_that_do_not_depend_on_each_other():
    right = np.tile([1.0, 1.0, 1.0, 0.0], 10)  # every group has the same share
    interval = Jackknife.of(mean_of(right), np.repeat(np.arange(10), 4)).interval(0, 0.75)
    alone = proportion_interval(30, 40)
    assert interval.low <= alone.low + 1e-12
    assert interval.high >= alone.high - 1e-12


@pytest.mark.parametrize(("count", "uneven"), [(4, False), (10, False), (10, True), (80, True)])
def test_intervals_of_shares_hold_the_truth_where_groups_differ(count, uneven):
    """As often as they say, within chance; those over examples hold it far too rarely."""
    draw, repeats = np.random.default_rng(1), 300
    effects = 1 / (1 + np.exp(-(1.5 + 0.8 * draw.normal(size=200_000))))
    truth, held, over_examples = effects.mean(), 0, 0
    for _ in range(repeats):
        sizes = draw.integers(5, 80, size=count) if uneven else np.full(count, 40)
        groups = np.repeat(np.arange(count), sizes)
        right = (draw.random(len(groups)) < draw.choice(effects, size=count)[groups]).astype(float)
        held += truth in Jackknife.of(mean_of(right), groups).interval(0, right.mean())
        over_examples += truth in proportion_interval(int(right.sum()), len(right))
    assert held >= 0.91 * repeats
    assert over_examples < 0.85 * repeats
