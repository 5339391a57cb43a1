"""`SequenceTagger`: lists of arrays in, lists of arrays out."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import recurra
from recurra import SequenceTagger
from recurra.errors import DataError, InputError

SMALL = {"hidden_size": 8, "cell": "gru", "epochs": 3, "random_state": 0}


def made(n=30, seed=0):
    draw = np.random.default_rng(seed)
    return [draw.normal(size=(draw.integers(2, 9), 2)) for _ in range(n)]


Y = {
    "texts": lambda x: np.where(x[:, 0] > 0, "yes", "no"),
    "whole numbers": lambda x: np.digitize(x[:, 0], [-0.5, 0.5]) * 10,
    "bools": lambda x: x[:, 0] > 0,
    "labels": lambda x: (x > 0).astype(int),
    "numbers": lambda x: x.cumsum(0)[:, 0],
}


@pytest.mark.parametrize("kind", Y)
def test_answers_are_in_the_type_of_y_and_survive_saving(kind, tmp_path):
    X = made()
    y = [Y[kind](x) for x in X]
    model = SequenceTagger(**SMALL).fit(X, y)
    said = model.predict(X)
    assert [each.shape for each in said] == [each.shape for each in y]
    if kind != "numbers":
        assert set(np.concatenate(said).ravel().tolist()) <= set(np.concatenate(y).ravel().tolist())
        assert all(
            p.shape == (len(x), len(model.classes_)) for p, x in zip(model.predict_proba(X), X, strict=True)
        )
    again = SequenceTagger.load(model.save(tmp_path / "run"))
    for one, other in zip(said, again.predict(X), strict=True):
        assert np.array_equal(one, other)
    assert clone(again).get_params()["hidden_size"] == 8
    assert model.score(X, y) == again.score(X, y)


def test_steps_without_a_target_do_not_count():
    X = made()
    y = [Y["numbers"](x) for x in X]
    holed = [np.where(np.arange(len(each)) == 1, np.nan, each) for each in y]
    model = SequenceTagger(**SMALL).fit(X, holed)
    assert model.score(X, holed) != model.score(X, y)
    assert len(model.predict(X)[0]) == len(X[0])


def test_it_is_diagnosed_on_arrays():
    X = made()
    y = [Y["texts"](x) for x in X]
    found = recurra.diagnose(SequenceTagger(**SMALL).fit(X, y).run_, (X, y))
    assert found.cell == "GRU" and found.steps == 8


def test_padding_gets_no_answer():
    X = np.full((20, 6, 1), np.nan)
    X[:, :4] = np.random.default_rng(0).normal(size=(20, 4, 1))
    model = SequenceTagger(**SMALL).fit(X, X[:, :, 0] > 0)
    assert {len(each) for each in model.predict(X)} == {4}


def test_frames_keep_their_columns():
    frames = [pd.DataFrame(x, columns=["left", "right"]) for x in made()]
    y = [frame["left"] > 0 for frame in frames]
    model = SequenceTagger(**SMALL).fit(frames, y)
    assert model.run_.config.data_schema.channels == ["left", "right"]
    swapped = [frame[["right", "left"]] for frame in frames]
    for call in (
        lambda: model.predict(swapped),
        lambda: model.predict_proba(swapped),
        lambda: model.score(swapped, y),
    ):
        with pytest.raises(DataError, match="the columns left, right, in this order, found right, left"):
            call()


def test_what_does_not_fit_is_said():
    X = made()
    with pytest.raises(DataError, match="targets for 30 sequences, found 1"):
        SequenceTagger(**SMALL).fit(X, [[1]])
    with pytest.raises(DataError, match=r"y\[1\]"):
        SequenceTagger(**SMALL).fit(X, [Y["bools"](X[0])] + [np.zeros(1)] * 29)
    with pytest.raises(InputError, match=r"no setting 'network.pooling'"):
        SequenceTagger(settings={"network.pooling": ["last"]}).fit(X, [Y["bools"](x) for x in X])


def test_data_that_hold_one_class_alone_can_be_scored():
    X = made()
    model = SequenceTagger(**SMALL).fit(X, [Y["texts"](x) for x in X])
    assert 0 <= model.score(X[:2], [np.full(len(x), "yes") for x in X[:2]]) <= 1
    model = SequenceTagger(**SMALL).fit(X, [Y["numbers"](x) for x in X])
    assert model.score(X[:2], [np.array([1.0, *np.zeros(len(x) - 1)]) for x in X[:2]]) < 1


def test_steps_of_a_class_never_seen_count_as_wrong():
    X = made()
    model = SequenceTagger(**SMALL).fit(X, [Y["texts"](x) for x in X])
    said = model.predict(X)
    truth = [np.where(np.arange(len(each)) == 0, "new", each) for each in said]
    assert model.score(X, truth) == pytest.approx(1 - len(X) / sum(map(len, X)))


def test_numbers_after_classes_leave_no_classes():
    X = made()
    model = SequenceTagger(**SMALL).fit(X, [Y["texts"](x) for x in X])
    model.fit(X, [Y["numbers"](x) for x in X])
    assert not hasattr(model, "classes_")
