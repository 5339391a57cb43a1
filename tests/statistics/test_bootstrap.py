from __future__ import annotations

import numpy as np
import pytest

from recurra.errors import InputError
from recurra.statistics.bootstrap import bootstrap_interval, bootstrap_sums, macro_interval
from recurra.tasks.metrics import classes
from tests.work import calls_of


def test_bootstrap_interval_coverage_of_a_median():
    rng, covered = np.random.default_rng(0), 0
    for k in range(200):
        covered += 0 in bootstrap_interval(np.median, rng.normal(size=60), seed=k, resamples=300)
    assert 180 <= covered <= 200


def test_bootstrap_interval_draws_pairs():
    x = np.random.default_rng(0).normal(size=50)
    interval = bootstrap_interval(lambda a, b: float(np.abs(a - b).max()), x, x)
    assert (interval.low, interval.high) == (0, 0)


def test_bootstrap_interval_repeats_itself_and_follows_its_seed():
    x = np.random.default_rng(0).normal(size=50)
    assert bootstrap_interval(np.mean, x, seed=3) == bootstrap_interval(np.mean, x, seed=3)
    assert bootstrap_interval(np.mean, x, seed=3) != bootstrap_interval(np.mean, x, seed=4)


def test_bootstrap_interval_refuses_unequal_arrays():
    with pytest.raises(InputError, match="one length"):
        bootstrap_interval(np.mean, np.zeros(3), np.zeros(4))


def test_bootstrap_sums_vary_as_sums_do():
    column = np.random.default_rng(0).normal(2, 3, size=(400, 1))
    sums = bootstrap_sums(np.hstack([column, np.ones((400, 1))]), resamples=4000)
    assert (sums[:, 1] == 400).all()
    assert sums[:, 0].mean() == pytest.approx(column.sum(), abs=4)
    assert sums[:, 0].std() == pytest.approx(column.std() * 20, rel=0.05)


def test_bootstrap_sums_take_no_loop_over_examples():
    assert calls_of(lambda: bootstrap_sums(np.ones((25_000, 4)))) < 25_000


@pytest.mark.parametrize("name", ["_macro_f1", "_balanced_accuracy"])
@pytest.mark.parametrize(("k", "share", "n"), [(2, 0.97, 30), (2, 0.9, 300), (5, 0.8, 60), (9, 0.98, 370)])
def test_macro_interval_coverage(name, k, share, n):
    statistic, rng = getattr(classes, name), np.random.default_rng(1)
    joint = np.full((k, k), (1 - share) / (k - 1) / k)
    np.fill_diagonal(joint, share / k)
    covered, repeats = 0, 250
    for seed in range(repeats):
        confusion = rng.multinomial(n, joint.ravel()).reshape(k, k)
        covered += share in macro_interval(statistic, confusion, seed=seed, resamples=200)
    assert 0.905 < covered / repeats <= 0.995


def test_macro_interval_of_a_perfect_confusion_leaves_doubt():
    interval = macro_interval(classes._macro_f1, np.diag([15, 15]))
    assert interval.high == 1
    assert 0.8 < interval.low < 0.92
