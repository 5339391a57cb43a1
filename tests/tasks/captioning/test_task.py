"""The loss of a network that writes captions."""

import pytest
import torch
from torch.nn import functional

from recurra.networks.caption_network import CaptionOutput
from recurra.networks.decoder import DecoderOutput
from recurra.tasks.captioning.task import CaptionTask, words_loss
from recurra.tasks.translation.task import PairTask
from tests.tolerances import assert_close

TARGET = torch.tensor([[1, 3, 1, 4], [2, 4, -100, -100]])


def output():
    torch.manual_seed(0)
    written = DecoderOutput(torch.randn(2, 4, 3), torch.randn(5, 3), torch.randn(5), None)
    return CaptionOutput(written, torch.randn(2, 5))


def test_words_are_those_that_stand_anywhere_in_the_caption():
    words = output().words
    present = torch.tensor([[0.0, 1, 0, 1, 1], [0, 0, 1, 0, 1]])
    each = functional.binary_cross_entropy_with_logits(words, present, reduction="none").sum(1)
    assert_close(words_loss(words, TARGET), (each / torch.tensor([4.0, 2.0])).mean())


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_loss_is_that_of_pairs_and_a_share_of_the_words(weight):
    made = output()
    expected = PairTask(0.1).loss(made.written, TARGET) + weight * words_loss(made.words, TARGET)
    assert_close(CaptionTask(0.1, weight).loss(made, TARGET), expected)


def test_weights_are_chosen_by_what_is_written_alone():
    made = output()
    found = CaptionTask(0.1).validate([(made, TARGET), (made, TARGET)])
    assert found == PairTask().validate([(made.written, TARGET)])
