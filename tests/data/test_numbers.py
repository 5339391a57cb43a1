from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recurra.data.numbers import NumberEncoder, compact
from recurra.data.packed import Packed
from recurra.errors import DataError, RunError

NAN = np.nan


def packed(*sequences) -> Packed:
    return Packed.from_list([np.array(s, dtype=np.float64) for s in sequences])


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.array([1.5, NAN, -3e4]), np.float32),
        (np.arange(-(2**24), 2**24, 4099).astype(float), np.float32),
        (np.array([0.1], dtype=np.float32), np.float32),
        (np.array([0.5, -2.0], dtype=np.float16), np.float32),
        (np.array([2.0**24 + 1]), np.float64),
        (np.array([0.5, NAN, 1.7e9 + 1]), np.float64),
        (np.array([0.1]), np.float64),
    ],
)
def test_compact_numbers_are_the_same_numbers(values, dtype):
    found = compact(values)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, values.astype(np.float64))


@pytest.mark.parametrize("other", [0.5, 0.1])
def test_compact_numbers_too_large_for_float32_are_infinite(other):
    values = np.array([other, 1e39, -1e300, NAN])
    np.testing.assert_array_equal(compact(values), [other, np.inf, -np.inf, NAN])
    assert values[1] == 1e39  # what was given is left alone


