"""Losses and scores over steps, and what counts."""

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, log_loss, mean_absolute_error, mean_squared_error, r2_score

from recurra.data.labels import TargetEncoder
from recurra.data.packed import Packed
from recurra.tasks.settings import TaskConfig
from recurra.tasks.tagging.baselines import lagged, run_tag_baselines
from recurra.tasks.tagging.scores import StepMeasures, StepTruth
from recurra.tasks.tagging.task import TagTask
from recurra.tasks.task import Answer

NAN = float("nan")
CLASSES = TargetEncoder("multiclass", ("a", "b", "c"))
LABELS = TargetEncoder("multilabel", ("x", "y"))
NUMBER = TargetEncoder("real", mean=1.0, scale=2.0)


def test_the_loss_of_classes_is_over_the_steps_that_have_one():
    task = TagTask(CLASSES, TaskConfig())
    z = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([[0, -100, 2], [1, -100, -100]])
    by_hand = -z.log_softmax(-1)
    expected = (by_hand[0, 0, 0] + by_hand[0, 2, 2] + by_hand[1, 0, 1]) / 3
    assert torch.isclose(task.loss(z, target), expected)
    assert torch.isclose(torch.tensor(task.validate([(z, target)])["loss"]), expected)


def test_the_loss_of_several_labels_is_summed_over_them():
    task = TagTask(LABELS, TaskConfig())
    z = torch.tensor([[[0.3, -0.2], [5.0, 5.0]]])
    target = torch.tensor([[[1.0, 0.0], [NAN, NAN]]])
    expected = -(torch.sigmoid(z[0, 0, 0]).log() + (1 - torch.sigmoid(z[0, 0, 1])).log())
    assert torch.isclose(task.loss(z, target), expected)


def test_a_batch_without_any_target_moves_nothing():
    task = TagTask(NUMBER, TaskConfig())
    z = torch.randn(2, 3, 1, requires_grad=True)
    task.loss(z, torch.full((2, 3), NAN)).backward()
    assert not z.grad.any()


def made(encoder, sequences=40, steps=5, seed=0):
    draw = np.random.default_rng(seed)
    m = sequences * steps
    if encoder.kind == "real":
        truth = draw.normal(size=m)
        answer = Answer(truth + draw.normal(size=m))
    elif encoder.kind == "multilabel":
        truth, p = draw.random((m, 2)) < 0.4, draw.random((m, 2))
        answer = Answer(p >= 0.5, p)
    else:
        truth, p = draw.integers(0, 3, m), draw.dirichlet(np.ones(3), m)
        answer = Answer(np.array(encoder.classes, dtype=object)[p.argmax(1)], p)
    return answer, StepTruth(np.repeat(np.arange(sequences), steps), truth, sequences)


@pytest.mark.parametrize("encoder", [CLASSES, LABELS, NUMBER], ids=lambda each: each.kind)
def test_scores_are_those_of_scikit_learn(encoder):
    answer, truth = made(encoder)
    measures = StepMeasures(encoder)
    scores = {score.name: score for score in measures.scores(measures.sums(answer, truth))}
    y, p = truth.encoded, answer.probabilities
    if encoder.kind == "real":
        expected = {
            "RMSE": mean_squared_error(y, answer.labels) ** 0.5,
            "MAE": mean_absolute_error(y, answer.labels),
            "R²": r2_score(y, answer.labels),
        }
    elif encoder.kind == "multilabel":
        expected = {
            "NLL per step": sum(log_loss(y[:, k], p[:, k]) for k in range(2)),
            "micro F1": f1_score(y, answer.labels, average="micro"),
            "macro F1": f1_score(y, answer.labels, average="macro"),
        }
    else:
        said = p.argmax(1)
        expected = {
            "accuracy": (said == y).mean(),
            "macro F1": f1_score(y, said, average="macro"),
            "log loss": log_loss(y, p),
        }
    assert scores.keys() == expected.keys()
    for name, value in expected.items():
        assert np.isclose(scores[name].value, value), name
        assert value in scores[name].interval and scores[name].n == 40


def test_steps_that_only_repeat_each_other_make_nothing_surer():
    draw = np.random.default_rng(0)
    right = draw.random(60) < 0.8
    measures, widths = StepMeasures(CLASSES), []
    for steps in (1, 50):
        said = np.repeat(np.where(right, "a", "b"), steps).astype(object)
        truth = StepTruth(np.repeat(np.arange(60), steps), np.zeros(60 * steps, dtype=np.int64), 60)
        answer = Answer(said, np.tile([0.5, 0.3, 0.2], (60 * steps, 1)))
        interval = measures.scores(measures.sums(answer, truth))[0].interval
        widths.append(interval.high - interval.low)
    assert np.isclose(*widths)


def test_one_sequence_bounds_no_number():
    answer, truth = made(NUMBER, sequences=1)
    measures = StepMeasures(NUMBER)
    interval = measures.scores(measures.sums(answer, truth))[0].interval
    assert interval.low == -np.inf and interval.high == np.inf


def test_lags_stay_within_their_sequence():
    packed = Packed.from_list([np.array([[1.0], [2.0], [3.0]]), np.array([[4.0]])])
    assert lagged(packed, lags=2).tolist() == [[1, 0, 0], [2, 1, 0], [3, 2, 1], [4, 0, 0]]


def test_a_label_that_training_never_had_does_not_ruin_the_linear_model():
    draw = np.random.default_rng(0)
    inputs = Packed.from_list([draw.normal(size=(20, 1)).astype(np.float32) for _ in range(10)])
    known = np.ones(200, dtype=bool)
    targets = np.column_stack([inputs.values[:, 0] > 0, np.zeros(200)]).astype(np.float32)
    asked = np.column_stack([inputs.values[:, 0] > 0, np.arange(200) == 7])
    truth = StepTruth(np.repeat(np.arange(10), 20), asked, 10)
    found = run_tag_baselines(inputs, targets, known, inputs, known, truth, LABELS)
    trivial, linear = (result.scores[0].value for result, _ in found)
    assert linear < trivial < 0.8
