"""The translator: texts in, texts out, parameters as scikit-learn has them, runs that others read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import recurra
from recurra.errors import DataError, InputError, RunError
from tests.runs.pairs.made import pairs

SMALL = {
    "cell": "gru",
    "hidden_size": 24,
    "level": "word",
    "dropout": 0.0,
    "epochs": 10,
    "learning_rate": 0.02,
    "batch_size": 16,
    "beam": 2,
    "random_state": 0,
}


def small(**changes):
    return recurra.Translator(**SMALL | changes)


@pytest.fixture(scope="module")
def model():
    return small().fit(*pairs(400))


def test_it_learns_and_answers(model):
    sources, targets = pairs(30, seed=9)
    answers = model.predict(sources)
    assert answers.shape == (30,) and np.mean(answers == np.array(targets, dtype=object)) > 0.7
    assert model.score(sources, targets) > 80
    for found, answer in zip(model.translate(sources, beam=4), answers, strict=True):
        assert 1 <= len(found) <= 4 and found[0].score >= found[-1].score
        assert isinstance(answer, str)
    assert model.predict(pd.Series(["", sources[0]])).tolist() == ["", answers[0]]
    assert any("pairs of texts" in note for note in model.notes_)


def test_it_is_saved_read_and_cloned(model, tmp_path):
    sources, _ = pairs(5, seed=4)
    folder = model.save(tmp_path / "run")
    again = recurra.Translator.load(folder)
    assert again.predict(sources).tolist() == model.predict(sources).tolist()
    assert again.get_params()["hidden_size"] == 24
    assert recurra.load(folder).predict(sources) == model.predict(sources).tolist()
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(RunError):
        recurra.Generator.load(folder)


def test_same_seed_same_network():
    sources, targets = pairs(40)
    a, b = (small(epochs=1).fit(sources, targets).predict(sources[:5]).tolist() for _ in range(2))
    assert a == b


def test_a_frame_of_one_column_is_that_column(model):
    sources, targets = pairs(40)
    said = model.predict(sources).tolist()
    for form in (pd.DataFrame({"en": sources}), np.array(sources)[:, None]):
        assert model.predict(form).tolist() == said == model.run_.predict(form)
    again = small(epochs=1).fit(pd.DataFrame({"en": sources}), pl.DataFrame({"de": targets}))
    assert again.predict(sources).tolist() == small(epochs=1).fit(sources, targets).predict(sources).tolist()
    with pytest.raises(DataError, match="X: expected one column of texts, found 2"):
        model.predict(pd.DataFrame({"en": sources, "de": targets}))
    with pytest.raises(DataError, match="X: expected several texts, found a dict"):
        model.predict({"en": sources})
    with pytest.raises(DataError, match="y: expected several texts, found a NoneType"):
        small().fit(sources, None)


def test_what_cannot_be_used_is_said():
    sources, targets = pairs(40)
    with pytest.raises(DataError, match="found 40 sources and 39 targets"):
        small().fit(sources, targets[:-1])
    with pytest.raises(DataError, match="y: expected several texts, found one"):
        small().fit(sources, "das")
    with pytest.raises(DataError, match="X: expected a text, found int"):
        small().fit([1, 2], targets[:2])
    with pytest.raises(InputError, match="attention"):
        small(attention="cosine").fit(sources, targets)
    with pytest.raises(NotFittedError):
        small().predict(sources)
