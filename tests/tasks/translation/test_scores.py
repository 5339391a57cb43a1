"""Scores against the libraries they are of, as functions of sums; and the baselines."""

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF

from recurra.errors import InputError
from recurra.statistics.paired import compare_sums
from recurra.statistics.repeated import RepeatedScores
from recurra.tasks.translation.baselines import first_sentences, nearest_sources, run_pair_baselines
from recurra.tasks.translation.scores import TextMeasures, words_of
from recurra.tasks.translation.settings import PairTaskConfig, default_pair_settings, measure_of

WORDS = "the a dog cat man woman runs sits sleeps in on park house red blue big small and".split()


def texts(count=60, seed=0, noise=0.0):
    draw = np.random.default_rng(seed)
    said = [draw.choice(WORDS, draw.integers(3, 12)).tolist() for _ in range(count)]
    other = np.random.default_rng([seed, 1])
    changed = [[other.choice(WORDS) if other.random() < noise else w for w in words] for words in said]
    return [" ".join(words).capitalize() + "." for words in changed]


@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0])
def test_bleu_and_chrf_are_sacrebleus(noise):
    measures = TextMeasures("bleu", "13a")
    answers, references = [*texts(noise=noise), "", "x"], [*texts(), "Nothing to say.", "y"]
    sums = measures.sums(answers, references)
    bleu, chrf = measures.scores(sums)
    assert bleu.value == pytest.approx(BLEU().corpus_score(answers, [references]).score, abs=1e-9)
    assert chrf.value == pytest.approx(CHRF().corpus_score(answers, [references]).score, abs=1e-9)
    assert bleu.interval.low <= bleu.value <= bleu.interval.high and bleu.n == 62
    assert measures.signatures["BLEU"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert measures.signatures["chrF"].startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")


def test_rouge_is_that_of_its_library():
    measures = TextMeasures("rouge", "english")
    answers, references = [*texts(noise=0.4), ""], [*texts(), "A dog."]
    scores = measures.scores(measures.sums(answers, references))
    scorer = RougeScorer(["rougeL", "rouge1", "rouge2"], use_stemmer=True)
    each = [scorer.score(reference, answer) for answer, reference in zip(answers, references, strict=True)]
    for score, kind in zip(scores, ("rougeL", "rouge1", "rouge2"), strict=True):
        assert score.value == pytest.approx(100 * np.mean([one[kind].fmeasure for one in each]))
    assert "stemmed English words" in measures.signatures["ROUGE-L"]


def test_other_scripts_are_words_too():
    dog = ["Собака бежит быстро."]
    russian = TextMeasures("rouge", words_of("rouge", "auto", dog))
    sums = russian.sums(["Собака бежит."], dog)
    assert 0 < russian.scores(sums)[0].value < 100 and "not stemmed" in russian.signatures["ROUGE-1"]
    for text, words in (("一只狗在公园里跑得很快", "zh"), ("สุนัขวิ่งเร็วมาก", "char"), ("A dog.", "13a")):
        measures = TextMeasures("bleu", words_of("bleu", "auto", [text]))
        assert measures.scores(measures.sums([text], [text]))[1].value == pytest.approx(100.0)
        assert f"tok:{words}" in measures.signatures["BLEU"]
    chinese = TextMeasures("rouge", words_of("rouge", "auto", ["今天天气很好"]))
    scores = chinese.scores(chinese.sums(["今天天气"], ["今天天气很好"]))
    assert scores[0].value == pytest.approx(80.0)
    with pytest.raises(InputError, match="is for ROUGE"):
        TextMeasures("bleu", "english")


def test_sums_serve_comparisons_with_seeds_and_in_pairs():
    measures, references = TextMeasures("bleu", "13a"), texts()
    near, far = (measures.sums(texts(noise=noise), references) for noise in (0.1, 0.5))
    headline = measures.headline
    assert headline.name == "BLEU" and headline.higher_is_better
    paired = compare_sums(headline.statistic, near, far)
    assert paired.difference > 0 and paired.differs
    repeated = RepeatedScores(headline, [np.stack([near, far, near]), far[None]], [True, False])
    expected = np.mean([BLEU().corpus_score(texts(noise=n), [references]).score for n in (0.1, 0.5, 0.1)])
    assert repeated.mean(0) == pytest.approx(expected)


def test_answers_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="each of 2 references, found 1"):
        TextMeasures("bleu", "13a").sums(["a"], ["a", "b"])


def test_first_sentences_and_nearest_neighbours():
    assert first_sentences('He said "no." Then he left. End') == 'He said "no." Then he left.'
    assert first_sentences("今天很好。明天也好！后天呢？再见。") == "今天很好。 明天也好！ 后天呢？"
    assert first_sentences("no marks\nat all") == "no marks at all"
    known = texts(30)
    assert nearest_sources(known, known).tolist() == [known.index(text) for text in known]
    assert nearest_sources(["今天天气很好", "我们去公园"], ["去公园吗"]).tolist() == [1]
    assert nearest_sources(["!", "?"], ["a"]).tolist() == [-1]


@pytest.mark.parametrize("name", ["bleu", "rouge"])
def test_the_baselines(name):
    measures = TextMeasures(name, words_of(name, "auto", texts()))
    sources, targets = texts(40), [text.upper() for text in texts(40)]
    found = run_pair_baselines(sources, targets, sources[:9], targets[:9], measures)
    trivial, nearest = (result for result, _ in found)
    assert nearest.prediction.tolist() == targets[:9]
    assert nearest.scores[0].value == pytest.approx(100.0)
    if name == "bleu":
        assert trivial.prediction.tolist() == sources[:9]
    else:
        assert trivial.name == "first 3 sentences"
    for result, sums in found:
        assert result.scores[0].value == pytest.approx(float(measures.headline.statistic(sums.sum(0))))
    quick = run_pair_baselines(sources, targets, sources[:9], targets[:9], measures, time_limit_s=1e-4)
    assert "of 40, to save time" in quick[1][0].description


def test_what_answers_are_scored_by():
    assert measure_of("auto", ["ein Hund"], ["a dog"])[0] == "bleu"
    assert measure_of("auto", ["a long story of a dog and a man"], ["a dog"])[0] == "rouge"
    assert measure_of("rouge", ["ein Hund"], ["a dog"]) == ("rouge", "answers are scored by ROUGE, as asked")


def test_limits_and_defaults():
    task = PairTaskConfig(longest_share=1.5, longest_more=3)
    assert task.limits(np.array([1, 4, 900]), 250).tolist() == [5, 9, 250]
    assert (task.search("subword").no_repeat, task.search("character").no_repeat) == (4, 12)
    assert PairTaskConfig(no_repeat=0).search("word").no_repeat == 0
    assert default_pair_settings(10**7, 10**9).training.epochs == 4
    assert default_pair_settings(3, 10).training.epochs == 60
