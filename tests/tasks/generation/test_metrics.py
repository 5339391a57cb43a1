from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.data.corpus import CorpusConfig, TokenCodec
from recurra.errors import InputError
from recurra.tasks.baselines import best_baseline, verdict
from recurra.tasks.generation import (
    NgramModel,
    compare_streams,
    headline_of,
    language_scores,
    run_language_baselines,
)


@settings(deadline=None)
@given(st.lists(st.floats(0, 10), min_size=1, max_size=50), st.integers(1, 9))
def test_scores_by_their_definition(nats, width):
    scores = {s.name: s for s in language_scores(np.array(nats), np.full(len(nats), width))}
    assert scores["nats per token"].value == pytest.approx(np.mean(nats))
    assert scores["perplexity"].value == pytest.approx(np.exp(np.mean(nats)))
    assert scores["bits per character"].value == pytest.approx(np.mean(nats) / np.log(2) / width)
    assert all(score.value in score.interval for score in scores.values())


def test_the_headline_comes_first():
    nats, characters = np.ones(100), np.ones(100)
    assert language_scores(nats, characters)[0].name == "perplexity"
    headline = headline_of("subword")
    assert language_scores(nats, characters, headline=headline)[0].name == "bits per character"


def test_intervals_are_wider_where_neighbours_are_alike():
    rng = np.random.default_rng(0)
    apart = rng.exponential(2, 20_000)
    alike = np.repeat(rng.exponential(2, 200), 100)
    width = {}
    for name, nats in (("apart", apart), ("alike", alike)):
        interval = language_scores(nats, np.ones(len(nats)))[2].interval
        width[name] = interval.high - interval.low
    # 200 independent numbers instead of 20,000: the square root of 100 times as wide.
    assert width["alike"] / width["apart"] == pytest.approx(10, rel=0.35)


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(1)
    held = sum(
        2.0 in language_scores(rng.exponential(2, 2000), np.ones(2000), seed=k)[2].interval
        for k in range(200)
    )
    assert 180 <= held <= 199


def test_comparison_is_paired():
    rng = np.random.default_rng(2)
    nats = np.repeat(rng.exponential(2, 400), 10)
    nearly = nats - 0.02 + rng.normal(0, 0.01, len(nats))
    found = compare_streams(nearly, nats, np.ones(len(nats)))
    assert found.differs and found.difference < 0
    first, second = rng.exponential(2, (2, 4000))
    assert not compare_streams(first, second, np.ones(4000), headline="bits per character").differs


def test_bad_input():
    for nats, characters in [([], []), ([1.0], [1, 2]), ([np.nan], [1]), ([1.0], [0])]:
        with pytest.raises(InputError, match="nats"):
            language_scores(np.array(nats), np.array(characters))
    with pytest.raises(InputError, match=r"found \(2,\) and \(3,\)"):
        compare_streams(np.ones(3), np.ones(2), np.ones(3))


def test_baselines_are_scored_and_compared():
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(["the cat sat. ", "a dog ran. ", "it slept. "], size=600))
    codec = TokenCodec.fit(text)
    ids = codec.encode(text)
    names = []
    results = run_language_baselines(ids[:-1000], ids[-1000:], codec, progress=names.append)
    assert [result.name for result in results] == names == ["unigram", "6-gram, Kneser-Ney"]
    assert best_baseline(results) is results[1]
    assert results[1].scores[0].name == "bits per character"
    assert results[1].scores[0].value < 0.4 < 2 < results[0].scores[0].value
    assert results[1].to_json()["name"] == "6-gram, Kneser-Ney"
    nats = results[1].prediction * 0.5
    characters = codec.characters(ids[-1000:])
    scores = language_scores(nats, characters, headline="bits per character")
    paired = compare_streams(nats, results[1].prediction, characters, headline="bits per character")
    said = verdict(scores, results, paired, "LSTM")
    assert said.startswith(
        "The LSTM is better than the best baseline (6-gram, Kneser-Ney): bits per character"
    )


def test_a_time_limit_is_a_number_of_tokens(monkeypatch):
    monkeypatch.setattr("recurra.tasks.generation.baselines.TOKENS_PER_S", 50)
    codec = TokenCodec.fit("abcd" * 200)
    ids = codec.encode("abcd" * 200)
    result = run_language_baselines(ids, ids, codec, time_limit_s=2, order=2)[1]
    assert "the last 100 of 800 training tokens" in result.description
    fewer = NgramModel.fit(ids[-100:], codec.vocabulary_size, order=2)
    np.testing.assert_array_equal(result.prediction, fewer.nats(ids))


def test_spelling_counts_in_bits_per_character_alone():
    nats, characters, spelling = np.ones(4), np.full(4, 2), np.array([0.0, 0, 0, 4])
    plain, spelled = (
        {score.name: score.value for score in language_scores(nats, characters, each)}
        for each in (None, spelling)
    )
    assert spelled["bits per character"] == pytest.approx(2 * plain.pop("bits per character"))
    assert plain.items() <= spelled.items()
    none = language_scores(nats, characters, np.zeros(4))
    assert [s.to_json() for s in none] == [s.to_json() for s in language_scores(nats, characters)]
    paired = compare_streams(nats, 3 * nats, characters, spelling, headline="bits per character")
    assert paired.difference == pytest.approx(-1 / np.log(2))


def test_baselines_are_charged_for_spelling():
    codec = TokenCodec.fit("the cat sat on the mat\n" * 9, CorpusConfig(level="word"))
    ids, text = codec.encode("the cat sat on the mat\n" * 9), "the dragon sat on the mat\n"
    test = codec.encode(text)
    spelling = codec.spelling(text, test)
    plain, spelled = (
        [
            {score.name: score.value for score in result.scores}["bits per character"]
            for result in run_language_baselines(ids, test, codec, order=2, spelling=each)
        ]
        for each in (spelling._replace(nats=None), spelling)
    )
    charge = len(" dragon") * np.log2(codec.alphabet + 1) / len(text)
    np.testing.assert_allclose(spelled, np.array(plain) + charge)
