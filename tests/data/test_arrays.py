from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from recurra.data.schema import examples_from_arrays
from recurra.data.schema.arrays import tagged_from_arrays
from recurra.errors import DataError


@pytest.mark.parametrize(
    "texts",
    [
        ["a b", ""],
        ("a b", ""),
        np.array(["a b", ""]),
        np.array(["a b", ""], dtype=object),
        pd.Series(["a b", ""]),
        pl.Series(["a b", ""]),
        pd.DataFrame({"t": ["a b", ""]}),
        pl.DataFrame({"t": ["a b", ""]}),
    ],
)
def test_texts(texts):
    examples = examples_from_arrays(texts)
    assert examples.texts.dtype == object
    assert examples.texts.tolist() == ["a b", ""]
    assert [type(text) for text in examples.texts] == [str, str]
    assert examples.sequences is None
    assert examples.targets is None
    assert examples.rows.tolist() == [1, 2]


def test_two_axes_are_steps_of_one_feature():
    X = np.arange(6).reshape(2, 3)
    for given_X in (X, X.tolist(), X.astype(object), pd.DataFrame(X), pl.DataFrame(X), list(X)):
        packed = examples_from_arrays(given_X).sequences
        assert packed.values.dtype == np.float32
        assert packed.values.shape == (6, 1)
        np.testing.assert_array_equal(packed[1][:, 0], [3, 4, 5])


@given(
    st.integers(1, 3).flatmap(
        lambda width: st.lists(st.integers(1, 5), min_size=1, max_size=5).map(
            lambda lengths: [np.arange(n * width, dtype=np.float64).reshape(n, width) + 1 for n in lengths]
        )
    )
)
def test_lists_of_arrays_come_back(sequences):
    packed = examples_from_arrays(sequences).sequences
    assert len(packed) == len(sequences)
    for n, sequence in enumerate(sequences):
        np.testing.assert_array_equal(packed[n], sequence)
    # Padded with NaN they are the same.
    longest = max(map(len, sequences))
    padded = np.full((len(sequences), longest, sequences[0].shape[1]), np.nan)
    for n, sequence in enumerate(sequences):
        padded[n, : len(sequence)] = sequence
    other = examples_from_arrays(padded).sequences
    np.testing.assert_array_equal(other.values, packed.values)
    np.testing.assert_array_equal(other.lengths, packed.lengths)


def test_missing_steps_at_the_end_of_listed_arrays_are_padding():
    gap = [np.nan, np.nan]
    X = [[gap, gap], [[1, np.nan], gap, [2, 3], gap], [[4, 5], gap, gap], [gap], [gap, [6, 7]]]
    packed = examples_from_arrays([np.array(x, dtype=float) for x in X]).sequences
    assert packed.lengths.tolist() == [1, 3, 1, 1, 2]
    wanted = [gap, [1, np.nan], gap, [2, 3], [4, 5], gap, gap, [6, 7]]
    np.testing.assert_array_equal(packed.values, np.array(wanted, dtype=float))
    np.testing.assert_array_equal(packed.flat()[1], [0, 1, 4, 5, 6, 8])


def test_one_long_sequence_among_short_ones_costs_no_more_than_its_steps():
    X = [np.ones((5, 1))] * 300 + [np.ones((20_000, 1))]
    tracemalloc.start()
    packed = examples_from_arrays(X).sequences
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert packed.lengths.tolist() == [5] * 300 + [20_000]
    assert peak < 50 * packed.lengths.sum(), f"{peak:,} bytes"


