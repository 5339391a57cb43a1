"""Every kind of run: what is looked at, the first weights, and the answers that do not look at the input."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import recurra
from recurra.data.corpus import read_corpus
from recurra.diagnosis import Diagnosis, diagnose
from recurra.diagnosis.examples import EXAMPLES, STEPS, subject_of
from recurra.diagnosis.measures.capacity import Capacity
from recurra.diagnosis.plots.panels import PANELS
from recurra.diagnosis.plots.picture import diagnosis_figure, draw, panel_figure, panels_of
from recurra.errors import DataError, InputError, RunError
from recurra.runs.events import ignore
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.fit import fit
from recurra.runs.texts.config import TextFitOptions
from recurra.runs.texts.fit import fit as fit_text
from recurra.tasks.generation.task import LanguageTask
from tests.diagnosis.made import trained
from tests.runs.conftest import QUICK, examples_of, sentences
from tests.runs.forecasts.made import daily
from tests.runs.forecasts.made import trained as forecaster

NOVEL = "the cat sat on a mat and the dog lay by the door while a bird sang in the tree\n" * 60


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Kind -> (run, data)."""
    examples, schema = examples_of(sentences(), text="text", target="label")
    words = fit(examples, schema, SequenceFitOptions(settings=QUICK, baselines=False))
    small = {"network.hidden_size": 8, "network.embedding_size": 8, "training.epochs": 1}
    text = fit_text(read_corpus(NOVEL), TextFitOptions(settings=small, baselines=False))
    return {
        "sequence": trained("gru", epochs=2),
        "words": (words, sentences(60, seed=3)),
        "forecast": (forecaster(daily()), daily(seed=1)),
        "text": (text, NOVEL),
    }


@pytest.mark.parametrize("kind", ["sequence", "words", "forecast", "text"])
def test_a_run_of_every_kind_is_diagnosed_and_what_is_said_of_it_is_kept(runs, kind):
    run, data = runs[kind]
    before = {name: tensor.clone() for name, tensor in run.network.state_dict().items()}
    found = diagnose(run, data)
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert Diagnosis.from_json(content, "diagnosis.json") == found
    assert panels_of(found)[:3] == ["carried", "loss", "memory"]
    assert all(torch.equal(tensor, before[name]) for name, tensor in run.network.state_dict().items())


def test_pictures_show_every_panel_with_its_words(runs, tmp_path):
    found = diagnose(*runs["sequence"])
    found = replace(
        found,
        measures=replace(found.measures, capacity=[Capacity("copy", [5, 10], [1.0, 0.5])]),
    )
    assert panels_of(found) == list(PANELS)
    assert len(diagnosis_figure(found).axes) >= len(PANELS)
    assert panel_figure("memory", found).axes[0].get_xlabel()
    assert all(PANELS[name].says(found).endswith(".") for name in panels_of(found))
    assert draw(found, tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["sequence", "words", "forecast", "text"])
def test_examples_are_few_and_the_loss_is_theirs(runs, kind):
    run, data = runs[kind]
    subject = subject_of(run, data, observer=ignore)
    assert 2 <= len(subject.inputs[0]) <= EXAMPLES
    assert subject.inputs[0].shape[1] <= STEPS
    with torch.no_grad():
        output = subject.network.eval()(*subject.inputs)
        assert subject.answer(output).shape[0] == len(subject.inputs[0])
        assert math.isfinite(float(subject.loss(output)))


def test_first_weights_are_those_that_the_seed_drew(runs):
    run, data = runs["sequence"]
    again, _ = trained("gru", epochs=1, **{"training.learning_rate": 1e-12})
    subject = subject_of(run, data, observer=ignore)
    for name, weight in subject.initial.encoder.named_parameters():
        assert torch.allclose(weight, dict(again.network.encoder.named_parameters())[name], atol=1e-9)
        assert not torch.equal(weight, dict(run.network.encoder.named_parameters())[name])


def test_a_constant_answer_has_the_entropy_of_the_classes(runs):
    run, (X, y) = runs["sequence"]
    shares = np.unique(y, return_counts=True)[1] / len(y)
    found = subject_of(run, (X, y), observer=ignore).chance
    assert found == pytest.approx(-(shares * np.log(shares)).sum(), rel=1e-5)


def test_a_constant_answer_to_numbers_has_their_variance():
    X = [np.random.default_rng(n).normal(size=(6, 1)) for n in range(80)]
    y = np.array([float(x.mean()) for x in X])
    run = recurra.SequenceRegressor(settings={"training.epochs": 1}).fit(X, y).run_
    assert subject_of(run, (X, y), observer=ignore).chance == pytest.approx(1.0, rel=0.05)


def test_the_loss_of_a_text_is_that_of_its_last_token(runs):
    run, data = runs["text"]
    subject = subject_of(run, data, observer=ignore)
    ids = run.codec.encode(data)
    x = torch.from_numpy(ids[: subject.inputs[0].shape[1] + 1].astype(np.int64))[None]
    with torch.no_grad():
        output = run.network.eval()(x[:, :-1])
        first = LanguageTask().loss(
            output._replace(raw=output.raw[:, -1:], dropped=output.dropped[:, -1:]), x[:, -1:]
        )
        answer = subject.answer(run.network(*subject.inputs))[0]
    assert float(-answer[x[0, -1]].log()) == pytest.approx(float(first), rel=1e-4)


def test_data_that_are_not_there_or_do_not_fit_are_refused(runs, tmp_path):
    with pytest.raises(InputError, match="data in memory"):
        diagnose(runs["sequence"][0])
    with pytest.raises(DataError, match="two examples"):
        diagnose(runs["sequence"][0], ([np.zeros((5, 2))], ["low"]))
    with pytest.raises(DataError, match="a window has"):
        diagnose(runs["forecast"][0], daily(days=10))
    with pytest.raises(DataError, match="some lines of text"):
        diagnose(runs["text"][0], "a\n")
    with pytest.raises(InputError, match="no recurrent layer of recurra"):
        recurra.diagnosis.Subject(
            network=torch.nn.LSTM(2, 3), inputs=(torch.zeros(1, 2, 2),), loss=torch.mean, answer=lambda o: o
        )


def test_an_altered_diagnosis_is_refused(runs):
    run, data = runs["text"]
    content = json.loads(json.dumps(diagnose(run, data).to_json()))
    for change in ({"surprise": 1}, {"cell": 3}, {"findings": None}, {"format": 9}):
        with pytest.raises(RunError, match=r"there\.json"):
            Diagnosis.from_json(content | change, "there.json")
    with pytest.raises(RunError, match=r"there\.json"):
        Diagnosis.from_json([], "there.json")
