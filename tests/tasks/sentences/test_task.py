from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from recurra.layers.crf import CRF, Chain, log_likelihood
from recurra.networks.sentence_network import TagScores
from recurra.tasks.sentences.settings import default_sentence_settings
from recurra.tasks.sentences.task import NO_TAG, SentenceTask
from tests.tolerances import assert_close

NAMES = ["B-X", "I-X", "O"]
TARGET = torch.tensor([[0, 1, 2], [2, NO_TAG, NO_TAG]])
LENGTHS = torch.tensor([3, 1])


def scores(chain=None):
    torch.manual_seed(0)
    detached = None if chain is None else Chain(*(part.detach() for part in chain))
    return TagScores(torch.randn(2, 3, 3), LENGTHS, detached)


def test_loss_without_a_chain_is_the_cross_entropy_of_words():
    output = scores()
    flat = output.scores.flatten(0, 1)[[0, 1, 2, 3]]
    task = SentenceTask(NAMES, marks_spans=True)
    assert_close(task.loss(output, TARGET), functional.cross_entropy(flat, torch.tensor([0, 1, 2, 2])))


def test_loss_with_a_chain_is_the_likelihood_of_sentences_by_word():
    crf = CRF(3)
    torch.nn.init.normal_(crf.between)
    output = scores(crf.chain)
    task = SentenceTask(NAMES, marks_spans=True)
    expected = -log_likelihood(output.scores, TARGET, LENGTHS, crf.chain).sum() / 4
    assert_close(task.loss(output, TARGET), expected)


@pytest.mark.parametrize("chained", [False, True])
def test_validation_is_over_all_sentences_whatever_the_batches(chained):
    output = scores(CRF(3).chain if chained else None)
    task = SentenceTask(NAMES, marks_spans=True)
    whole = task.validate([(output, TARGET)])
    parts = [
        (TagScores(output.scores[n : n + 1], LENGTHS[n : n + 1], output.chain), TARGET[n : n + 1])
        for n in range(2)
    ]
    found = task.validate(parts)
    assert found.keys() == {"loss", "entity F1"} and found == pytest.approx(whole)
    assert set(SentenceTask(NAMES, marks_spans=False).validate(parts)) == {"loss", "accuracy"}


def test_right_answers_are_counted():
    output = TagScores(torch.nn.functional.one_hot(TARGET.clamp(min=0), 3) * 9.0, LENGTHS, None)
    task = SentenceTask(NAMES, marks_spans=True)
    assert [answer.tolist() for answer in task.answers(output)] == [[0, 1, 2], [2]]
    found = task.validate([(output, TARGET)])
    assert found["entity F1"] == 1.0 and found["loss"] < 0.01


def test_sentences_without_a_tag_cost_nothing():
    nothing = torch.full((2, 3), NO_TAG)
    for chain in (None, CRF(3).chain):
        loss = SentenceTask(NAMES, marks_spans=False).loss(scores(chain), nothing)
        assert math.isclose(float(loss), 0.0, abs_tol=1e-6)


def test_small_data_are_read_more_often_in_smaller_batches():
    small, large = (default_sentence_settings(np.full(count, 20)) for count in (200, 20_000))
    assert small.training.epochs > large.training.epochs
    assert small.batches.max_batch < large.batches.max_batch
