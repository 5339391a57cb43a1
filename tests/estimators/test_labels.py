from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from recurra.errors import DataError, RunError
from recurra.estimators.labels import Labels
from tests.estimators.conftest import classifier, rising_and_falling

KINDS = {
    "bool": np.array([False, True]),
    "int64": np.array([7, -3]),
    "int8": np.array([1, 0], dtype=np.int8),
    "float": np.array([2.0, 10.0]),
    "text": np.array(["down", "up"]),
    "text objects": np.array(["down", "up"], dtype=object),
    "texts of numbers": np.array(["10", "9"]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_labels_come_back_in_the_type_of_y(kind):
    X, rises = rising_and_falling()
    y = KINDS[kind][rises.astype(int)]
    model = classifier().fit(X, y)
    predicted = model.predict(X)
    assert predicted.dtype == y.dtype
    assert model.classes_.dtype == y.dtype
    np.testing.assert_array_equal(model.classes_, np.unique(y))
    assert (predicted == y).mean() > 0.9  # they are the right way round, too


@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_probabilities_are_those_of_classes(kind):
    X, rises = rising_and_falling()
    model = classifier().fit(X, KINDS[kind][rises.astype(int)])
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-12)
    np.testing.assert_array_equal(model.classes_[probabilities.argmax(1)], model.predict(X))


def test_objects_of_one_type_become_that_type():
    labels, targets = Labels.read(np.array([3, 1, 3], dtype=object))
    assert labels.dtype == np.int64
    assert labels.restore(targets).tolist() == [3, 1, 3]


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["b", np.str_("a"), "b"], ["a", "b"]),
        ([3, np.int8(1), np.int64(3)], [1, 3]),
        ([True, np.False_, np.True_], [False, True]),
    ],
)
def test_scalars_of_numpy_among_objects_are_of_the_type_that_they_hold(y, classes):
    labels, targets = Labels.read(np.array(y, dtype=object))
    assert labels.values.tolist() == classes
    assert labels.restore(targets).tolist() == y


@pytest.mark.parametrize(
    "y",
    [pd.Series(["b", "a", "b"]), pd.Series(["b", "a", "b"], dtype="category"), pl.Series(["b", "a", "b"])],
)
def test_series_of_texts_are_labels(y):
    labels, targets = Labels.read(y)
    assert labels.names == ("a", "b")
    assert targets.tolist() == ["b", "a", "b"]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed"),
        (["a", "a"], "found one class only"),
        (["a", None], "contains NaN or None"),
        (pd.Series(["a", pd.NA]), "contains NaN or None"),
        ([1.0, np.nan], "contains NaN"),
        ([0.5, 1.25, 2.0], "Unknown label type: continuous"),
        (np.array([1, "a"], dtype=object), "Unknown label type: y mixes int, str"),
        ([[0, 1, 2], [1, 1, 1]], "must hold 0 and 1 only"),
        (np.array(["2024-01-01", "2024-01-02"], dtype="M8[ns]"), r"Unknown label type: .* datetime64\[ns\]"),
        (
            np.array([np.datetime64("2024-01-01", "ns"), np.datetime64("2024", "ns")], dtype=object),
            "datetime64",
        ),
        ([1j, 2j], "Complex data not supported"),
    ],
)
def test_unusable_labels_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        Labels.read(y)


def test_names_are_those_of_a_file():
    assert Labels.read([True, False])[0].names == ("false", "true")
    assert Labels.read([2.0, 1.0])[0].names == ("1", "2")


@pytest.mark.parametrize("dtype", [bool, np.int64, np.uint8])
def test_several_labels_come_back_as_given(dtype):
    X, rises = rising_and_falling(60)
    y = np.stack([rises, ~rises, X[:, 0] > 0], axis=1).astype(dtype)
    model = classifier(epochs=20).fit(X, y)
    predicted = model.predict(X)
    assert predicted.dtype == y.dtype
    assert predicted.shape == y.shape
    assert model.classes_.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(predicted == 1, model.predict_proba(X) >= 0.5)
    assert (predicted == y)[:, :2].mean() > 0.9
    assert model.score(X, y) == (predicted == y).all(1).mean()


def test_several_labels_of_a_frame_keep_their_names():
    X, rises = rising_and_falling(60)
    y = pd.DataFrame({"up": rises.astype(int), "down": (~rises).astype(int)})
    model = classifier(epochs=2).fit(X, y)
    assert model.run_.classes == ["up", "down"]
    assert model.run_.config.data_schema.target == ["up", "down"]


def test_labels_survive_json():
    for y in KINDS.values():
        labels, targets = Labels.read(y)
        again = Labels.from_json(**labels.to_json(), names=sorted(labels.names), several=False)
        assert again.dtype == labels.dtype
        np.testing.assert_array_equal(again.restore(targets), y)


@pytest.mark.parametrize(
    "stored", [([1, 2], "<i8"), (["a", "b"], "V8"), (["a", "b"], "nonsense"), (["a", "b"], "<i8")]
)
def test_altered_labels_are_refused(stored):
    with pytest.raises(RunError, match=r"estimator\.json"):
        Labels.from_json(*stored, names=["a", "c"], several=False)


@pytest.mark.parametrize(
    ("weight", "share"), [(None, 0.25), ("balanced", 0.5), ({True: 30, False: 1.0}, 30 / 33)]
)
def test_weights_of_classes_move_the_probabilities(weight, share):
    X, y = np.zeros((60, 4)), np.arange(60) % 4 == 0  # a quarter, whatever X
    exact = {"task.label_smoothing": 0.0}  # smoothing draws shares towards one half
    model = classifier(class_weight=weight, epochs=40, validation=0, settings=exact).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], share, atol=0.01)


@pytest.mark.parametrize("weight", [{"maybe": 2.0}, "uneven", {True: -1.0}])
def test_unusable_weights_are_refused(weight):
    X, rises = rising_and_falling()
    with pytest.raises(ValueError, match="class_weight"):
        classifier(class_weight=weight).fit(X, rises)


def test_weights_of_classes_are_not_for_several_labels():
    X, rises = rising_and_falling()
    with pytest.raises(DataError.__base__, match="class_weight"):
        classifier(class_weight={0: 2.0}).fit(X, np.stack([rises, ~rises], axis=1))
