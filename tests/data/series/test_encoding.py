"""Scaling is learned from the training steps alone, and undone exactly."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.packed import Packed
from recurra.data.series.encoding import SeriesEncoder, grows_in_proportion
from recurra.errors import DataError, RunError
from tests.data.series.made import made_series


def same(a, b):
    names = ("targets", "truth", "past", "known", "calendar")
    packs = [(getattr(a, name), getattr(b, name)) for name in names]
    return all(
        (p is None and q is None) or np.array_equal(p.values, q.values, equal_nan=True) for p, q in packs
    ) and np.array_equal(a.static, b.static)


@given(st.integers(0, 99), st.booleans(), st.lists(st.integers(2, 30), min_size=1, max_size=4))
def test_what_is_unscaled_again_is_what_was_there(seed, logarithm, lengths):
    series = made_series(lengths, seed=seed, holes=0.2, positive=logarithm)
    encoded = SeriesEncoder.fit(series, series.lengths, logarithm=logarithm).encode(series)
    owner = np.repeat(np.arange(len(series)), series.lengths)
    back = encoded.unscaled(encoded.truth.values[:, 0].astype(np.float64), owner)
    np.testing.assert_allclose(back, series.targets.values[:, 0], rtol=1e-4, atol=1e-4)


def test_scaled_training_steps_have_mean_0_and_deviation_1():
    series = made_series([40, 25])
    encoded = SeriesEncoder.fit(series, np.array([30, 25]), logarithm=False).encode(series)
    for n, until in enumerate((30, 25)):
        there = encoded.truth[n][:until, 0].astype(np.float64)
        assert abs(there.mean()) < 1e-6
        assert abs(there.std() - 1) < 1e-6


@pytest.mark.parametrize("poison", [np.nan, 1e9])
@pytest.mark.parametrize("logarithm", [None, False, True])
def test_steps_after_the_training_part_change_no_scale(poison, logarithm):
    series = made_series([40, 25], known=2, past=1, positive=True)
    until = np.array([30, 12])

    def spoilt(packed):
        values = packed.values.copy()
        for start, length, last in zip(packed.starts, packed.lengths, until, strict=True):
            values[start + last : start + length] = poison
        return replace(packed, values=values)

    after = replace(
        series, targets=spoilt(series.targets), known=spoilt(series.known), past=spoilt(series.past)
    )
    clean = SeriesEncoder.fit(series, until, season=4, logarithm=logarithm)
    assert json.dumps(clean.to_json()) == json.dumps(
        SeriesEncoder.fit(after, until, season=4, logarithm=logarithm).to_json()
    )


def test_missing_targets_take_the_last_one_that_was_there_and_a_mark():
    series = made_series([5, 4])
    values = np.array([1.0, np.nan, np.nan, 2.0, 3.0, 7.0, np.nan, 8.0, 9.0])[:, None]
    series = replace(series, targets=replace(series.targets, values=values))
    encoded = SeriesEncoder.fit(series, series.lengths, logarithm=False).encode(series)
    truth = encoded.truth.values[:, 0]
    assert encoded.targets.values[:, 1].tolist() == [0, 1, 1, 0, 0, 0, 1, 0, 0]
    assert encoded.targets.values[:, 0].tolist() == truth[[0, 0, 0, 3, 4, 5, 5, 7, 8]].tolist()
    assert np.isnan(truth).tolist() == np.isnan(values[:, 0]).tolist()


def test_a_series_that_was_not_learned_is_scaled_by_the_steps_before_its_first_origin():
    learned, other = made_series([30, 30]), made_series([30, 30], seed=1, level=900.0)
    other = replace(other, names=["s1", "new"])
    encoder = SeriesEncoder.fit(learned, learned.lengths)
    until = np.array([10, 10])
    encoded = encoder.encode(other, until=until)
    assert encoded.identity.tolist() == [2, 0]
    assert encoded.means[0] == encoder.means["s1"]
    assert encoded.means[1] == pytest.approx(other.targets[1][:10].mean())
    assert encoder.encode(other).means[1] == pytest.approx(other.targets[1].mean())
    values = other.targets.values.copy()
    values[other.targets.starts[1] + 10 :] = 1e9
    later = replace(other, targets=replace(other.targets, values=values))
    assert encoder.encode(later, until=until).means[1] == encoded.means[1]


def test_a_constant_series_is_scaled_by_1():
    series = made_series([6])
    series = replace(series, targets=Packed.from_list([np.full((6, 1), 0.1)]))
    encoded = SeriesEncoder.fit(series, series.lengths).encode(series)
    assert encoded.scales.tolist() == [1.0]
    assert np.abs(encoded.truth.values).max() < 1e-12


def test_under_the_logarithm_what_is_not_positive_counts_as_the_smallest_learned():
    series = made_series([4])
    values = np.array([20.0, 10.0, 40.0, 80.0])[:, None]
    series = replace(series, targets=replace(series.targets, values=values))
    encoder = SeriesEncoder.fit(series, series.lengths, logarithm=True)
    assert encoder.smallest == 10.0
    low = replace(series, targets=replace(series.targets, values=np.array([[20.0], [-5.0], [0.0], [10.0]])))
    truth = encoder.encode(low).truth.values[:, 0]
    assert truth[1] == truth[2] == truth[3]


def test_under_the_logarithm_positive_values_below_all_learned_stay_what_they_are():
    series = made_series([4])
    values = np.array([40.0, 20.0, 10.0, 2.5])[:, None]
    series = replace(series, targets=replace(series.targets, values=values))
    encoded = SeriesEncoder.fit(series, np.array([3]), logarithm=True).encode(series)
    back = encoded.unscaled(encoded.truth.values[:, 0].astype(np.float64), np.zeros(4, dtype=np.int64))
    np.testing.assert_allclose(back, values[:, 0], rtol=1e-5)


def test_what_a_static_column_does_not_say_of_a_series_counts_as_its_mean():
    series = made_series([4, 4, 4])
    nothing = np.full(3, np.nan)
    series = replace(series, static=np.stack([[10.0, np.nan, 30.0], nothing], axis=1))
    encoder = SeriesEncoder.fit(series, series.lengths)
    assert encoder.static_means.tolist() == [20.0, 0.0]
    assert encoder.static_scales.tolist() == [10.0, 1.0]
    assert encoder.encode(series).static.tolist() == [[-1, 0], [0, 0], [1, 0]]


@given(st.integers(0, 99), st.booleans())
def test_an_encoder_is_the_same_after_json(seed, calendar):
    series = made_series([12, 9], seed=seed, holes=0.2, known=1, past=2, static=2, calendar=calendar)
    encoder = SeriesEncoder.fit(series, series.lengths)
    again = SeriesEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert same(encoder.encode(series, 3), again.encode(series, 3))


@pytest.mark.parametrize(
    "change",
    [
        {"scales": {"s0": 0.0}},
        {"means": {"s0": float("inf")}},
        {"means": {"other": 1.0}},
        {"smallest": -1.0},
        {"smallest": "x"},
        {"static_scales": [0.0]},
        {"means": 3},
        {"past": {"means": 1}},
    ],
)
def test_a_broken_scaling_is_told(change):
    series = made_series([12], static=1)
    stored = SeriesEncoder.fit(series, series.lengths).to_json()
    with pytest.raises(RunError):
        SeriesEncoder.from_json(stored | change)
    del stored["calendar"]
    with pytest.raises(RunError, match="the scaling of the series is broken"):
        SeriesEncoder.from_json(stored)


def test_other_covariates_than_in_training_are_told():
    encoder = SeriesEncoder.fit(made_series([12], known=1), np.array([12]))
    with pytest.raises(DataError, match=r"\(known\) are not those of training"):
        encoder.encode(made_series([12]))


def test_the_calendar_goes_on_after_the_last_target():
    series = made_series([12, 30], calendar=True, first=[400, 0])
    encoded = SeriesEncoder.fit(series, series.lengths).encode(series, 7)
    assert encoded.calendar.lengths.tolist() == [19, 37]
    # Step 400 is the 4th of February 2025, a Tuesday.
    assert np.allclose(encoded.calendar[0][0, 0], np.sin(2 * np.pi / 7), atol=1e-6)
    alone = SeriesEncoder.fit(series, series.lengths).encode(series.take(np.array([0])), 7)
    assert np.array_equal(alone.calendar[0], encoded.calendar[0])


def test_growth_in_proportion_is_seen_and_zeros_speak_against_it():
    t = np.arange(144.0)
    growing = np.exp(0.02 * t) * (3 + np.sin(2 * np.pi * t / 12))
    assert grows_in_proportion(Packed.from_list([growing[:, None]]), 12)
    even = 100 + t + 5 * np.sin(2 * np.pi * t / 12)
    assert not grows_in_proportion(Packed.from_list([even[:, None]]), 12)
    with_zero = growing.copy()
    with_zero[50] = 0.0
    assert not grows_in_proportion(Packed.from_list([with_zero[:, None]]), 12)
    assert not grows_in_proportion(Packed.from_list([np.full((144, 1), 7.0)]), 12)
