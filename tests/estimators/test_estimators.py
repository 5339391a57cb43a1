from __future__ import annotations

import json
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import recurra
from recurra import SequenceClassifier, SequenceRegressor
from recurra.errors import DataError, InputError, RunError
from recurra.runs.events import Said
from recurra.runs.examples import read_examples
from tests.estimators.conftest import classifier, regressor, rising_and_falling

TEXTS = ["good fine film", "bad dull film"] * 8
OPINIONS = ["pos", "neg"] * 8


def test_order_of_steps_is_learned():
    X, rises = rising_and_falling(80)
    model = classifier(epochs=30).fit(X, rises)
    held_out = rising_and_falling(80, seed=1)
    assert model.score(*held_out) > 0.9
    numbers = regressor(epochs=40).fit(X, X[:, -1])
    assert numbers.score(held_out[0], held_out[0][:, -1]) > 0.8


def test_arrays_and_lists_of_the_same_sequences_give_the_same():
    X, rises = rising_and_falling()
    model = classifier().fit(X, rises)
    expected = model.predict_proba(X)
    for same in (X[:, :, None], list(X), list(X[:, :, None]), X.tolist(), X.astype(object)):
        np.testing.assert_array_equal(model.predict_proba(same), expected)


def test_numbers_far_from_zero_are_learned_from_as_those_near_it():
    X, rises = rising_and_falling()
    X = np.round(1024 * X) / 1024
    model, far = classifier(epochs=2).fit(X, rises), classifier(epochs=2).fit(X + 2.0**30, rises)
    expected = model.predict_proba(X)
    np.testing.assert_allclose(far.predict_proba(X + 2.0**30), expected, atol=1e-5)
    np.testing.assert_allclose(far.predict_proba(X[:1] + 2.0**30), expected[:1], atol=1e-5)
    assert not any("repeat the input" in note for note in far.notes_)
    stream = far.stream()
    for x in X[0] + 2.0**30:
        said = stream.step([x])
    np.testing.assert_allclose(said, expected[0], atol=1e-5)


def test_several_features_per_step_are_read():
    X, rises = rising_and_falling(60)
    noise = np.random.default_rng(1).normal(size=X.shape)
    both = np.stack([noise, X], axis=2)
    model = classifier(epochs=25).fit(both, rises)
    assert model.score(both, rises) > 0.9
    assert not hasattr(model, "n_features_in_")
    with pytest.raises(ValueError, match="expected 2 channels"):
        model.predict(X)


def test_sequences_of_unequal_length_are_read():
    X, rises = rising_and_falling(60, steps=6)
    lengths = np.random.default_rng(0).integers(3, 7, size=60)
    ragged = [row[:length] for row, length in zip(X, lengths, strict=True)]
    model = classifier(epochs=25).fit(ragged, rises)
    assert model.score(ragged, rises) > 0.9
    padded = np.full_like(X, np.nan)
    for row, length in zip(padded, ragged, strict=True):
        row[: len(length)] = length
    np.testing.assert_allclose(model.predict_proba(padded), model.predict_proba(ragged), atol=1e-6)


@pytest.mark.parametrize(
    "form",
    [
        list,
        np.array,
        lambda t: np.array(t, dtype=object),
        pd.Series,
        pl.Series,
        lambda t: pd.DataFrame({"t": t}),
    ],
)
def test_texts_are_read_in_any_container(form):
    model = classifier(epochs=10).fit(form(TEXTS), OPINIONS)
    assert model.predict(form(["a good film", "a dull film"])).tolist() == ["pos", "neg"]
    assert model.predict(["bad"]).tolist() == ["neg"]


