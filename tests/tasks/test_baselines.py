from __future__ import annotations

import json
import re

import numpy as np
import pytest

from recurra.data.examples import Examples
from recurra.data.packed import Packed
from recurra.data.vocabulary import writes_without_spaces
from recurra.errors import DataError, InputError
from recurra.statistics.intervals import Interval
from recurra.statistics.paired import PairedResult
from recurra.tasks.baselines import (
    BaselineResult,
    best_baseline,
    compare_with_baseline,
    run_baselines,
    verdict,
)
from recurra.tasks.baselines import numbers as sequence_baselines
from recurra.tasks.baselines.text import WORD, linear_on_tfidf
from recurra.tasks.metrics import Score

ENGLISH = (["good", "fine", "lovely"], ["bad", "poor", "awful"], "the film was")
RUSSIAN = (["хороший", "отличный", "милый"], ["плохой", "скучный", "злой"], "это был фильм")


def objects(values) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def texts_of(words, n=80, seed=0):
    good, bad, frame = words
    rng = np.random.default_rng(seed)
    yes = rng.random(n) < 0.5
    lines = [f"{frame} {rng.choice(good if y else bad)} {rng.choice(frame.split())}" for y in yes]
    return Examples(objects(lines), None, objects(np.where(yes, "yes", "no").tolist()), np.arange(n))


def sequences_of(n=60, seed=0, width=2, lengths=(5, 20), targets=None, holes=0.0):
    """Class `up` rises, class `down` falls."""
    rng = np.random.default_rng(seed)
    up = rng.random(n) < 0.5
    parts = []
    for rises in up:
        t = np.linspace(-1, 1, int(rng.integers(*lengths)))[:, None]
        values = (1 if rises else -1) * t + 0.2 * rng.normal(size=(len(t), width))
        values[rng.random(values.shape) < holes] = np.nan
        parts.append(values.astype(np.float32))
    targets = objects(np.where(up, "up", "down").tolist()) if targets is None else targets(up, rng)
    return Examples(None, Packed.from_list(parts), targets, np.arange(n))


@pytest.mark.parametrize("words", [ENGLISH, RUSSIAN], ids=["english", "russian"])
def test_text_baseline_learns_words(words):
    trivial, linear = run_baselines(texts_of(words), texts_of(words, seed=1), ["no", "yes"])
    assert trivial.scores[0].value < 0.7
    assert linear.scores[0].value == 1
    assert linear.probabilities.sum(1) == pytest.approx(1)
    assert (linear.prediction == np.where(linear.probabilities[:, 1] >= 0.5, "yes", "no")).all()
    assert linear.seconds > 0
    assert "words and pairs of words" in linear.description


def test_text_baseline_reads_characters_where_there_are_no_spaces():
    chinese = (["很好看", "真不错"], ["很难看", "真糟糕"], "这部电影")
    train, test = texts_of(chinese), texts_of(chinese, seed=1)
    for part in (train, test):
        part.texts[:] = [text.replace(" ", "") for text in part.texts]
    linear = run_baselines(train, test, ["no", "yes"])[1]
    assert linear.scores[0].value == 1
    assert "characters" in linear.description


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("これは日本語です", True),
        ("ภาษาไทย", True),
        ("한국어 문장", False),
        ("हिन्दी वाक्य", False),
        ("123 !", False),
    ],
)
def test_scripts_without_spaces(text, expected):
    assert writes_without_spaces([text]) is expected


def test_vowel_signs_do_not_break_words():
    assert re.findall(WORD, "हिन्दी वाक्य, мир 2") == ["हिन्दी", "वाक्य", "мир", "2"]


@pytest.mark.parametrize("lines", [["", " "], ["!!", "?"]])
def test_texts_without_words_leave_the_trivial_baseline(lines):
    data = Examples(objects(lines), None, objects(["a", "b"]), np.arange(2))
    assert [result.name for result in run_baselines(data, data, ["a", "b"])] == ["always the commonest class"]


@pytest.mark.parametrize("holes", [0.0, 0.2])
@pytest.mark.parametrize("lengths", [(12, 13), (2, 30)])
def test_sequence_baselines_learn(lengths, holes):
    train, test = (sequences_of(lengths=lengths, seed=s, n=100, holes=holes) for s in (0, 1))
    trivial, near, linear = run_baselines(train, test, ["down", "up"])
    assert trivial.scores[0].value < 0.7
    assert near.scores[0].value > 0.9
    assert linear.scores[0].value > 0.9
    assert near.probabilities is None
    assert [score.name for score in near.scores] == ["accuracy", "balanced accuracy", "macro F1"]


