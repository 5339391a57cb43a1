"""How far back an answer depends on its input, of networks for which it is known."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from recurra.diagnosis import Subject
from recurra.diagnosis.measures.memory import memory
from recurra.layers import RNN


class SumOfLast(nn.Module):
    """The sum of the last few inputs; a layer is there, and not used."""

    def __init__(self, count, factor=1.0):
        super().__init__()
        self.recurrent, self.count, self.factor = RNN(1, 1), count, factor

    def forward(self, x):
        return self.factor * x[:, -self.count :].sum(1)


def subject(network, x):
    return Subject(network=network, inputs=(x,), loss=torch.mean, answer=lambda output: output)


def test_it_ends_where_the_network_stops_reading():
    found = memory(subject(SumOfLast(3), torch.randn(64, 20, 1)))
    assert found.lags == list(range(20))
    assert min(found.change[:3]) > 0.3
    assert max(found.change[3:]) == 0
    assert found.reach(0.05) == 3
    # The difference of two inputs is 3**-0.5 times that of two sums of three.
    assert found.change[0] == pytest.approx(3**-0.5, rel=0.25)


def test_the_sequences_may_stand_behind_other_inputs():
    class Beside(SumOfLast):
        def forward(self, image, x):
            return super().forward(x) + image

    inputs = torch.randn(64, 1), torch.randn(64, 20, 1)
    found = memory(
        Subject(network=Beside(3), inputs=inputs, place=1, loss=torch.mean, answer=lambda output: output)
    )
    assert min(found.change[:3]) > 0.1 and found.reach(0.05) == 3


def test_all_that_is_read_has_no_end():
    assert memory(subject(SumOfLast(20), torch.randn(64, 20, 1))).reach(0.05) is None


def test_an_answer_that_is_always_the_same_has_no_spread():
    found = memory(subject(SumOfLast(3, factor=0.0), torch.randn(8, 20, 1)))
    assert (found.spread, found.size, set(found.change)) == (0, 0, {0})


def test_the_order_of_the_examples_changes_nothing():
    x = torch.randn(32, 20, 1, generator=torch.Generator().manual_seed(0))
    order = x[:, -3:].sum((1, 2)).argsort()
    mixed, sorted_ = (memory(subject(SumOfLast(3), each)) for each in (x, x[order]))
    assert sorted_.spread == pytest.approx(mixed.spread)
    assert sorted_.spread == pytest.approx(2 * 3**0.5 / torch.pi**0.5, rel=0.25)  # of two normal numbers


def test_answers_that_are_no_numbers_are_counted():
    x = torch.randn(8, 20, 1)
    x[:2] = torch.inf
    found = memory(subject(SumOfLast(3), x))
    assert (found.not_finite, found.lags) == (2, [])


def test_tokens_are_replaced_by_tokens():
    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.recurrent, self.table = RNN(1, 1), nn.Embedding(5, 2)

        def forward(self, ids):
            return self.table(ids[:, -1])

    found = memory(subject(Counts(), torch.randint(0, 5, (32, 6))))
    assert found.change[0] > 0.5
    assert max(found.change[1:]) == 0