@pytest.mark.parametrize("form", [pd.DataFrame, pl.DataFrame])
def test_frames_of_steps_keep_their_columns(form, tmp_path):
    draw = np.random.default_rng(0)
    arrays = [draw.normal(size=(k % 3 + 2, 2)) for k in range(20)]
    frames = [form({"x": each[:, 0], "y": each[:, 1]}) for each in arrays]
    model = classifier(epochs=1).fit(frames, [k % 2 for k in range(20)])
    assert model.run_.config.data_schema.channels == ["x", "y"]
    assert np.array_equal(model.predict_proba(frames), model.predict_proba(arrays))
    model.save(tmp_path / "run")
    swapped = [frame[["y", "x"]] for frame in frames]
    for answer in (model.predict, SequenceClassifier.load(tmp_path / "run").predict, model.run_.predict):
        with pytest.raises(
            DataError, match=r"X\[0\]: expected frames with the columns x, y, in this order, found y"
        ):
            answer(swapped)
    with pytest.raises(DataError, match=r"X\[1\]: expected frames with the columns x, y"):
        classifier().fit([frames[0], swapped[1]], [0, 1])


def test_missing_values_are_read():
    X, rises = rising_and_falling(60)
    X[::7, 1] = np.nan
    model = classifier(epochs=25).fit(X, rises)
    assert model.score(X, rises) > 0.9


def test_table_keeps_its_columns():
    X, rises = rising_and_falling()
    model = classifier(epochs=2).fit(X, rises)
    assert model.n_features_in_ == 4
    with pytest.raises(ValueError, match="X has 3 features, but SequenceClassifier is expecting 4"):
        model.predict(X[:, :3])
    assert model.predict(list(X[:, :3])).shape == (40,)


def test_frame_keeps_its_names():
    X, rises = rising_and_falling()
    frame = pd.DataFrame(X, columns=["mon", "tue", "wed", "thu"])
    model = classifier(epochs=2).fit(frame, rises)
    assert model.feature_names_in_.tolist() == ["mon", "tue", "wed", "thu"]
    assert model.run_.config.data_schema.features == ["mon", "tue", "wed", "thu"]
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["tue", "mon", "wed", "thu"]])
    model.fit(list(X), rises)
    assert not hasattr(model, "feature_names_in_")
    model.fit(pl.DataFrame(frame.to_dict("list")), rises)
    assert model.feature_names_in_.tolist() == ["mon", "tue", "wed", "thu"]


def test_a_fit_that_fails_leaves_the_estimator_as_it_was():
    X, rises = rising_and_falling()
    model = classifier(epochs=1).fit(pd.DataFrame(X, columns=list("abcd")), rises)
    before = dict(vars(model))
    with pytest.raises(ValueError, match="one class only"):
        model.fit(rising_and_falling(steps=7)[0], np.ones(len(X)))
    assert vars(model) == before
    model.fit(list(X), rises)
    assert not hasattr(model, "n_features_in_") and not hasattr(model, "feature_names_in_")


def test_of_few_examples_none_are_held_out():
    X, rises = rising_and_falling(10)
    model = classifier(epochs=3).fit(X, rises)
    assert "10 examples are too few to spare any for validation." in model.notes_
    assert model.run_.config.parts == {"train": 10, "validation": 0, "test": 0}
    assert [epoch["validation"] for epoch in model.history_] == [{}, {}, {}]
    assert model.run_.metrics["training"]["best_epoch"] == 3


def test_of_enough_examples_some_are_held_out():
    X, rises = rising_and_falling(500)
    model = classifier(epochs=1).fit(X, rises)
    assert model.run_.config.parts == {"train": 450, "validation": 50, "test": 0}
    everything = classifier(epochs=1, validation=0).fit(X, rises)
    assert everything.run_.config.parts == {"train": 500, "validation": 0, "test": 0}
    asked = classifier(epochs=1, validation=0.2).fit(X[:60], rises[:60])
    assert asked.run_.config.parts == {"train": 48, "validation": 12, "test": 0}


def test_a_threshold_cannot_be_chosen_on_nothing():
    X, rises = rising_and_falling(20)
    with pytest.raises(ValueError, match=r"threshold.*validation part"):
        classifier(epochs=1, settings={"task.threshold": "f1"}).fit(X, rises)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 1), (3, 2)])
def test_next_to_nothing_can_be_fitted(shape):
    X = np.arange(np.prod(shape), dtype=float).reshape(shape)
    assert np.isfinite(regressor(epochs=2).fit(X, np.arange(shape[0])).predict(X)).all()
    if shape[0] > 1:
        assert classifier(epochs=2).fit(X, np.arange(shape[0])).predict(X).shape == shape[:1]