def test_sequences_of_no_step_of_one_step_and_of_holes_only():
    parts = [np.zeros((0, 1)), np.ones((1, 1)), np.full((3, 1), np.nan), np.arange(4.0)[:, None]] * 3
    data = Examples(None, Packed.from_list(parts), objects(list("abca") * 3), np.arange(12))
    results = run_baselines(data, data, ["a", "b", "c"])
    assert len(results) == 3
    assert all(np.isfinite(r.probabilities).all() for r in results if r.probabilities is not None)


def test_identical_sequences_leave_the_class_shares():
    data = Examples(None, Packed.from_list([np.ones((3, 1))] * 4), objects(list("aaab")), np.arange(4))
    linear = run_baselines(data, data, ["a", "b"])[2]
    assert linear.probabilities[:, 0] == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize("part", [texts_of(ENGLISH), sequences_of()])
def test_real_numbers(part):
    rng = np.random.default_rng(0)
    high = np.isin(part.targets, ["yes", "up"])
    part = Examples(part.texts, part.sequences, high * 10.0 + rng.normal(size=len(part)), part.rows)
    results = run_baselines(part, part)
    assert results[0].scores[0].value == pytest.approx(part.targets.std())
    assert results[0].prediction == pytest.approx(part.targets.mean())
    for result in results[1:]:
        assert result.scores[0].name == "RMSE"
        assert result.scores[0].value < 0.5 * results[0].scores[0].value
        assert result.probabilities is None


@pytest.mark.parametrize("part", [texts_of(ENGLISH), sequences_of()])
def test_several_labels_one_of_them_everywhere(part):
    high = np.isin(part.targets, ["yes", "up"])
    labels = np.stack([high, ~high, np.ones(len(part), bool), np.zeros(len(part), bool)], 1)
    part = Examples(part.texts, part.sequences, labels, part.rows)
    results = run_baselines(part, part, ["a", "b", "always", "never"])
    assert results[0].scores[0].name == "micro F1"
    for result in results[1:]:
        assert result.prediction.dtype == bool and result.prediction.shape == labels.shape
        assert result.scores[0].value > 0.95


def test_a_class_missing_from_the_training_part_gets_no_probability():
    train, test = sequences_of(), sequences_of(seed=1)
    trivial, _, linear = run_baselines(train, test, ["across", "down", "up"])
    assert (linear.probabilities[:, 0] == 0).all() and (trivial.probabilities[:, 0] == 0).all()
    assert linear.scores[0].value > 0.9


def test_one_class_only_leaves_the_trivial_baseline():
    data = sequences_of(targets=lambda up, rng: objects(["a"] * len(up)))
    assert [result.scores[0].value for result in run_baselines(data, data, ["a", "b"])] == [1.0]


def test_class_weight_raises_the_recall_of_the_rare_class():
    def rare(up, rng):
        return objects(np.where(up & (rng.random(len(up)) < 0.15), "rare", "common").tolist())

    train, test = sequences_of(300, targets=rare), sequences_of(300, seed=1, targets=rare)
    said = {}
    for weight in ("none", "balanced", {"rare": 8.0}):
        result = run_baselines(train, test, ["common", "rare"], class_weight=weight)[2]
        said[str(weight)] = (result.prediction == "rare").sum()
    assert said["balanced"] > said["none"] and said["{'rare': 8.0}"] > said["none"]


