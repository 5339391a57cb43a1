"""Run folders: what is written is what is read, and nothing else is accepted."""

import json
import re
import shutil

import numpy as np
import pytest

from recurra.errors import DataError, InputError, RunError
from recurra.runs.loading import load
from tests.runs.conftest import examples_of, sentences


@pytest.fixture
def folder(text_run, tmp_path):
    return text_run.save(tmp_path / "run")


def test_a_saved_run_gives_the_same_answers(text_run, folder):
    texts = [row["text"] for row in sentences(30, seed=1)]
    again = load(folder)
    assert np.array_equal(again.predict_proba(texts), text_run.predict_proba(texts))
    assert again.predict(texts).tolist() == text_run.predict(texts).tolist()
    assert again.metrics == text_run.metrics
    assert again.history == text_run.history


def test_a_run_is_portable(folder, tmp_path):
    moved = tmp_path / "elsewhere" / "moved"
    shutil.copytree(folder, moved)
    assert load(moved).predict(["w1 fine"]).shape == (1,)


def test_an_answer_does_not_depend_on_its_neighbours(text_run):
    texts = [row["text"] for row in sentences(20, seed=2)] + [""]
    together = text_run.predict_proba(texts)
    alone = np.concatenate([text_run.predict_proba([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-6)


def test_probabilities_are_probabilities(text_run):
    p = text_run.predict_proba(["w1 fine", "w2 dull w3"])
    assert p.shape == (2, 2)
    assert np.allclose(p.sum(1), 1)


def test_evaluate_scores_against_the_targets(text_run):
    examples, _ = examples_of(sentences(40, seed=3), text="text", target="label")
    scores = text_run.evaluate(examples)
    right = (text_run.predict(examples) == examples.targets).mean()
    assert scores[0].name == "accuracy"
    assert scores[0].value == pytest.approx(right)


def test_a_run_is_shown_in_one_line(text_run, folder):
    assert re.fullmatch(
        rf"<SequenceRun for classes.* of sequences: \w+, [\d,]+ weights, {re.escape(str(folder))}>",
        repr(load(folder)),
    )


def test_saving_over_something_is_refused(text_run, folder):
    with pytest.raises(InputError, match="this place is taken"):
        text_run.save(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "metrics.json", "config.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(RunError, match="missing" if name != "config.json" else r"no config\.json"):
        load(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "metrics.json"])
def test_an_altered_file_is_named(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(RunError, match=f"{name}: the file is not the one"):
        load(folder)


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_another_version_is_told(folder):
    change_config(folder, format=99)
    with pytest.raises(RunError, match="expected a run of format 1, found 99"):
        load(folder)


def test_unknown_keys_are_refused(folder):
    change_config(folder, surprise=1)
    with pytest.raises(RunError, match="surprise"):
        load(folder)


def test_an_unfinished_run_is_told(folder):
    change_config(folder, status="training")
    with pytest.raises(RunError, match="--resume"):
        load(folder)


def test_weights_of_another_size_are_refused_before_they_are_read(folder):
    config = json.loads((folder / "config.json").read_text())
    config["settings"]["network"]["hidden_size"] = 10**6
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunError, match="the weights do not fit"):
        load(folder)


def test_numbers_for_a_run_of_texts_are_an_error(text_run):
    with pytest.raises(DataError, match="this run reads texts"):
        text_run.predict(np.zeros((2, 3)))


@pytest.mark.parametrize(
    "change",
    [
        {"decision": {}},
        {"decision": {"temperature": 0.0, "threshold": None}},
        {"decision": {"temperature": 1.0, "threshold": "x"}},
        {"decision": {"temperature": 1.0, "threshold": [0.5, 0.5, 0.5]}},
        {"versions": "0.9", "format": 7},
        {"targets": {"kind": "multiclass", "classes": ["a", "b", "c"]}},
        {"files": {}},
    ],
)
def test_an_altered_configuration_is_refused(text_run, tmp_path, change):
    folder = text_run.save(tmp_path / "run")
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(RunError, match=r"config\.json"):
        load(folder)


@pytest.mark.parametrize("name", ["hidden_size", "num_layers"])
@pytest.mark.parametrize("size", [10**12, 2**70])
def test_a_network_beyond_all_sizes_is_refused_before_it_is_made(text_run, tmp_path, name, size):
    folder = text_run.save(tmp_path / "run")
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["settings"]["network"][name] = size
    path.write_text(json.dumps(config))
    with pytest.raises(RunError):
        load(folder)
