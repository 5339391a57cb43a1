from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from recurra.data.batches import Batches
from recurra.data.sentences.collection import Sentences
from recurra.data.sentences.vocabulary import Vocabulary, WordConfig
from recurra.errors import InputError
from recurra.networks.sentence_network import SentenceNetwork, SentenceNetworkConfig, SentenceShape
from recurra.networks.words import CharacterConvolutions, CharacterReader, WordInput
from tests.tolerances import assert_close

SENTENCES = Sentences.of([["the", "old", "dog", "barks"], ["dogs", "bark"], ["the", "dog"], []])
VOCABULARY = Vocabulary.fit(SENTENCES, WordConfig(lowercase=True))


def network(chain=True, **choices):
    shape = SentenceShape(
        input_size=VOCABULARY.size, output_size=3, characters=VOCABULARY.characters_size, chain=chain, steps=4
    )
    torch.manual_seed(0)
    sizes = {"hidden_size": 6, "embedding_size": 5, "character_features": 8, "character_size": 4} | choices
    return SentenceNetwork(SentenceNetworkConfig(**sizes), shape).eval()


def inputs_of(sentences):
    encoded = VOCABULARY.encode(sentences)
    (batch,) = Batches(encoded.kinds, finish=encoded.finish).evaluation()
    return batch.inputs, batch.index


@pytest.mark.parametrize("characters", ["cnn", "lstm", "gru", "none"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "tcn", "transformer"])
def test_a_sentence_is_scored_alone_as_in_a_batch(characters, cell):
    ours = network(characters=characters, cell=cell, hidden_size=8)
    inputs, index = inputs_of(SENTENCES)
    whole = ours(*inputs).scores
    for row, n in enumerate(index.tolist()[:3]):
        alone, _ = inputs_of(SENTENCES.take(np.array([n])))
        length = int(alone[1])
        assert_close(ours(*alone).scores[0, :length], whole[row, :length], slack=10)


@pytest.mark.parametrize(
    "make", [lambda: CharacterConvolutions(3, (1, 2, 4), 7), lambda: CharacterReader("gru", 3, 6)]
)
def test_characters_past_the_end_of_a_word_are_never_read(make):
    torch.manual_seed(1)
    reader, lengths = make(), torch.tensor([5, 2])
    clean = torch.randn(2, 5, 3)
    poisoned = clean.clone()
    poisoned[1, 2:] = math.nan
    poisoned.requires_grad_(True)
    found = reader(poisoned, lengths)
    assert_close(
        found, reader(torch.cat([clean[:, :2], clean[:, 2:] * torch.tensor([[[1.0]], [[9.0]]])], 1), lengths)
    )
    assert_close(found[1:], reader(clean[1:, :2], lengths[1:]))
    found.sum().backward()
    assert torch.isfinite(poisoned.grad).all() and (poisoned.grad[1, 2:] == 0).all()


def test_convolutions_are_those_over_each_place_alone():
    torch.manual_seed(2)
    reader, x = CharacterConvolutions(3, (3,), 4), torch.randn(1, 2, 3)
    weight, bias = reader.convolutions[0].weight, reader.convolutions[0].bias
    padded = torch.cat([torch.zeros(2, 3), x[0], torch.zeros(2, 3)])
    places = torch.stack([(weight * padded[t : t + 3].T).sum((1, 2)) + bias for t in range(4)])
    assert_close(reader(x, torch.tensor([2]))[0], places.amax(0).relu())


def test_each_distinct_word_of_a_batch_is_spelled_once():
    (words, _, characters, sizes, which, _), _ = inputs_of(SENTENCES)
    assert len(characters) == len(sizes) == 7  # six words, and what stands for padding
    spelled = VOCABULARY.spelled(["dog"]).values
    rows = (words == VOCABULARY.ids(["dog"]).item()).nonzero().tolist()
    assert len(rows) == 2
    for b, t in rows:
        row = which[b, t]
        assert characters[row, : sizes[row]].tolist() == spelled.tolist()


def test_rare_words_are_hidden_as_often_as_the_formula_says():
    options = {
        "embedding_size": 2,
        "reader": "none",
        "character_size": 1,
        "character_features": 1,
        "widths": (1,),
    }
    words = WordInput(5, 5, rare=0.5, dropout=0.0, **options)
    words.counts.copy_(torch.tensor([0.0, 0.0, 1.0, 50.0, 2.0]))
    words.train()
    torch.manual_seed(0)
    ids = torch.tensor([2, 3, 0]).repeat(4000, 1)
    hidden = (words._some_hidden(ids) == 1).double().mean(0).tolist()
    assert hidden[0] == pytest.approx(1 / 3, abs=0.03)
    assert hidden[1] == pytest.approx(0.5 / 50.5, abs=0.01)
    assert hidden[2] == 0
    assert torch.equal(words.eval()._some_hidden(ids), ids)


def test_a_word_never_seen_differs_by_its_characters():
    ours = network()
    scores = []
    for word in ("walks", "walked"):
        inputs, _ = inputs_of(Sentences.of([[word]]))
        assert inputs[0].tolist() == [[1]]
        scores.append(ours(*inputs).scores)
    assert not torch.equal(*scores)
    alone = network(characters="none")
    assert torch.equal(*(alone(*inputs_of(Sentences.of([[word]]))[0]).scores for word in ("walks", "walked")))


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        ({}, "both ends"),
        ({"bidirectional": False}, "tags sentences as a whole"),
        ({"bidirectional": False, "chain": False}, "spells each word"),
    ],
)
def test_a_tagger_is_no_stream_and_says_why(choices, reason):
    with pytest.raises(InputError, match=reason):
        network(**choices).stages()