def test_sequences_of_one_axis_have_one_feature():
    packed = examples_from_arrays([np.array([1.0, 2.0]), np.array([3.0])]).sequences
    assert packed.lengths.tolist() == [2, 1]
    assert packed.values[:, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("make", [np.array, list, pd.DataFrame], ids=["array", "list", "frame"])
def test_numbers_far_from_zero_keep_their_digits(make):
    """Seconds since 1970, which float32 holds to two minutes."""
    X = 1.7e9 + np.arange(12.0).reshape(4, 3)
    examples = examples_from_arrays(make(X))
    np.testing.assert_array_equal(examples.sequences.values[:, 0], X.ravel())
    assert len(set(examples.inputs())) == 4
    ragged = examples_from_arrays([X[0], X[1, :2]]).sequences
    np.testing.assert_array_equal(ragged.values[:, 0], [*X[0], *X[1, :2]])


def test_float32_stays_float32():
    X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    for given_X in (X, list(X), [X[0], X[1, :2]], X.astype(np.float64)):
        assert examples_from_arrays(given_X).sequences.values.dtype == np.float32


def test_missing_values_stay_nan():
    packed = examples_from_arrays([[np.nan, 1.0, np.nan], [np.nan, np.nan, np.nan]]).sequences
    assert packed.lengths.tolist() == [2, 1]
    np.testing.assert_array_equal(packed.values[:, 0], [np.nan, 1.0, np.nan])


@pytest.mark.parametrize(
    "make", [np.ma.masked_array, lambda *given, **mask: list(np.ma.masked_array(*given, **mask))]
)
def test_what_is_masked_is_missing(make):
    X = make([[1, 2, 999], [4, 999, 6]], mask=[[0, 0, 1], [0, 1, 0]])
    first, second = examples_from_arrays(X).sequences
    np.testing.assert_array_equal(first[:, 0], [1, 2])  # at the end it is padding
    np.testing.assert_array_equal(second[:, 0], [4, np.nan, 6])


def test_a_masked_text_is_none():
    with pytest.raises(DataError, match=r"X holds texts, but X\[1\] is a NoneType"):
        examples_from_arrays(np.ma.masked_array(["a b", "c"], mask=[False, True]))


def test_masked_targets_are_none():
    y = np.ma.masked_array([0, 999], mask=[False, True])
    for task in ("classify", "regress"):
        with pytest.raises(DataError, match=r"y contains NaN.*y\[1\]"):
            examples_from_arrays([[1.0], [2.0]], y, task=task)
    examples, given = tagged_from_arrays([[1.0, 2.0]], [np.ma.masked_array([3, 999], mask=[False, True])])
    assert examples.steps.known.tolist() == [True, False] and given.tolist() == [3]


@pytest.mark.parametrize(
    "y",
    [
        pd.DataFrame([[0, 1], [1, 0]]),
        pl.DataFrame({"a": [0, 1], "b": [1, 0]}),
        (row for row in ([0, 1], [1, 0])),
    ],
)
def test_targets_of_steps_may_be_a_frame_or_given_one_by_one(y):
    assert tagged_from_arrays([[1.0, 2.0], [3.0, 4.0]], y)[1].tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("dtype", ["Float64", "Float32", "Int64"])
def test_the_na_of_pandas_is_missing(dtype):
    X = pd.DataFrame([[1, 2, 3], [4, 5, 6]]).astype(dtype)
    X.iloc[0, 0] = X.iloc[1, 2] = pd.NA
    of_rows = [X.iloc[0], X.iloc[1, :2]]
    for given_X in (X, of_rows, X.to_numpy(dtype=object), X.to_numpy(dtype=object).tolist()):
        packed = examples_from_arrays(given_X).sequences
        assert packed.lengths.tolist() == [3, 2]
        np.testing.assert_array_equal(packed.values[:, 0], [np.nan, 2, 3, 4, 5])


@pytest.mark.parametrize("dtype", ["Float64", "Int64", "string"])
def test_the_na_of_pandas_is_no_class(dtype):
    y = pd.Series([1, None, 2]).astype("Int64").astype(dtype)
    with pytest.raises(DataError, match=r"Input y contains NaN.*y\[1\]"):
        examples_from_arrays(["a", "b", "c"], y)
    steps = tagged_from_arrays([[1.0, 2.0, 3.0]], [y])[0].steps
    assert steps.known.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("y", "task", "wanted"),
    [
        ([0, 1, 1], None, ["0", "1", "1"]),
        ([0, 1, 1], "regress", [0.0, 1.0, 1.0]),
        ([0.0, 1.0, 1.0], None, ["0", "1", "1"]),
        ([0.5, 1.0, 1.0], None, [0.5, 1.0, 1.0]),
        ([0.5, 1.0, 1.0], "classify", ["0.5", "1", "1"]),
        ([True, False, True], None, ["true", "false", "true"]),
        (["b", "a", "b"], "classify", ["b", "a", "b"]),
        (np.array([[1], [2], [1]]), "classify", ["1", "2", "1"]),
        (pd.Series(["b", "a", "b"]), None, ["b", "a", "b"]),
        (pl.Series([3, 4, 3]), None, ["3", "4", "3"]),
    ],
)
def test_targets(y, task, wanted):
    targets = examples_from_arrays(["a", "b", "c"], y, task=task).targets
    assert targets.dtype == (object if isinstance(wanted[0], str) else np.float64)
    assert targets.tolist() == wanted


