from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recurra.data.batches import Batches
from recurra.data.sentences.collection import Sentences
from recurra.data.sentences.vocabulary import UNKNOWN_ID, Vocabulary, WordConfig
from recurra.errors import DataError, RunError

WORDS = st.lists(st.lists(st.text(max_size=6), max_size=5), min_size=1, max_size=6)


@given(WORDS)
def test_sentences_are_held_as_they_are_given(sentences):
    tags = [[word.upper() if len(word) % 2 else None for word in each] for each in sentences]
    held = Sentences.of(sentences, tags)
    assert [held.words_of(n) for n in range(len(held))] == sentences
    assert [held.tags_of(n) for n in range(len(held))] == tags
    assert held.flat_words() == [word for each in sentences for word in each]
    backwards = held.take(np.arange(len(held))[::-1])
    assert [backwards.words_of(n) for n in range(len(held))] == sentences[::-1]
    assert len(set(held.forms.tolist())) == len(held.forms)


def test_words_are_counted_and_looked_up_as_the_choices_say():
    sentences = Sentences.of([["The", "the", "cat", "of", "1999"], ["of", "2001", "cat", "sat"]])
    folded = Vocabulary.fit(sentences, WordConfig(lowercase=True, least=2))
    assert dict(zip(folded.words, folded.counts, strict=True)) == {"0000": 2, "cat": 2, "of": 2, "the": 2}
    assert folded.ids(["THE", "1234", "sat"]).tolist() == [5, 2, UNKNOWN_ID]
    plain = Vocabulary.fit(sentences, WordConfig(lowercase=False, fold_digits=False, most=2))
    assert plain.words == ("cat", "of")


def test_long_words_are_read_at_both_ends():
    vocabulary = Vocabulary.fit(Sentences.of([list("abcdefgh")]), WordConfig(longest=4))
    spelled = vocabulary.spelled(["abcdefgh", "ab", "", "xé"])
    letters = ["", "?", "<", ">", *vocabulary.characters]
    assert ["".join(letters[k] for k in word) for word in (spelled[n] for n in range(4))] == [
        "<abgh>",
        "<ab>",
        "<>",
        "<??>",
    ]


@given(WORDS, st.integers(0, 3))
def test_a_batch_says_of_every_word_what_the_vocabulary_says(sentences, seed):
    held = Sentences.of(sentences)
    vocabulary = Vocabulary.fit(held, WordConfig())
    encoded = vocabulary.encode(held)
    for batch in Batches(encoded.kinds, max_batch=2, seed=seed, finish=encoded.finish).part(0.9).epoch(1):
        words, lengths, characters, sizes, which, features = batch.inputs
        assert features.shape == (*words.shape, 0)
        assert words.shape == which.shape and len(torch.unique(which)) == len(characters)
        for row, length in enumerate(lengths.tolist()):
            for t in range(length):
                spelled = characters[which[row, t], : sizes[which[row, t]]].tolist()
                known = [
                    n
                    for n in range(len(held.forms))
                    if vocabulary.spelled([held.forms[n]])[0].tolist() == spelled
                ]
                assert words[row, t] in vocabulary.ids(held.forms[known])


@given(WORDS, st.integers(0, 3))
def test_a_batch_says_of_every_word_what_the_further_columns_say(sentences, seed):
    draw = np.random.default_rng(seed)
    told = [[(word, *draw.choice(["X", "Y", "Z"], 2).tolist()) for word in each] for each in sentences]
    told[0] = told[0] or [("a", "X", "Y")]
    held = Sentences.of(told)
    vocabulary = Vocabulary.fit(held.take(np.arange(max(1, len(held) - 1))), WordConfig())
    encoded = vocabulary.encode(held)
    ids = [{name: k for k, name in enumerate(names, 2)} for names in vocabulary.features]
    spelled = {word: vocabulary.spelled([word])[0].tolist() for each in told for word, *_ in each}
    for batch in Batches(encoded.kinds, max_batch=2, seed=seed, finish=encoded.finish).epoch(1):
        words, lengths, characters, sizes, which, features = batch.inputs
        for row, (n, length) in enumerate(zip(batch.index.tolist(), lengths.tolist(), strict=True)):
            for t, (word, *values) in enumerate(told[n]):
                assert words[row, t] == vocabulary.ids([word])[0]
                assert characters[which[row, t], : sizes[which[row, t]]].tolist() == spelled[word]
                assert features[row, t].tolist() == [
                    own.get(value, UNKNOWN_ID) for own, value in zip(ids, values, strict=True)
                ]
            assert not features[row, length:].any()


def test_words_with_other_columns_than_in_training_are_refused():
    vocabulary = Vocabulary.fit(Sentences.of([[("a", "X")]]), WordConfig())
    with pytest.raises(DataError, match="expected words with 1 further columns, as in training, found 0"):
        vocabulary.encode(Sentences.of([["a"]]))
    with pytest.raises(DataError, match="expected 2 texts of every word"):
        Sentences.of([[("a", "X"), "b"]])


def test_a_vocabulary_comes_back_from_its_file(tmp_path):
    vocabulary = Vocabulary.fit(
        Sentences.of([[("a", "X"), ("Zürich", "Y"), ("\u2028", "X")]]), WordConfig(lowercase=True)
    )
    vocabulary.save(tmp_path / "tokenizer.json")
    assert Vocabulary.load(tmp_path / "tokenizer.json") == vocabulary


@pytest.mark.parametrize(
    "change",
    [
        {"form": "subwords"},
        {"counts": [1]},
        {"characters": ["ab"]},
        {"words": ["a", "a"], "counts": [1, 1]},
        {"features": [["X", "X"]]},
        {"more": 1},
    ],
)
def test_a_broken_vocabulary_is_refused(tmp_path, change):
    path = tmp_path / "tokenizer.json"
    Vocabulary.fit(Sentences.of([["a", "b"]]), WordConfig()).save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(RunError, match="not the vocabulary of a tagger"):
        Vocabulary.load(path)
