"""What a loss is held against: chance with the weights of the training, on the part that the loss is of."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import recurra
from recurra.data.labels import TargetEncoder
from recurra.diagnosis import diagnose
from recurra.diagnosis.examples import subject_of
from recurra.runs.events import ignore
from recurra.tasks import counts_of, make_task
from recurra.tasks.settings import TaskConfig
from recurra.tasks.tagging.task import TagTask
from tests.diagnosis.made import QUIET, graver, tones, trained
from tests.runs.forecasts.made import daily
from tests.runs.forecasts.made import trained as forecaster


def few_high(n=1200, share=0.15, wrong=0.02, seed=0):
    """Tones of which few are high, and some have the wrong name."""
    X, y = tones(n, seed=seed)
    draw = np.random.default_rng(seed)
    chosen = np.flatnonzero((y == "low") | (draw.random(n) < share))
    names = np.where(
        draw.random(len(chosen)) < wrong, np.where(y[chosen] == "low", "high", "low"), y[chosen]
    ).astype(object)
    return [X[k] for k in chosen], names


@pytest.fixture(scope="module")
def balanced():
    """(run, data) of a training in which rare classes weigh more."""
    X, y = few_high()
    settings = QUIET | {"training.epochs": 8, "task.class_weight": "balanced"}
    return recurra.SequenceClassifier(cell="gru", settings=settings).fit(X, y).run_, (X, y)


def test_a_healthy_run_with_class_weights_is_not_accused(balanced, tmp_path):
    run, data = balanced
    for each in (run, recurra.load(run.save(tmp_path / "run"))):
        subject = subject_of(each, data, observer=ignore)
        assert subject.chance == pytest.approx(math.log(2), rel=0.02)
        assert subject.chances["validation"] == pytest.approx(math.log(2), rel=0.05)
        assert graver(diagnose(each, data)) == set()


def test_counts_that_do_not_fit_the_classes_are_refused(balanced, tmp_path):
    place = balanced[0].save(tmp_path / "run")
    config = place / "config.json"
    config.write_text(config.read_text().replace('"counts": [', '"counts": [3,'))
    with pytest.raises(recurra.errors.RunError, match="targets do not fit"):
        recurra.load(place)


def lowest(task, targets, outputs):
    """The validation loss of the best constant answer, by descent."""
    answer = torch.zeros(outputs, requires_grad=True)
    descent = torch.optim.LBFGS([answer], max_iter=200)

    def loss():
        descent.zero_grad()
        found = task.loss(answer.expand(len(targets), -1), targets)
        found.backward()
        return found

    descent.step(loss)
    return task.validate([(answer.detach().expand(len(targets), -1), targets)])["loss"]


@pytest.mark.parametrize("weight", ["none", "balanced", {"rare": 5.0}])
def test_chance_of_classes_is_the_least_that_a_constant_answer_has(weight):
    names = np.array(["rare"] * 5 + ["common"] * 40 + ["usual"] * 20, dtype=object)
    targets = TargetEncoder.fit(names)
    encoded = targets.encode(names)
    task = make_task(targets, TaskConfig(class_weight=weight), counts_of(targets, encoded))
    y = torch.from_numpy(encoded)
    assert task.chance([y[:30], y[30:]]) == pytest.approx(lowest(task, y, 3), rel=1e-4)


@pytest.mark.parametrize("form", [make_task, TagTask])
@pytest.mark.parametrize("weight", ["none", "balanced"])
def test_chance_of_labels_is_the_least_that_a_constant_answer_has(weight, form):
    labels = np.random.default_rng(0).random((60, 3)) < [0.1, 0.5, 0.8]
    targets = TargetEncoder.fit(labels)
    encoded = targets.encode(labels)
    task = form(targets, TaskConfig(class_weight=weight), counts_of(targets, encoded))
    y = torch.from_numpy(encoded)
    assert task.chance([y]) == pytest.approx(lowest(task, y, 3), rel=1e-4)


def test_a_healthy_run_shown_data_of_nearly_one_class_is_not_told_that_it_learned_nothing():
    X, y = tones()
    wrong = (
        np.random.default_rng(1).random(len(y)) < 0.15
    )  # so that the network is not too sure of its answers
    y[wrong] = np.where(y[wrong] == "low", "high", "low")
    run = recurra.SequenceClassifier(cell="gru", settings=QUIET | {"training.epochs": 12}).fit(X, y).run_
    found = diagnose(run, few_high(share=0.0, wrong=0.1))
    assert graver(found) == set()
    course = found.measures.training
    assert course.validation_chance == pytest.approx(math.log(2), rel=0.05)
    assert course.data_chance == pytest.approx(-0.1 * math.log(0.1) - 0.9 * math.log(0.9), rel=0.2)


def test_chance_of_a_forecast_is_that_of_its_own_parts_and_has_its_own_words():
    run = forecaster(daily())
    subject = subject_of(run, daily(seed=1), observer=ignore)
    assert subject.chances == run.metrics["training"]["chance"]
    assert set(subject.chances) == {"training", "validation"}
    assert "last value" in subject.reference


def test_every_part_of_a_training_has_its_chance():
    run, _ = trained("rnn", epochs=1)
    assert set(run.metrics["training"]["chance"]) == {"training", "validation"}
