"""Vectorised summaries and resampling against one sequence at a time."""

from __future__ import annotations

import numpy as np
import pytest

from recurra.data.packed import Packed
from recurra.tasks.baselines import summary

QUARTILES = [0, 0.25, 0.5, 0.75, 1]


def one_at_a_time(x: np.ndarray) -> np.ndarray:
    known = np.flatnonzero(np.isfinite(x))
    v = x[known]
    slope = np.polyfit(known, v, 1)[0] if len(v) > 1 else 0.0
    steps = np.abs(np.diff(x))
    change = np.nanmean(steps) if np.isfinite(steps).any() else 0.0
    peak = known[v.argmax()] / max(len(x) - 1, 1)
    rest = [v[0], v[-1], slope, change, 1 - len(v) / len(x), peak]
    return np.array([v.mean(), v.std(), *np.quantile(v, QUARTILES), *rest])


def random_sequences(n=40, width=3, holes=0.3, seed=0):
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(n):
        x = rng.normal(size=(int(rng.integers(1, 30)), width))
        missing = rng.random(x.shape) < holes
        missing[0] &= ~missing.all(0)
        parts.append(np.where(missing, np.nan, x))
    return parts


@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("block", [1, 500, 4_000_000])
def test_summary_features_of_each_sequence_alone(holes, block, monkeypatch):
    monkeypatch.setattr(summary, "_BLOCK", block)
    parts = random_sequences(holes=holes)
    features = summary.summary_features(Packed.from_list(parts))
    assert features.shape == (40, 13 * 3 + 1)
    for row, x in zip(features, parts, strict=True):
        expected = np.stack([one_at_a_time(x[:, k]) for k in range(3)], 1)
        assert row[:-1] == pytest.approx(expected.ravel(), abs=1e-9)
        assert row[-1] == len(x)


def test_summary_features_of_nothing():
    parts = [np.full((4, 1), np.nan), np.zeros((0, 1)), np.array([[np.inf], [2.0]])]
    features = summary.summary_features(Packed.from_list(parts))
    assert np.isnan(features[0, :11]).all() and features[0, 11] == 1 and features[0, 13] == 4
    assert np.isnan(features[1, :11]).all() and features[1, 13] == 0
    assert features[2, 0] == 2 and features[2, 11] == 0.5


@pytest.mark.parametrize("points", [1, 7, 40])
@pytest.mark.parametrize("block", [1, 4_000_000])
def test_resample_is_linear_interpolation(points, block, monkeypatch):
    monkeypatch.setattr(summary, "_BLOCK", block)
    parts = random_sequences()
    centre, scale = np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 0.5])
    found = summary.resample(Packed.from_list(parts), points, centre, scale).reshape(-1, points, 3)
    for row, x in zip(found, parts, strict=True):
        for k in range(3):
            known = np.flatnonzero(np.isfinite(x[:, k]))
            at = np.linspace(0, 1, points) * (len(x) - 1)
            # First over the gaps, then between the steps.
            whole = np.interp(np.arange(len(x)), known, x[known, k])
            expected = (np.interp(at, np.arange(len(x)), whole) - centre[k]) / scale[k]
            assert row[:, k] == pytest.approx(expected, abs=1e-5)


def test_resample_keeps_sequences_of_that_length():
    x = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    found = summary.resample(Packed.from_list([x]), 9, np.zeros(2), np.ones(2))
    assert (found.reshape(9, 2) == x).all()


def test_resample_of_nothing_is_the_centre():
    parts = [np.zeros((0, 1)), np.full((3, 1), np.nan), np.ones((2, 1))]
    found = summary.resample(Packed.from_list(parts), 4, np.full(1, 5.0), np.ones(1))
    assert found[:2].tolist() == [[0] * 4] * 2
    assert found[2].tolist() == [-4] * 4