def test_numbers_far_from_zero_are_scaled_as_those_near_it():
    near = np.random.default_rng(0).integers(-4000, 4000, (50, 2)) / 1024
    pair = [Packed.from_list([compact(values)]) for values in (near, near + 2.0**30)]
    a, b = (NumberEncoder.fit(each).encode(each).values for each in pair)
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_training_channels_come_out_standardised():
    rng = np.random.default_rng(0)
    data = Packed.from_list([rng.normal([5, -300], [2, 70], (n, 2)).astype(np.float32) for n in (40, 7, 90)])
    encoded = NumberEncoder.fit(data).encode(data)
    assert encoded.values.dtype == np.float32
    assert encoded.lengths.tolist() == [40, 7, 90]
    np.testing.assert_allclose(encoded.values.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(encoded.values.std(axis=0), 1, atol=1e-6)


def test_missing_values_do_not_count_and_are_marked():
    data = packed([[1, 10], [NAN, 20]], [[3, 30]], [[NAN, 40]])
    encoder = NumberEncoder.fit(data)
    assert encoder.means.tolist() == [2, 25]
    assert encoder.marked.tolist() == [True, False]
    assert (encoder.channels, encoder.size) == (2, 3)
    values = encoder.encode(data).values
    assert values[:, 0].tolist() == [-1, 0, 1, 0]
    assert values[:, 2].tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(values[:, 1], (np.array([10, 20, 30, 40]) - 25) / np.sqrt(125), rtol=1e-6)


def test_marks_stand_behind_all_channels_in_their_order():
    encoder = NumberEncoder.fit(packed([[NAN, 1, 1], [1, 2, NAN], [2, 3, 2]]))
    assert encoder.encode(packed([[NAN, NAN, 5], [5, 5, NAN]])).values[:, 3:].tolist() == [[1, 0], [0, 1]]


def test_missing_later_where_never_missing_in_training_is_the_mean():
    encoder = NumberEncoder.fit(packed([[1], [3]]))
    assert encoder.encode(packed([[NAN], [5]])).values.tolist() == [[0], [3]]


def test_constant_and_empty_channels_have_scale_one():
    encoder = NumberEncoder.fit(packed(*[[[0.1, NAN, 7]]] * 9, [[0.1, NAN, 8]]))
    assert encoder.scales[:2].tolist() == [1, 1]
    assert encoder.marked.tolist() == [False, True, False]
    values = encoder.encode(packed([[0.1, NAN, 7], [2.1, 4, 7]])).values
    np.testing.assert_array_equal(values[:, 0], np.array([0, 2], dtype=np.float32))
    assert values[:, 1].tolist() == [0, 4]
    assert values[:, 3].tolist() == [1, 0]


@pytest.mark.parametrize("size", [1e-200, 1e-20, 1.0, 1e30, 1e200, 1.7e308])
def test_any_size_of_number(size):
    data = packed(size * np.array([[-1.0], [1.0], [-1.0], [1.0]]))
    np.testing.assert_allclose(NumberEncoder.fit(data).encode(data).values[:, 0], [-1, 1, -1, 1], rtol=1e-6)


def test_small_changes_of_large_numbers_survive():
    data = packed(np.array([[1.7e9], [1.7e9 + 1], [1.7e9 + 2]]))
    expected = np.array([-1, 0, 1]) / np.sqrt(2 / 3)
    np.testing.assert_allclose(
        NumberEncoder.fit(data).encode(data).values[:, 0], expected, rtol=1e-6, atol=1e-6
    )


def test_far_values_are_bounded():
    encoder = NumberEncoder.fit(packed([[0.0], [1e-30]]))
    assert encoder.encode(packed([[1e308], [-1e308]])).values[:, 0].tolist() == [1e6, -1e6]


@settings(deadline=None)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 30), st.integers(1, 4)),
        elements=st.one_of(st.just(NAN), st.floats(-1e300, 1e300)),
    ),
    st.integers(1, 9),
)
def test_output_is_finite_and_slices_change_nothing(values, slice_size):
    if np.isnan(values).all():
        return
    data = packed(*np.array_split(values, 2))
    encoder = NumberEncoder.fit(data)
    encoded = encoder.encode(data).values
    assert np.isfinite(encoded).all()
    assert encoded.shape == (len(values), encoder.size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recurra.data.numbers._SLICE", slice_size)
        again = NumberEncoder.fit(data)
        np.testing.assert_array_equal(encoder.encode(data).values, encoded)
    np.testing.assert_allclose(again.means, encoder.means, rtol=1e-9, atol=1e-12 * np.nanmax(np.abs(values)))
    np.testing.assert_allclose(again.scales, encoder.scales, rtol=1e-6)


def test_infinite_values_are_refused_with_their_place():
    good, bad = packed([[1, 2]], [[3, 4]]), packed([[1, 2]], [[1, 2], [3, -np.inf]])
    for call in (NumberEncoder.fit, NumberEncoder.fit(good).encode):
        with pytest.raises(DataError, match=r"sequence 1 .*found -inf in channel 1 at step 1"):
            call(bad)
        with pytest.raises(DataError, match="row 12: "):
            call(bad, np.array([11, 12]))


def test_wrong_forms_are_refused():
    encoder = NumberEncoder.fit(packed([[1, 2], [3, 4]]))
    with pytest.raises(DataError, match="expected 2 channels as in training, found 1"):
        encoder.encode(packed([[1], [2]]))
    with pytest.raises(DataError, match=r"shape \(steps, channels\), found \(2,\)"):
        NumberEncoder.fit(packed([1.0, 2.0]))
    for empty in (packed([[NAN]]), packed(np.zeros((0, 2)))):
        with pytest.raises(DataError, match="only missing values"):
            NumberEncoder.fit(empty)


def test_sequences_of_no_steps_are_allowed():
    encoder = NumberEncoder.fit(packed([[1.0], [2.0]]))
    encoded = encoder.encode(packed(np.zeros((0, 1)), np.zeros((0, 1))))
    assert encoded.values.shape == (0, 1)
    assert encoded.lengths.tolist() == [0, 0]


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-1e300, 1e300), st.floats(1e-300, 1e300), st.booleans()), min_size=1))
def test_json_round_trip_is_exact(channels):
    means, scales, marked = zip(*channels, strict=True)
    encoder = NumberEncoder(np.array(means), np.array(scales), np.array(marked))
    again = NumberEncoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False)))
    for name in ("means", "scales", "marked"):
        np.testing.assert_array_equal(getattr(again, name), getattr(encoder, name))
        assert getattr(again, name).dtype == getattr(encoder, name).dtype


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"means": None},
        {"means": [1]},
        {"means": [1.0, 2.0]},
        {"means": [float("inf")]},
        {"scales": [0.0]},
        {"scales": [-1.0]},
        {"scales": [float("nan")]},
        {"marked": [1]},
        {"means": [], "scales": [], "marked": []},
    ],
)
def test_json_of_another_form_is_refused(change):
    good = {"means": [1.0], "scales": [2.0], "marked": [False]}
    assert NumberEncoder.from_json(good).size == 1
    with pytest.raises(RunError, match="scaling of numbers: expected"):
        NumberEncoder.from_json(good | change)
    with pytest.raises(RunError):
        NumberEncoder.from_json({"means": [1.0]})
    with pytest.raises(RunError):
        NumberEncoder.from_json([good])  # pyright: ignore[reportArgumentType]


def test_channels_of_zeros_and_ones_stay_where_that_is_asked_for():
    values = np.array([[0.0, 1.0], [1.0, 3.0], [np.nan, 5.0], [0.0, 7.0]])
    kept = NumberEncoder.fit(Packed.from_list([values]), keep_flags=True)
    assert (kept.means[0], kept.scales[0]) == (0.0, 1.0)
    usual = NumberEncoder.fit(Packed.from_list([values]))
    assert usual.scales[0] < 0.5
    assert (kept.means[1], kept.scales[1]) == (usual.means[1], usual.scales[1])