def test_several_labels_are_a_matrix():
    targets = examples_from_arrays(["a", "b"], [[1, 0, 1], [0, 0, 0]]).targets
    assert targets.dtype == bool
    assert targets.tolist() == [[True, False, True], [False, False, False]]
    with pytest.raises(DataError, match="0 and 1 only"):
        examples_from_arrays(["a", "b"], [[1, 2], [0, 0]])


@pytest.mark.parametrize(
    ("X", "what"),
    [
        ([], r"Found array with 0 sample\(s\) \(shape=\(0,\)\) while a minimum of 1 is required"),
        (
            np.zeros((0, 3)),
            r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1 is required",
        ),
        (np.zeros((3, 0)), r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1 is required"),
        (np.zeros((3, 2, 0)), r"0 feature\(s\) \(shape=\(3, 2, 0\)\) while a minimum of 1 is required"),
        (np.zeros(3), "Expected 2D array, got 1D array instead.*Reshape your data"),
        ([1.0, 2.0], "Expected 2D array, got 1D array instead.*Reshape your data"),
        (np.zeros((2, 2, 2, 2)), "Found array with dim 4"),
        (np.array([[1 + 2j]]), "Complex data not supported"),
        (sparse.csr_matrix(np.eye(3)), "Sparse data was passed"),
        (np.array([[1.0, np.inf]]), r"Input X contains infinity or a value too large for dtype\('float32'\)"),
        ([[1.0], [1.0, 1e39]], r"Input X contains infinity or a value too large for dtype\('float32'\)"),
        (["a", 3], r"X\[1\] is a int"),
        ([[1, 2], ["a", "b"]], "could not convert string to float"),
        ([np.zeros((2, 3)), np.zeros((4, 2))], r"different numbers of features: \[2, 3\]"),
        ([np.zeros((2, 3)), np.zeros(3)], "one or two axes, all the same"),
        ([np.zeros(2), np.zeros(0)], r"X\[1\] has 0 step\(s\)"),
        ("a text", "a str holds no sequences"),
        (None, "a NoneType holds no sequences"),
        (3.5, "a float holds no sequences"),
        (np.array(3.5), "holds no sequences|scalar"),
    ],
)
def test_unfit_inputs_are_named(X, what):
    with pytest.raises(ValueError, match=what):
        examples_from_arrays(X)


@pytest.mark.parametrize(
    ("y", "task", "what"),
    [
        (None, "classify", "requires y to be passed, but the target y is None"),
        ([1, 2, 3], None, r"Found input variables with inconsistent numbers of samples: \[2, 3\]"),
        (3, None, r"inconsistent numbers of samples: \[2, 1\]"),
        ([np.nan, 1.0], "regress", "Input y contains NaN"),
        ([np.inf, 1.0], "regress", "Input y contains infinity"),
        ([np.nan, 1.0], "classify", "Input y contains NaN"),
        (["a", None], "classify", "Input y contains NaN"),
        (["a", "b"], "regress", "could not convert string to float"),
        ([1j, 2], None, "Complex data not supported"),
        ([[1.5, 2.0], [3.0, 4.0]], "regress", "y should be a 1d array"),
    ],
)
def test_unfit_targets_are_named(y, task, what):
    with pytest.raises(ValueError, match=what):
        examples_from_arrays(["a", "b"], y, task=task)


def test_values_that_are_no_numbers_are_a_type_error():
    with pytest.raises(TypeError, match=r"argument must be .* string.* number") as caught:
        examples_from_arrays(np.array([[{"a": 1}, 2.0]], dtype=object))
    assert isinstance(caught.value, DataError)
    assert "X: expected numbers" in str(caught.value) and "Give a list of texts" in str(caught.value)


def test_targets_too_large_to_be_squared_are_refused():
    with pytest.raises(
        DataError, match=r"y\[1\]: expected numbers of at most 1e\+150 in size, found -1e\+200"
    ):
        examples_from_arrays(np.zeros((3, 4)), [0.5, -1e200, 1.0], task="regress")


@pytest.mark.parametrize(
    "y", [["2024-01-01", "2024-01-02"], np.array([1, 2], "m8[s]"), list(pd.to_datetime([0, 1]))]
)
def test_times_are_no_numbers_to_learn(y):
    y = np.array(y, dtype="M8[D]") if isinstance(y[0], str) else y
    with pytest.raises(DataError, match=r"y: expected numbers, found|not 'Timestamp'"):
        examples_from_arrays([[1.0], [2.0]], y, task="regress")


def test_what_cannot_be_counted_holds_no_sequences():
    for X in ((row for row in [[1.0]]), pl.LazyFrame({"a": [1.0]})):
        with pytest.raises(DataError, match="holds no sequences that can be counted"):
            examples_from_arrays(X)