def test_random_state_decides_everything():
    X, rises = rising_and_falling()
    first, again = classifier().fit(X, rises), classifier().fit(X, rises)
    other = classifier(random_state=1).fit(X, rises)
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    assert not np.array_equal(first.predict_proba(X), other.predict_proba(X))
    assert (first.seed_, other.seed_) == (0, 1)
    drawn = [
        classifier(epochs=1, random_state=np.random.RandomState(5)).fit(X, rises).seed_ for _ in range(2)
    ]
    assert drawn[0] == drawn[1]


def test_global_generators_are_left_alone():
    X, rises = rising_and_falling()
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    classifier(epochs=1).fit(X, rises).predict(X)
    torch.testing.assert_close(torch.get_rng_state(), before[0], rtol=0, atol=0)
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_regression_of_a_sequence_does_not_depend_on_its_neighbours():
    X, _ = rising_and_falling(60)
    model = regressor(hidden_size=32, epochs=5).fit(X, X[:, -1])
    alone = np.concatenate([model.predict(row[None]) for row in X])
    np.testing.assert_allclose(model.predict(X), alone, rtol=1e-7, atol=1e-9)


def test_pipeline_search_and_cross_validation_work():
    X, rises = rising_and_falling(40)
    pipeline = make_pipeline(StandardScaler(), classifier())
    assert cross_val_score(pipeline, X, rises, cv=2).mean() > 0.8
    search = GridSearchCV(classifier(epochs=3), {"hidden_size": np.array([2, 3])}, cv=2).fit(X, rises)
    assert search.best_params_["hidden_size"] in (2, 3)
    assert search.best_estimator_.run_.network.config.hidden_size == search.best_params_["hidden_size"]
    assert cross_val_score(classifier(epochs=3), TEXTS, OPINIONS, cv=2, error_score="raise").shape == (2,)


def test_parameters_reach_the_settings():
    X, rises = rising_and_falling()
    model = classifier(
        cell="lstm",
        num_layers=2,
        bidirectional=True,
        pooling=("mean", "max"),
        dropout=0.25,
        epochs=1,
        learning_rate=0.01,
        batch_size=7,
        budget="100s",
        settings={"network.zoneout": 0.1},
    ).fit(X, rises)
    settings = model.run_.config.settings
    network = settings.network
    assert (network.cell, network.hidden_size, network.num_layers, network.bidirectional) == (
        "lstm",
        6,
        2,
        True,
    )
    assert (network.pooling, network.dropout, network.zoneout) == (("mean", "max"), 0.25, 0.1)
    assert (settings.training.epochs, settings.training.learning_rate) == (1, 0.01)
    assert settings.batches.max_batch == 7
    assert model.run_.config.options.budget_s == 100


def test_clone_has_the_same_parameters_and_no_run():
    model = classifier(class_weight={False: 2.0}).fit(*rising_and_falling(10))
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        copy.predict([[1.0, 2.0, 3.0, 4.0]])
    with pytest.raises(NotFittedError):
        copy.save("nowhere")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"hidden_size": -1}, "network.hidden_size = -1 does not fit"),
        ({"cell": "lstn"}, "network.cell = 'lstn' does not fit"),
        ({"settings": {"network.hiden_size": 3}}, "network.hidden_size"),
        ({"settings": {"network.hidden_size": 3}}, "given by a parameter and in settings"),
        ({"settings": "network.zoneout"}, "settings: expected a dict"),
        ({"validation": 1.0}, "validation: expected a share"),
        ({"budget": 0}, "budget: expected a time"),
        ({"budget": "soon"}, "budget: expected a time"),
        ({"init": "no/such/run"}, "not a run folder"),
    ],
)
def test_unusable_parameters_are_refused_by_fit(params, message):
    with pytest.raises(InputError, match=message):
        classifier(**params).fit(*rising_and_falling())


def test_verbose_prints_and_silence_does_not(capsys):
    classifier(epochs=2).fit(*rising_and_falling(10))
    assert capsys.readouterr().out == ""
    model = classifier(epochs=2, verbose=True).fit(*rising_and_falling(10))
    printed = capsys.readouterr().out
    assert all(note in printed for note in model.notes_)
    assert "epoch 2: training loss" in printed


