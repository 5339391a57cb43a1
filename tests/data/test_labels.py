from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.data.labels import TargetEncoder
from recurra.errors import DataError, RunError


def objects(*names) -> np.ndarray:
    array = np.empty(len(names), dtype=object)
    array[:] = names
    return array


NAMES = st.one_of(
    st.lists(st.text(max_size=5), min_size=2, unique=True),
    st.lists(st.integers(-5, 300), min_size=2, unique=True),
    st.lists(st.sampled_from(["ja", "нет", "好", "yes"]), min_size=2, unique=True),
)


@settings(deadline=None)
@given(NAMES, st.randoms())
def test_classes_decode_to_what_was_encoded(names, random):
    targets = objects(*names, *(random.choice(names) for _ in range(20)))
    encoder = TargetEncoder.fit(targets)
    encoded = encoder.encode(targets)
    assert encoded.dtype == np.int64
    assert encoder.kind == ("binary" if len(names) == 2 else "multiclass")
    assert set(encoded.tolist()) == set(range(encoder.size))
    assert encoder.decode(encoded).tolist() == targets.tolist()
    assert [type(name) for name in encoder.decode(encoded)] == [type(name) for name in targets]
    again = TargetEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert again == encoder
    assert [type(name) for name in again.classes] == [type(name) for name in encoder.classes]


def test_classes_stand_in_the_order_of_numbers_or_of_texts():
    assert TargetEncoder.fit(objects("10", "9", "1")).classes == ("1", "9", "10")
    assert TargetEncoder.fit(np.array([3, 1, 2])).classes == (1, 2, 3)
    assert TargetEncoder.fit(np.array([True, False])).classes == (False, True)
    assert TargetEncoder.fit(np.array(["pos", "neg"])).classes == ("neg", "pos")
    assert TargetEncoder.fit(objects("9", "10", "x")).classes == ("9", "10", "x")


def test_unseen_class_is_named_with_its_rows():
    encoder = TargetEncoder.fit(objects("neg", "pos"))
    targets, rows = objects("pos", "maybe", "neg", "maybe"), np.array([4, 5, 6, 17])
    with pytest.raises(DataError, match=r"row 5, 17: expected .*'neg', 'pos'.* found 'maybe'"):
        encoder.encode(targets, rows)
    with pytest.raises(DataError, match=r"target 1, 3 \(counted from 0\)"):
        encoder.encode(targets)


def test_missing_targets_are_refused_with_their_rows():
    rows = np.array([7, 8])
    for targets in (
        objects("a", None),
        objects("a", float("nan")),
        np.array([1.0, np.nan]),
        np.array([1, np.inf]),
    ):
        with pytest.raises(DataError, match=r"row 8: .*found 1 missing"):
            TargetEncoder.fit(targets, rows=rows)
    with pytest.raises(DataError, match="row 8"):
        TargetEncoder.fit(objects("a", "b")).encode(objects("a", None), rows)


def test_given_order_of_classes_is_kept():
    targets = objects("low", "high", "low")
    encoder = TargetEncoder.fit(targets, classes=["low", "middle", "high"])
    assert (encoder.kind, encoder.classes) == ("binary", ("low", "high"))
    assert encoder.encode(targets).tolist() == [0, 1, 0]
    with pytest.raises(DataError, match="expected the classes 'middle', 'high', found 'low'"):
        TargetEncoder.fit(targets, classes=["middle", "high"])


def test_one_class_only_is_refused():
    with pytest.raises(DataError, match="two classes or more, found only 'a'"):
        TargetEncoder.fit(objects("a", "a"))
    with pytest.raises(DataError, match="found none"):
        TargetEncoder.fit(objects())


def test_several_labels():
    targets = np.array([[True, False, True], [False, False, True]])
    encoder = TargetEncoder.fit(targets, classes=["war", "sport", "money"])
    encoded = encoder.encode(targets)
    assert (encoder.kind, encoder.size) == ("multilabel", 3)
    assert encoded.dtype == np.float32
    assert encoded.tolist() == [[1, 0, 1], [0, 0, 1]]
    assert (encoder.decode(encoded) == targets).all()
    assert encoder.decode(np.array([[0.2, 0.51, 0.5]])).tolist() == [[False, True, False]]
    assert TargetEncoder.from_json(json.loads(json.dumps(encoder.to_json()))) == encoder
    assert TargetEncoder.fit(targets).classes == ("0", "1", "2")
    with pytest.raises(DataError, match=r"shape \(N, 3\) bool"):
        encoder.encode(targets[:, :2])
    with pytest.raises(DataError, match="different names"):
        TargetEncoder.fit(targets, classes=["a", "b", "a"])
    with pytest.raises(DataError, match="none set"):
        TargetEncoder.fit(np.zeros((3, 2), dtype=bool))
    with pytest.raises(DataError, match="expected several labels as"):
        TargetEncoder.fit(np.zeros((3, 2)))


@settings(deadline=None)
@given(st.lists(st.floats(-1e30, 1e30), min_size=2))
def test_regression_decodes_to_what_was_encoded(values):
    targets = np.array(values)
    encoder = TargetEncoder.fit(targets)
    encoded = encoder.encode(targets)
    assert encoder.kind == "real"
    assert encoded.dtype == np.float32
    tolerance = 1e-6 * (targets.max() - targets.min()) + 1e-12 * np.abs(targets).max()
    np.testing.assert_allclose(encoder.decode(encoded), targets, rtol=1e-6, atol=tolerance + 1e-300)
    assert TargetEncoder.from_json(json.loads(json.dumps(encoder.to_json()))) == encoder


def test_regression_standardises():
    encoder = TargetEncoder.fit(np.array([1.0, 3.0]))
    assert (encoder.mean, encoder.scale) == (2.0, 1.0)
    assert encoder.encode(np.array([5.0])).tolist() == [3.0]
    constant = TargetEncoder.fit(np.array([0.1] * 10))
    assert constant.scale == 1
    assert constant.encode(np.array([1.1])).tolist() == pytest.approx([1.0])
    huge = TargetEncoder.fit(np.array([-1e300, 1e300]))
    assert huge.encode(np.array([1e300])).tolist() == [1.0]
    with pytest.raises(DataError, match="expected numbers as targets"):
        encoder.encode(objects("a", "b"))


@pytest.mark.parametrize(
    "stored",
    [
        [],
        {},
        {"kind": "ordinal", "classes": ["a", "b"]},
        {"kind": "binary", "classes": ["a", "b"], "extra": 1},
        {"kind": "binary", "classes": ["a", "b"], "mean": 0.0, "scale": 1.0},
        {"kind": "binary", "classes": ["a"]},
        {"kind": "binary", "classes": ["a", "a"]},
        {"kind": "binary", "classes": ["a", ["b"]]},
        {"kind": "binary", "classes": "ab"},
        {"kind": "multiclass", "classes": ["a", "b"]},
        {"kind": "multilabel", "classes": []},
        {"kind": "real", "classes": []},
        {"kind": "real", "classes": ["a"], "mean": 0.0, "scale": 1.0},
        {"kind": "real", "classes": [], "mean": 0.0, "scale": 0.0},
        {"kind": "real", "classes": [], "mean": float("nan"), "scale": 1.0},
        {"kind": "real", "classes": [], "mean": "0", "scale": 1.0},
    ],
)
def test_json_of_another_form_is_refused(stored):
    with pytest.raises(RunError, match="targets: expected"):
        TargetEncoder.from_json(stored)
