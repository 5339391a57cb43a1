"""The field's tests of memory: their targets are what they say, and what can be learned is."""

from __future__ import annotations

import numpy as np
import pytest

from recurra.diagnosis.measures import capacity as room
from recurra.diagnosis.measures.capacity import Capacity, capacity


def drawn(test, length=7):
    draw, outputs = room._TESTS[test]
    return (*draw(np.random.default_rng(0), 50, length), outputs)


def test_adding_marks_two_numbers_and_asks_for_their_sum():
    x, y, _ = drawn("adding")
    assert (x[:, :, 1].sum(1) == 2).all()
    assert y == pytest.approx((x[:, :, 0] * x[:, :, 1]).sum(1))


@pytest.mark.parametrize("test", ["copy", "selective copy"])
def test_the_symbols_asked_for_stand_in_the_sequence_in_order(test):
    x, y, outputs = drawn(test)
    assert (x.sum((1, 2)) == 3).all()
    for sequence, symbols in zip(x, y, strict=True):
        places, found = sequence.nonzero()
        assert found[places.argsort()].tolist() == symbols.tolist()
        if test == "copy":
            assert sorted(places.tolist()) == [0, 1, 2]
    assert outputs == 3 * x.shape[2]


def test_parity_of_fewer_bits_is_that_of_the_bits_left():
    x, y, _ = drawn("parity")
    assert ((x[:, :, 0] > 0).sum(1) % 2 == y[:, 0]).all()
    left, parity = room._shortened(np.random.default_rng(1), x)
    assert (left == 0).any()
    assert ((left[:, :, 0] > 0).sum(1) % 2 == parity[:, 0]).all()


def test_a_short_copy_is_learned_and_a_length_that_is_not_ends_the_curve():
    (found,) = capacity("gru", 24, tests=["copy"], lengths=[3, 20, 30], steps=250)
    assert found.scores[0] > 0.9
    assert found.longest_solved == 3
    assert found.lengths == [3, 20]


def test_nothing_solved_is_no_length():
    assert Capacity("copy", [3], [0.2]).longest_solved is None