def test_warnings_are_given_when_silent():
    notes = []
    with pytest.warns(UserWarning, match="the clock"):
        classifier()._tell(Said("the clock cut it short", "warning"), notes)
    assert notes == ["the clock cut it short"]


def test_history_has_an_entry_per_epoch():
    model = classifier(epochs=3, validation=0.2).fit(*rising_and_falling(20))
    assert [record["epoch"] for record in model.history_] == [1, 2, 3]
    assert model.history_[0]["validation"]["loss"] > 0


def test_nothing_is_written_unless_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, rises = rising_and_falling(10)
    classifier(epochs=1).fit(X, rises).predict(X)
    assert list(tmp_path.iterdir()) == []


def test_out_is_a_run_folder(tmp_path):
    X, rises = rising_and_falling(60)
    folder = tmp_path / "run"
    model = classifier(epochs=2, out=folder).fit(X, rises)
    assert "How to make it again" in (folder / "report.html").read_text()
    assert {"config.json", "model.safetensors", "estimator.json"} <= {path.name for path in folder.iterdir()}
    run = recurra.load(folder)
    np.testing.assert_array_equal(run.predict(X) == "true", model.predict(X))
    np.testing.assert_array_equal(SequenceClassifier.load(folder).predict_proba(X), model.predict_proba(X))
    with pytest.raises(InputError, match="this place is taken"):
        model.fit(X, rises)


def test_a_taken_place_is_told_in_words_of_python(tmp_path):
    X, y = rising_and_falling(10)
    model = classifier(epochs=1, out=tmp_path / "run").fit(X, y)
    with pytest.raises(
        InputError, match=r"out=.*run': this place is taken. Give another folder for each fit"
    ):
        model.fit(X, y)


def test_saved_run_reads_files_with_the_same_columns(tmp_path):
    X, rises = rising_and_falling(40)
    frame = pd.DataFrame(X, columns=["mon", "tue", "wed", "thu"])
    model = classifier(epochs=5).fit(frame, pd.Series(rises.astype(int), name="rises"))
    run = recurra.load(model.save(tmp_path / "run"))
    held_out = rising_and_falling(40, seed=1)
    written = pd.DataFrame(held_out[0], columns=frame.columns).assign(rises=held_out[1].astype(int), other=1)
    written.to_csv(tmp_path / "more.csv", index=False)
    examples = read_examples(str(tmp_path / "more.csv"), run.config.data_schema)
    scores = {score.name: score.value for score in run.evaluate(examples)}
    assert scores["accuracy"] == model.score(written[frame.columns], held_out[1])


@pytest.mark.parametrize("kind", [bool, int, str, object])
def test_saved_classifier_is_the_same_when_loaded(tmp_path, kind):
    X, rises = rising_and_falling(20)
    y = rises.astype(int).astype(str).astype(kind) if kind in (str, object) else rises.astype(kind)
    weight = {np.unique(y)[0].item() if kind in (bool, int) else "0": 2.0}
    model = classifier(epochs=3, class_weight=weight).fit(pd.DataFrame(X, columns=list("abcd")), y)
    loaded = SequenceClassifier.load(model.save(tmp_path / "run"))
    frame = pd.DataFrame(X, columns=list("abcd"))
    np.testing.assert_array_equal(loaded.predict(frame), model.predict(frame))
    assert loaded.predict(frame).dtype == model.predict(frame).dtype
    np.testing.assert_array_equal(loaded.predict_proba(frame), model.predict_proba(frame))
    assert loaded.n_features_in_ == 4
    assert loaded.feature_names_in_.tolist() == list("abcd")
    assert loaded.class_weight == weight
    again = clone(loaded).fit(frame, y)
    np.testing.assert_array_equal(again.predict_proba(frame), model.predict_proba(frame))


