"""`WordTagger`: lists of words in, lists of tags out."""

import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

import recurra
from recurra import WordTagger
from recurra.errors import DataError, InputError
from recurra.runs.sentences.files import read_sentences
from tests.runs.sentences.made import known, lists

SMALL = {
    "hidden_size": 8,
    "num_layers": 1,
    "epochs": 8,
    "learning_rate": 0.02,
    "random_state": 0,
    "settings": {"network.embedding_size": 8, "network.character_features": 8},
}


@pytest.mark.parametrize("tags", ["spans", "words"])
def test_it_learns_and_survives_saving(tags, tmp_path):
    X, y = lists(120, tags=tags)
    model = WordTagger(**SMALL).fit(X, y)
    assert model.score(X, y) > 0.9
    expected = (
        {"O", "B-PER", "I-PER", "B-LOC", "I-LOC"} if tags == "spans" else {tag for each in y for tag in each}
    )
    assert set(model.classes_) == expected
    said = model.predict(X)
    assert {tag for each in said for tag in each} <= expected
    again = WordTagger.load(model.save(tmp_path / "run"))
    assert again.predict(X) == said and clone(again).get_params() == again.get_params()
    assert recurra.load(tmp_path / "run").predict(X[:5]) == said[:5]


def test_words_may_come_with_what_else_is_known_of_them(tmp_path):
    X, y = known(60)
    model = WordTagger(**SMALL).fit(X, y)
    assert model.score(X, y) > 0.99
    assert WordTagger.load(model.save(tmp_path / "run")).predict(X) == model.predict(X)


def test_a_run_and_its_page_are_written_where_asked(tmp_path):
    X, y = lists(40)
    WordTagger(**(SMALL | {"epochs": 1}), out=tmp_path / "run").fit(X, y)
    assert "tags of every word" in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize("form", [pd.Series, pl.Series, lambda lists: [pl.Series(each) for each in lists]])
def test_sentences_may_be_series(form):
    X, y = lists(40)
    model = WordTagger(**(SMALL | {"epochs": 1})).fit(form(X), form(y))
    assert model.predict(form(X)) == WordTagger(**(SMALL | {"epochs": 1})).fit(X, y).predict(X)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_have_one_column_of_lists(frame):
    X, y = lists(40)
    model = WordTagger(**(SMALL | {"epochs": 1})).fit(frame({"tokens": X}), frame({"tags": y}))
    assert model.predict(frame({"tokens": X})) == model.predict(X)
    assert model.score(frame({"tokens": X}), frame({"tags": y})) == model.score(X, y)
    with pytest.raises(DataError, match="X: expected one column with a list in each row, found 2 columns"):
        model.predict(frame({"word": ["Anna", "sings"], "pos": ["N", "V"]}))


def test_tables_are_read_by_a_run_that_was_trained_on_lists(tmp_path):
    X, y = lists(40)
    run = WordTagger(**(SMALL | {"epochs": 1})).fit(X, y).run_
    rows = [(n, *each) for n, pair in enumerate(zip(X, y, strict=True)) for each in zip(*pair, strict=True)]
    tables = {
        "lists": pl.DataFrame({"tokens": X, "ner_tags": y}),
        "rows": pl.DataFrame(rows, schema=["sentence", "word", "tag"], orient="row"),
    }
    for table in tables.values():
        read = read_sentences(table, run.config.data_schema)
        assert [read.words_of(n) for n in range(len(read))] == X
        assert [read.tags_of(n) for n in range(len(read))] == y


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (["a dog"], [["X"]], r"X\[0\]: expected a list of words, found str 'a dog'"),
        ([["a", 1]], [["X", "Y"]], r"X\[0\]: expected texts as words, found 1"),
        ([["a", ("b", "N")]], [["X", "Y"]], "expected 1 texts of every word"),
        ([["a", None]], [["X", "Y"]], r"X\[0\]: expected texts as words, found None"),
        ([["a", "b"]], [["X"]], r"y\[0\]: expected 2 tags, one for each word, found 1"),
        ([["a", "b"]], [["X", "Y"], ["Z"]], "expected tags for 1 sentences, found 2"),
        ([["a", "b"]] * 20, [[None, None]] * 20, "two tags or more"),
        ([], [], "X: expected sentences to learn from, found none"),
        (None, [["X"]], "X: expected a list of lists, found a NoneType"),
        ([["a"]], 3, "y: expected a list of lists, found a int"),
        ([["a"]], None, "y: learning requires y"),
    ],
)
def test_what_does_not_fit_is_said(X, y, message):
    with pytest.raises(DataError, match=message):
        WordTagger(**SMALL).fit(X, y)


def test_parameters_are_checked():
    with pytest.raises(InputError, match="parameters of WordTagger"):
        WordTagger(output="hmm").fit(*lists(20))
