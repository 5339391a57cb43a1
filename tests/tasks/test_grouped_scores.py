"""Scores of examples that belong to groups: the values stay, the intervals and verdicts are over groups."""

from __future__ import annotations

import numpy as np
import pytest

from recurra.data.labels import TargetEncoder
from recurra.tasks import metrics
from recurra.tasks.baselines import BaselineResult, compare_with_baseline
from recurra.tasks.tagging.scores import StepMeasures, StepTruth
from recurra.tasks.task import Answer
from recurra.tasks.transcription.scores import transcript_scores, transcript_sums

COUNT, EACH = 8, 25
GROUPS = np.repeat([f"speaker {g}" for g in range(COUNT)], EACH).astype(object)


def classes(draw, n):
    """Half of the groups are answered much better than the others."""
    sure = np.repeat(draw.permutation([0.95, 0.55] * (COUNT // 2)), EACH)[:n]
    truth = draw.integers(0, 3, size=n)
    p = np.where(np.arange(3) == truth[:, None], sure[:, None], (1 - sure[:, None]) / 2)
    return np.array(["a", "b", "c"], dtype=object)[truth], np.array([draw.dirichlet(20 * row) for row in p])


def of_classes(draw, groups):
    truth, p = classes(draw, len(GROUPS))
    return metrics.classification_scores(truth, p, ["a", "b", "c"], groups=groups)


def of_two_classes(draw, groups):
    truth, p = classes(draw, len(GROUPS))
    named = np.where(truth == "a", "a", "b").astype(object)
    return metrics.classification_scores(
        named, np.stack([p[:, 0], 1 - p[:, 0]], axis=1), ["a", "b"], groups=groups
    )


def of_labels(draw, groups):
    truth = draw.random((len(GROUPS), 3)) < 0.4
    p = np.clip(truth + draw.normal(size=truth.shape) * np.repeat([0.2, 0.9] * 4, EACH)[:, None], 0, 1)
    return metrics.multilabel_scores(truth, p, groups=groups)


def of_numbers(draw, groups):
    truth = draw.normal(size=len(GROUPS))
    return metrics.regression_scores(
        truth,
        truth + np.repeat(draw.normal(size=COUNT), EACH) + 0.1 * draw.normal(size=len(GROUPS)),
        groups=groups,
    )


def of_steps(draw, groups):
    measures = StepMeasures(TargetEncoder("multiclass", ("a", "b", "c")))
    names, p = classes(draw, len(GROUPS))
    index = metrics.class_indices(names, ["a", "b", "c"])
    truth = StepTruth(np.arange(len(GROUPS)), index, len(GROUPS), groups)
    said = np.array(["a", "b", "c"], dtype=object)[p.argmax(1)]
    return measures.scores(measures.sums(Answer(said, p), truth), groups)


def of_transcripts(draw, groups):
    right = draw.random(len(GROUPS)) < np.repeat([0.95, 0.4] * 4, EACH)
    return transcript_scores(
        transcript_sums(["one two" if good else "one too" for good in right], ["one two"] * len(right)),
        groups,
    )


ALL = [of_classes, of_two_classes, of_labels, of_numbers, of_steps, of_transcripts]


@pytest.mark.parametrize("scores_of", ALL)
def test_values_stay_and_intervals_are_over_groups(scores_of):
    over_examples, over_groups = (scores_of(np.random.default_rng(0), g) for g in (None, GROUPS))
    assert [(s.name, s.value, s.n) for s in over_groups] == [(s.name, s.value, s.n) for s in over_examples]
    assert {score.interval.method for score in over_groups} == {"groups"}
    assert all(score.value in score.interval for score in over_groups)
    ours, theirs = (scores[0].interval for scores in (over_groups, over_examples))
    assert ours.high - ours.low > 1.5 * (theirs.high - theirs.low)


@pytest.mark.parametrize("scores_of", ALL)
@pytest.mark.parametrize("groups", [np.arange(len(GROUPS)), np.zeros(len(GROUPS), dtype=int)])
def test_groups_of_one_example_and_one_group_change_nothing(scores_of, groups):
    assert scores_of(np.random.default_rng(0), groups) == scores_of(np.random.default_rng(0), None)


def test_a_class_of_one_group_alone_has_no_bounds():
    truth = np.array(["a"] * 20 + ["b"] * 10, dtype=object)
    p = np.tile([0.7, 0.3], (30, 1))
    found = metrics.classification_scores(truth, p, ["a", "b"], groups=np.repeat(np.arange(3), 10))
    (auc,) = (score for score in found if score.name == "ROC AUC")
    assert (auc.interval.low, auc.interval.high) == (0.0, 1.0)


def test_no_error_in_any_group_is_not_certain_to_stay_so():
    texts = ["one two"] * len(GROUPS)
    words, *_ = transcript_scores(transcript_sums(texts, texts), GROUPS)
    assert words.value == words.interval.low == 0 < words.interval.high


def test_rows_of_classes_are_over_groups():
    draw = np.random.default_rng(0)
    names, p = classes(draw, len(GROUPS))
    truth, said = metrics.class_indices(names, ["a", "b", "c"]), p.argmax(1)

    def counts(chosen):
        found = metrics.confusion_matrix(truth[chosen], said[chosen], 3)
        return np.diagonal(found), found.sum(1), found.sum(0)

    rows = metrics.per_class_table(*counts(slice(None)), ["a", "b", "c"])
    assert metrics.rows_over_groups(rows, counts, None) == rows
    for before, after in zip(rows, metrics.rows_over_groups(rows, counts, GROUPS), strict=True):
        assert (before.precision, before.recall, before.f1) == (after.precision, after.recall, after.f1)
        assert after.recall in after.recall_interval
        assert after.f1_interval.method == "groups"


@pytest.mark.parametrize("kind", ["classes", "numbers", "labels"])
def test_nobody_is_better_by_what_is_a_matter_of_groups(kind):
    """Two that are equally good, each better on some groups: told apart in at most one comparison of twenty."""
    draw, false, blind, repeats = np.random.default_rng(0), 0, 0, 60
    for _ in range(repeats):
        lead = np.repeat(draw.normal(size=COUNT), EACH)  # of the first, in each group
        noise = draw.normal(size=(2, len(GROUPS)))
        if kind == "numbers":
            truth = np.zeros(len(GROUPS))
            a, b = noise * np.exp(np.stack([lead, -lead]) / 2)
        else:
            truth = np.full(len(GROUPS), "x", dtype=object)
            good = noise + np.stack([lead, -lead]) / 2 > 0
            a, b = (np.where(each, "x", "y").astype(object) for each in good)
        if kind == "labels":
            truth, a, b = np.ones((len(GROUPS), 2), dtype=bool), *(np.tile(e[:, None], (1, 2)) for e in good)
        baseline = BaselineResult("other", "", [], 0.0, b)
        false += compare_with_baseline(a, baseline, truth, GROUPS).differs
        blind += compare_with_baseline(a, baseline, truth).differs
    assert false <= 0.1 * repeats
    assert blind > 0.2 * repeats
