from __future__ import annotations

import numpy as np
import pytest

from recurra.data.sentences.collection import Sentences
from recurra.tasks.sentences.baselines import features, run_sentence_baselines, shape
from recurra.tasks.sentences.scores import SentenceMeasures
from tests.runs.sentences.made import sentences
from tests.work import calls_of


def run(seen, test, **more):
    truth = [test.tags_of(n) for n in range(len(test))]
    known = set(seen.forms.tolist())
    unseen = [np.array([word not in known for word in test.words_of(n)]) for n in range(len(test))]
    measures = SentenceMeasures.of(truth, [seen.names], marks_spans=False)
    return run_sentence_baselines(seen, test, truth, unseen, measures, **more)


def test_each_is_better_than_the_one_before_and_its_sums_give_its_scores():
    found = run(sentences(150, tags="words"), sentences(60, seed=1, tags="words"))
    values = [result.scores[0].value for result, _ in found]
    assert values == sorted(values) and values[-1] > 0.95
    for result, sums in found:
        assert sums[:, 1].sum() / sums[:, 0].sum() == pytest.approx(result.scores[0].value)


def test_the_linear_model_says_what_it_reads():
    bare = Sentences.of([["a", "b"], ["c", "a"]], [["X", "Y"], ["Y", "X"]])
    told = Sentences.of([[("a", "1"), ("b", "2")], [("c", "2"), ("a", "1")]], [["X", "Y"], ["Y", "X"]])
    said = [run(each, each)[-1][0].description for each in (bare, told)]
    assert "further columns" not in said[0] and "what the further columns say of it" in said[1]


def test_the_commonest_tags_are_those_that_counting_finds():
    seen = Sentences.of([["a", "a", "b"], ["a", "c", "d"]], [["X", "Y", "Z"], ["Y", "Z", None]])
    test = Sentences.of([["a", "b", "new"]], [["Y", "Z", "Z"]])
    trivial, by_word, *_ = run(seen, test)
    assert trivial[0].prediction.tolist() == ["Y", "Y", "Y"]
    assert by_word[0].prediction.tolist() == ["Y", "Z", "Z"]


def test_a_time_limit_is_a_number_of_words_and_told():
    seen = sentences(400, tags="words")
    found = run(seen, sentences(20, seed=1, tags="words"), time_limit_s=0.02)
    assert (
        "learned from 1,00" in found[-1][0].description
        and f"of {seen.count:,} training words" in found[-1][0].description
    )
    again = run(seen, sentences(20, seed=1, tags="words"), time_limit_s=0.02)
    assert (again[-1][0].prediction == found[-1][0].prediction).all()


def test_neighbours_of_another_sentence_are_none():
    alone = features(Sentences.of([["b"]]))
    beside = features(Sentences.of([["a"], ["b"], ["c"]]))
    assert (alone[0] != beside[1]).nnz == 0
    assert (alone[0] != features(Sentences.of([["a", "b", "c"]]))[1]).nnz > 0


def test_what_a_word_is_is_worked_out_once_for_each_distinct_word():
    few = Sentences.of([["a", "b"]] * 10)
    many = Sentences.of([["a", "b"]] * 1000)
    assert calls_of(lambda: features(many)) < 1.5 * calls_of(lambda: features(few))


@pytest.mark.parametrize(("word", "expected"), [("Abc", "Xx"), ("A-1", "X-0"), ("", ""), ("…", "…")])
def test_shapes(word, expected):
    assert shape(word) == expected
