"""Values against scikit-learn, intervals against simulated truth."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn import metrics as reference

from recurra.errors import DataError, InputError
from recurra.tasks import metrics
from tests.work import calls_of

NAMES = ["a", "b", "c"]


def random_answers(n=200, k=3, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(k), size=n)
    truth = np.array([rng.choice(k, p=row) for row in p])
    return np.array(NAMES, dtype=object)[truth], truth, p


def by_name(scores):
    return {score.name: score for score in scores}


@pytest.mark.parametrize("k", [2, 3])
def test_classification_scores_are_scikit_learn_s(k):
    y, truth, p = random_answers(k=k)
    scores = metrics.classification_scores(y, p, NAMES[:k])
    found, said = {score.name: score.value for score in scores}, p.argmax(1)
    assert scores[0].name == "accuracy"
    assert found["accuracy"] == reference.accuracy_score(truth, said)
    assert found["balanced accuracy"] == pytest.approx(reference.balanced_accuracy_score(truth, said))
    assert found["macro F1"] == pytest.approx(reference.f1_score(truth, said, average="macro"))
    assert found["log loss"] == pytest.approx(reference.log_loss(truth, p))
    assert found["Brier score"] == pytest.approx(reference.brier_score_loss(truth, p[:, 1] if k == 2 else p))
    assert ("ROC AUC" in found) == (k == 2)
    if k == 2:
        assert found["ROC AUC"] == pytest.approx(reference.roc_auc_score(truth, p[:, 1]))
    for score in scores:
        assert score.value in score.interval
        assert score.interval.low < score.interval.high
        assert score.n == 200


def test_threshold_moves_the_decision_and_not_the_probabilities():
    y, truth, p = random_answers(k=2)
    plain, moved = (by_name(metrics.classification_scores(y, p, NAMES[:2], t)) for t in (None, 0.2))
    assert moved["accuracy"].value == np.mean((p[:, 1] >= 0.2) == truth)
    assert moved["accuracy"].value != plain["accuracy"].value
    assert moved["log loss"] == plain["log loss"]


def test_threshold_needs_two_classes():
    y, _, p = random_answers()
    with pytest.raises(InputError, match="two classes, found 3"):
        metrics.classification_scores(y, p, NAMES, 0.5)


def test_shares_that_are_met_exactly_are_not_off_by_rounding():
    y, p = ["a"] * 5 + ["b"] * 19, np.tile([5 / 24, 19 / 24], (24, 1))
    score = by_name(metrics.classification_scores(y, p, ["a", "b"]))["calibration error"]
    assert score.value == 0.0


def test_calibration_error_by_hand():
    # Two bins: 4 examples said with 0.9 of which 2 are right, 4 with 0.6 of which 3 are.
    p = np.array([[0.9, 0.1]] * 4 + [[0.6, 0.4]] * 4)
    y = ["a", "a", "b", "b", "a", "a", "a", "b"]
    score = by_name(metrics.classification_scores(y, p, ["a", "b"]))["calibration error"]
    assert score.value == pytest.approx(0.5 * 0.4 + 0.5 * 0.15)


@pytest.mark.parametrize(("n", "too_sure"), [(300, 0.0), (300, 0.1), (3000, 0.03), (3000, 0.1)])
def test_calibration_error_interval_coverage(n, too_sure):
    rng, covered = np.random.default_rng(0), 0
    for _ in range(300):
        confidence = rng.uniform(0.55, 0.95, n)
        right = rng.random(n) < confidence - too_sure
        score = metrics.classes._calibration_score(confidence, right)
        covered += too_sure in score.interval
    assert 0.9 < covered / 300 <= 1


def test_a_class_that_is_never_there_or_never_said():
    y, p = np.array(["a", "a", "b"], dtype=object), np.array([[0.8, 0.1, 0.1]] * 3)
    scores = by_name(metrics.classification_scores(y, p, NAMES))
    assert scores["balanced accuracy"].value == 0.5
    assert scores["macro F1"].value == pytest.approx(0.4)
    confusion = metrics.confusion_matrix(np.array([0, 0, 1]), np.array([0, 0, 0]), 3)
    row = metrics.per_class_table(np.diagonal(confusion), confusion.sum(1), confusion.sum(0), NAMES)[2]
    assert math.isnan(row.precision) and math.isnan(row.f1) and row.support == 0
    assert json.loads(json.dumps(row.to_json(), allow_nan=False))["precision"] is None


def test_a_certain_mistake_costs_a_finite_loss():
    score = by_name(metrics.classification_scores(["b"], np.array([[1.0, 0.0]]), ["a", "b"]))["log loss"]
    assert 30 < score.value < 40


def test_confusion_and_table_are_scikit_learn_s():
    _, truth, p = random_answers(seed=3)
    confusion = metrics.confusion_matrix(truth, p.argmax(1), 3)
    assert (confusion == reference.confusion_matrix(truth, p.argmax(1))).all()
    rows = metrics.per_class_table(np.diagonal(confusion), confusion.sum(1), confusion.sum(0), NAMES)
    expected = reference.precision_recall_fscore_support(truth, p.argmax(1))
    for column, name in zip(expected, ("precision", "recall", "f1", "support"), strict=True):
        assert [getattr(row, name) for row in rows] == pytest.approx(list(column))
    assert all(row.f1 in row.f1_interval and row.recall in row.recall_interval for row in rows)


def test_a_class_unknown_to_the_network_is_named():
    with pytest.raises(DataError, match="found 'z'"):
        metrics.classification_scores(["a", "z"], np.full((2, 3), 1 / 3), NAMES)


@pytest.mark.parametrize(
    ("p", "message"),
    [(np.ones((2, 2)), "shape"), (np.ones((3, 3)), "shape"), (np.full((2, 3), np.nan), "finite")],
)
def test_predictions_that_cannot_be_scored(p, message):
    with pytest.raises(InputError, match=message):
        metrics.classification_scores(["a", "b"], p, NAMES)


def test_no_examples_cannot_be_scored():
    with pytest.raises(InputError, match="at least one example"):
        metrics.classification_scores([], np.ones((0, 3)), NAMES)
    with pytest.raises(InputError, match="no examples"):
        metrics.decision_scores(np.zeros(0, int), np.zeros(0, int), 3)


def test_classification_scores_take_no_more_than_a_few_calls_for_an_example():
    y, _, p = random_answers(25_000, 2)
    assert calls_of(lambda: metrics.classification_scores(y, p, NAMES[:2])) < 3 * 25_000


def label_answers(n=150, k=4, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.random((n, k)).round(1)
    return rng.random((n, k)) < p, p


def test_multilabel_scores_are_scikit_learn_s():
    y, p = label_answers()
    scores = metrics.multilabel_scores(y, p)
    found, said = {score.name: score.value for score in scores}, p >= 0.5
    assert scores[0].name == "micro F1"
    assert found["micro F1"] == pytest.approx(reference.f1_score(y, said, average="micro"))
    assert found["macro F1"] == pytest.approx(reference.f1_score(y, said, average="macro"))
    assert found["every label right"] == pytest.approx(reference.accuracy_score(y, said))
    assert found["average precision"] == pytest.approx(reference.average_precision_score(y, p))
    assert all(score.value in score.interval and score.interval.low < score.interval.high for score in scores)


def test_multilabel_thresholds_stand_for_each_label():
    y, p = label_answers()
    t = np.array([0.1, 0.9, 0.5, 0.3])
    assert metrics.multilabel_scores(y, p, p >= t)[0].value == pytest.approx(
        reference.f1_score(y, p >= t, average="micro")
    )


def test_micro_f1_interval_coverage():
    rng, covered = np.random.default_rng(1), 0
    truth = 2 * 0.5 * 0.8 / (0.5 + 0.5 * 0.8 + 0.5 * 0.2)
    for k in range(100):
        y = rng.random((80, 3)) < 0.5
        said = np.where(rng.random((80, 3)) < 0.8, y, ~y)
        covered += truth in metrics.multilabel_scores(y, said, seed=k, resamples=400)[0].interval
    assert 89 <= covered <= 99


def test_regression_scores_are_scikit_learn_s():
    rng = np.random.default_rng(0)
    y = rng.normal(1e6, 3, 200)
    said = y + rng.normal(size=200)
    scores = metrics.regression_scores(y, said)
    found = {score.name: score.value for score in scores}
    assert scores[0].name == "RMSE"
    assert found["RMSE"] == pytest.approx(reference.root_mean_squared_error(y, said))
    assert found["MAE"] == pytest.approx(reference.mean_absolute_error(y, said))
    assert found["R²"] == pytest.approx(reference.r2_score(y, said))
    assert found["median absolute error"] == pytest.approx(reference.median_absolute_error(y, said))
    assert all(score.value in score.interval for score in scores)
    assert {score.name for score in scores if score.higher_is_better} == {"R²"}


def test_regression_interval_coverage():
    rng, held, repeats = np.random.default_rng(1), np.zeros(4), 300
    truth = [0.5, 0.5 * math.sqrt(2 / math.pi), 0.75, 0.5 * 0.67449]
    for _ in range(repeats):
        y = rng.normal(size=120)
        scores = metrics.regression_scores(y, y + 0.5 * rng.normal(size=120))
        held += [value in score.interval for value, score in zip(truth, scores, strict=True)]
    assert (held / repeats > 0.91).all() and (held / repeats < 0.99).all()


def test_constant_targets_have_no_r2():
    score = by_name(metrics.regression_scores(np.full(5, 0.1), np.arange(5.0)))["R²"]
    assert math.isnan(score.value)
    assert json.loads(json.dumps(score.to_json(), allow_nan=False))["value"] is None