def test_saved_labels_and_numbers_are_the_same_when_loaded(tmp_path):
    X, rises = rising_and_falling(20)
    several = classifier(epochs=2).fit(X, np.stack([rises, ~rises], axis=1).astype(np.int8))
    loaded = SequenceClassifier.load(several.save(tmp_path / "several"))
    np.testing.assert_array_equal(loaded.predict(X), several.predict(X))
    assert loaded.predict(X).dtype == np.int8
    numbers = regressor(epochs=2, validation=0, random_state=np.random.RandomState(3)).fit(X, X[:, -1])
    reloaded = SequenceRegressor.load(numbers.save(tmp_path / "numbers"))
    np.testing.assert_array_equal(reloaded.predict(X), numbers.predict(X))
    assert reloaded.validation == 0
    assert reloaded.random_state == numbers.seed_
    texts = classifier(epochs=2).fit(TEXTS, OPINIONS)
    read = SequenceClassifier.load(texts.save(tmp_path / "texts"))
    np.testing.assert_array_equal(read.predict_proba(TEXTS), texts.predict_proba(TEXTS))


def test_run_that_no_estimator_made_is_loaded(tmp_path):
    X, rises = rising_and_falling(60)
    model = classifier(epochs=3).fit(X, rises)
    folder = model.run_.save(tmp_path / "run")
    loaded = SequenceClassifier.load(folder)
    assert loaded.classes_.tolist() == ["false", "true"]
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X) == "true", model.predict(X))
    np.testing.assert_array_equal(clone(loaded).fit(X, rises).predict_proba(X), model.predict_proba(X))


class OfMyOwn(SequenceClassifier):
    """With nothing of its own but the name."""


def test_a_class_of_ones_own_is_saved_and_loaded(tmp_path):
    X, y = rising_and_falling()
    model = OfMyOwn("gru", epochs=1, random_state=0).fit(X, y)
    model.save(tmp_path / "run")
    for form in (OfMyOwn, SequenceClassifier):
        loaded = form.load(tmp_path / "run")
        assert type(loaded) is form and np.array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_altered_record_is_refused(tmp_path):
    X, rises = rising_and_falling(10)
    folder = classifier(epochs=1).fit(X, rises).save(tmp_path / "run")
    with pytest.raises(RunError, match="expected a run that can regress"):
        SequenceRegressor.load(folder)
    record = json.loads((folder / "estimator.json").read_text())
    for change in (
        {"params": {"call": "rm"}},
        {"dtype": "O8,O8"},
        {"classes": [1, 2]},
        {"n_features": "many"},
        {"estimator": "SequenceRegressor"},
        {"more": 1},
    ):
        (folder / "estimator.json").write_text(json.dumps(record | change))
        with pytest.raises(RunError, match=r"estimator\.json"):
            SequenceClassifier.load(folder)


def test_init_takes_over_the_weights(tmp_path):
    X, rises = rising_and_falling(40)
    folder = classifier(epochs=20).fit(X, rises).save(tmp_path / "run")
    plain = classifier(epochs=1, learning_rate=1e-6).fit(X, rises)
    warm = classifier(epochs=1, learning_rate=1e-6, init=folder).fit(X, rises)
    assert warm.score(X, rises) > 0.9 > plain.score(X, rises)


@pytest.mark.parametrize("library", [pickle, joblib])
def test_pickled_estimator_is_the_same(library, tmp_path):
    X, _ = rising_and_falling(20)
    for model in (classifier(epochs=2).fit(TEXTS, OPINIONS), regressor(epochs=2).fit(X, X[:, 0])):
        file = tmp_path / "model"
        with file.open("wb") as stream:
            library.dump(model, stream)
        with file.open("rb") as stream:
            again = library.load(stream)
        inputs = TEXTS if isinstance(model, SequenceClassifier) else X
        np.testing.assert_array_equal(again.predict(inputs), model.predict(inputs))


def test_a_fitted_estimator_is_explained_and_diagnosed_as_its_run_is():
    X, y = rising_and_falling(40)
    model = classifier(epochs=2).fit(X, y)
    of_estimator, of_run = (recurra.explain(each, X[0]).to_json() for each in (model, model.run_))
    assert of_estimator == of_run
    found = [recurra.diagnose(each, (X, y)).to_json()["findings"] for each in (model, model.run_)]
    of_estimator, of_run = ([f for f in each if f["name"] != "time of the loop"] for each in found)
    assert of_estimator == of_run
    with pytest.raises(InputError, match=r"found SequenceClassifier\. Call fit first"):
        recurra.explain(classifier(), X[0])
