from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import accuracy_score, classification_report, f1_score, precision_score, recall_score
from sklearn.metrics import confusion_matrix
from sklearn.metrics import f1_score as word_f1

from recurra.tasks.sentences.scores import SentenceMeasures, confusion_of

TAGS = ["O", "B-X", "I-X", "B-Y", "I-Y"]
PAIRS = st.lists(
    st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), max_size=6), min_size=1, max_size=6
)


def split(pairs):
    return [[a for a, _ in each] for each in pairs], [[b for _, b in each] for each in pairs]


def nothing_new(tags):
    return [np.zeros(len(each), dtype=bool) for each in tags]


@given(PAIRS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_spans_are_scored_as_seqeval_scores_them(pairs):
    truth, said = split(pairs)
    if not any(tag != "O" for tags in truth for tag in tags) or not any(
        tag != "O" for tags in said for tag in tags
    ):
        return
    measures = SentenceMeasures.of(truth, said, marks_spans=True)
    sums = measures.sums(truth, said, nothing_new(truth))
    found = {score.name: score.value for score in measures.scores(sums)}
    assert found["entity F1"] == pytest.approx(f1_score(truth, said))
    assert found["precision"] == pytest.approx(precision_score(truth, said))
    assert found["recall"] == pytest.approx(recall_score(truth, said))
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, said))
    theirs = classification_report(truth, said, output_dict=True, zero_division=0)
    for row in measures.tables(sums)["per_class"]:
        if row["name"] in theirs:
            assert row["f1"] == pytest.approx(theirs[row["name"]]["f1-score"])
            assert row["support"] == theirs[row["name"]]["support"]


@given(PAIRS)
def test_tags_of_words_are_scored_as_scikit_learn_scores_them(pairs):
    truth, said = split(pairs)
    flat, guessed = ([tag for tags in part for tag in tags] for part in (truth, said))
    if not flat:
        return
    measures = SentenceMeasures.of(truth, said, marks_spans=False)
    found = {s.name: s.value for s in measures.scores(measures.sums(truth, said, nothing_new(truth)))}
    assert found["accuracy"] == pytest.approx(np.mean([a == b for a, b in zip(flat, guessed, strict=True)]))
    assert found["macro F1"] == pytest.approx(
        word_f1(flat, guessed, average="macro", labels=sorted({*flat, *guessed}))
    )
    assert confusion_of(truth, said, TAGS) == confusion_matrix(flat, guessed, labels=TAGS).tolist()


def test_words_without_a_tag_do_not_count_and_unseen_ones_count_by_themselves():
    measures = SentenceMeasures(["A", "B"], marks_spans=False)
    sums = measures.sums([["A", None, "B"]], [["A", "A", "A"]], [np.array([True, True, False])])
    assert sums[0, :4].tolist() == [2, 1, 1, 1]
    scores = {score.name: score.value for score in measures.scores(sums)}
    assert scores["accuracy"] == 0.5 and scores["accuracy of unseen words"] == 1.0


def test_a_span_of_a_type_that_was_never_learned_is_missed():
    truth, said = [["B-Z", "O", "B-X"]], [["O", "O", "B-X"]]
    measures = SentenceMeasures.of(truth, marks_spans=True)
    scores = {s.name: s.value for s in measures.scores(measures.sums(truth, said, nothing_new(truth)))}
    assert scores["recall"] == 0.5 and scores["precision"] == 1.0


def test_the_published_example_of_conlleval():
    # A wrong end is one span missed and one given that is none; a wrong type likewise.
    truth = [["B-PER", "I-PER", "O", "B-LOC"], ["B-ORG", "O"]]
    said = [["B-PER", "O", "O", "B-LOC"], ["B-LOC", "O"]]
    measures = SentenceMeasures.of(truth, said, marks_spans=True)
    (f1, precision, recall, *_) = measures.scores(measures.sums(truth, said, nothing_new(truth)))
    assert (precision.value, recall.value) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert f1.value == pytest.approx(1 / 3) and f1.value in f1.interval


def test_spans_given_at_words_without_a_tag_do_not_count():
    truth, said = [["B-X", None, "O", None]], [["B-X", "I-X", "O", "B-Y"]]
    measures = SentenceMeasures.of(truth, said, marks_spans=True)
    scores = {s.name: s.value for s in measures.scores(measures.sums(truth, said, nothing_new(truth)))}
    assert scores["entity F1"] == scores["precision"] == 1.0