def test_same_call_same_answers():
    train, test = sequences_of(), sequences_of(seed=1)
    one, other = (run_baselines(train, test, ["down", "up"], seed=5) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        assert (a.prediction == b.prediction).all() and a.scores == b.scores


@pytest.mark.parametrize("make", [lambda s: texts_of(ENGLISH, 400, s), lambda s: sequences_of(400, s)])
def test_a_short_time_limit_learns_from_fewer_and_says_so(make):
    train = make(0)
    results = run_baselines(train, make(1), sorted(set(train.targets)), time_limit_s=1e-3)
    assert any("of 400 training examples to save time" in result.description for result in results)
    assert all(len(result.prediction) == 400 for result in results)


def test_progress_is_told_before_each():
    names = []
    results = run_baselines(sequences_of(), sequences_of(seed=1), ["down", "up"], progress=names.append)
    assert names == [result.name for result in results]


def test_results_are_json():
    for result in run_baselines(sequences_of(), sequences_of(seed=1), ["down", "up"]):
        assert json.loads(json.dumps(result.to_json(), allow_nan=False))["name"] == result.name


def test_wrong_calls_are_refused():
    numbers, texts = sequences_of(), texts_of(ENGLISH)
    with pytest.raises(InputError, match="texts and numbers"):
        run_baselines(numbers, texts, ["down", "up"])
    with pytest.raises(InputError, match="found 0 and 60"):
        run_baselines(numbers.take(np.arange(0)), numbers, ["down", "up"])
    with pytest.raises(InputError, match="classes"):
        run_baselines(numbers, numbers)
    with pytest.raises(DataError, match="found 'up'"):
        run_baselines(numbers, numbers, ["down"])
    with pytest.raises(InputError, match="no targets"):
        run_baselines(Examples(None, numbers.sequences, None, numbers.rows), numbers, ["down", "up"])


def test_nearest_neighbour_is_brute_force():
    rng = np.random.default_rng(0)
    train, test = (Packed.from_list(list(rng.normal(5, 2, size=(n, 9, 3)))) for n in (40, 25))
    flat = [p.values.reshape(len(p), 9, 3) / train.values.std(0) for p in (train, test)]
    distance = ((flat[1][:, None] - flat[0][None]) ** 2).sum((2, 3))
    targets = sequence_baselines.Targets("real", np.arange(40.0), ())
    assert (sequence_baselines.nearest_neighbour(train, targets, test) == distance.argmin(1)).all()


def test_texts_are_learned_with_pairs_of_words():
    """Order alone tells the classes apart."""
    train = ["a b c", "c b a"] * 20
    targets = sequence_baselines.Targets("multiclass", np.array([0, 1] * 20), ("x", "y"))
    p = linear_on_tfidf(train, targets, ["a b c", "c b a"], "none")
    assert p is not None and p.values.argmax(1).tolist() == [0, 1]
    assert p.weights == 3 + 4 + 1 and p.answering_s > 0  # words, pairs, and where it begins


def result(value, name="accuracy", higher=True, prediction=None, label="rival", seconds=13.2):
    score = Score(name, value, Interval(value, value, 0.95, ""), higher, 100)
    return BaselineResult(label, "", [score], seconds, np.zeros(0) if prediction is None else prediction)


def paired(difference, low, high, p):
    return PairedResult(difference, Interval(low, high, 0.95, ""), p, "", 100)


def test_best_baseline_follows_the_direction_of_the_score():
    assert best_baseline([result(0.5, label="a"), result(0.9, label="b"), result(0.9, label="c")]).name == "b"
    assert (
        best_baseline([result(5, "RMSE", False, label="a"), result(3, "RMSE", False, label="b")]).name == "b"
    )


def test_compare_with_baseline_for_each_kind_of_target():
    truth = objects(["a", "b", "a", "b"])
    found = compare_with_baseline(truth, result(0, prediction=objects(["a", "a", "a", "a"])), truth)
    assert found.difference == 0.5
    labels = np.array([[True, False], [True, True]])
    found = compare_with_baseline(labels, result(0, prediction=~labels), labels)
    assert found.difference == 1
    numbers = np.array([1.0, 2.0, 3.0])
    found = compare_with_baseline(numbers + 1, result(0, prediction=numbers + 3), numbers)
    assert found.difference == pytest.approx(-2)


def test_verdict_better():
    said = verdict(
        result(0.912).scores, [result(0.5), result(0.907)], paired(0.005, 0.001, 0.009, 0.01), "LSTM"
    )
    assert said == (
        "The LSTM is better than the best baseline (rival): accuracy 91.2 % against 90.7 %, a difference of "
        "+0.5 points (95 % interval +0.1 to +0.9, p = 0.010)."
    )


def test_verdict_tie():
    said = verdict(result(0.912).scores, [result(0.907)], paired(0.005, -0.002, 0.012, 0.18))
    assert said.startswith(
        "A tie: the network and the best baseline (rival) do not differ by more than chance"
    )
    assert "-0.2 to +1.2" in said


@pytest.mark.parametrize(
    ("ours", "difference", "stands"),
    [(np.inf, np.inf, "worse"), (np.nan, np.nan, "worse"), (3.0, -np.inf, "better")],
)
def test_verdict_on_a_score_that_is_not_finite_is_no_tie(ours, difference, stands):
    said = verdict(
        result(ours, "RMSE", False).scores,
        [result(3.1, "RMSE", False)],
        paired(difference, np.nan, np.nan, 1.0),
    )
    assert said.startswith(f"The network is {stands} than the best baseline (rival)")
    assert "of a score that is not finite" in said


def test_verdict_worse_where_lower_is_better():
    said = verdict(
        result(3.456, "RMSE", False).scores,
        [result(3.1, "RMSE", False, seconds=0.01)],
        paired(0.356, 0.2, 0.5, 0.0001),
    )
    assert said == (
        "The network is worse than the best baseline (rival): RMSE 3.456 against 3.1, a difference of "
        "+0.356 (95 % interval +0.2 to +0.5, p < 0.001)."
    )
