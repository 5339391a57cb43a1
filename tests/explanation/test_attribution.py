"""Occlusion and integrated gradients, where what they have to say is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recurra.explanation.attribution import BATCH, Question, agreement, attribute
from recurra.explanation.parts import blocks, owners


def question_of(value, x, there=None, base=0.0, seen=None):
    """`value` of one sequence (T, C), every step a part of its own."""
    steps, columns = x.shape

    def without(mask):
        if seen is not None:
            seen.append(len(mask))
        return (torch.where(mask, torch.tensor(base), x),)

    return Question(
        of="a number",
        value=value,
        without=without,
        cells=lambda attributions: attributions[0],
        there=torch.ones(steps, columns, dtype=torch.bool) if there is None else there,
        steps=steps,
        baseline="nothing",
    )


def test_of_a_linear_network_both_ways_give_weight_times_input_and_nothing_is_lacking():
    torch.manual_seed(0)
    x, w = torch.randn(6, 3), torch.randn(6, 3)
    found = attribute(question_of(lambda x: (x * w).sum((1, 2)) + 2.0, x, base=0.5))
    expected = ((x - 0.5) * w).double().numpy()
    assert np.array(found.occlusion) == pytest.approx(expected, abs=1e-5)
    assert np.array(found.integrated) == pytest.approx(expected, abs=1e-5)
    assert found.columns == pytest.approx(expected.sum(0), abs=1e-5)
    assert found.parts == pytest.approx(expected.sum(1), abs=1e-5)
    assert found.sums == pytest.approx(expected.sum(0), abs=1e-5)
    assert found.gap == pytest.approx(0, abs=1e-5) and found.complete
    assert found.value - found.baseline_value == pytest.approx(expected.sum(), abs=1e-4)
    assert found.agreement.verdict == "agree" and found.agreement.shared == found.agreement.strongest


def test_of_a_smooth_network_integrated_gradients_add_up_to_the_whole_difference():
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    found = attribute(question_of(lambda x: network(x.flatten(1))[:, 0], torch.randn(4, 2)))
    assert sum(found.sums) == pytest.approx(found.value - found.baseline_value, abs=1e-4)


def test_a_step_that_no_gradient_sees_is_told_as_lacking():
    x = torch.ones(8, 1)
    found = attribute(question_of(lambda x: 0.1 * x.sum((1, 2)) + (x[:, 0, 0] > 0.5).float(), x))
    assert found.gap == pytest.approx(-1, abs=1e-4)
    assert not found.complete
    assert found.path_steps > 100  # it tried
    assert found.occlusion[0][0] == pytest.approx(1.1, abs=1e-5)


def test_cells_that_are_not_there_are_neither_taken_away_nor_told():
    x, there = torch.ones(5, 2), torch.ones(5, 2, dtype=torch.bool)
    there[3:, 0] = False
    found = attribute(question_of(lambda x: x.sum((1, 2)), x, there=there))
    assert found.occlusion[4] == [None, 1.0] and found.integrated[4] == [None, pytest.approx(1.0)]
    assert found.baseline_value == 2.0
    assert found.columns == [3.0, 5.0]


def test_a_long_input_goes_through_the_network_in_bounded_pieces():
    steps, rows = 3000, []
    x = torch.ones(steps, 1)
    parts = blocks(steps, 400)
    owner, sizes = owners(parts), []

    def value(x):
        rows.append(len(x))
        return x.sum((1, 2))

    question = Question(
        of="a number",
        value=value,
        without=lambda mask: (torch.where(mask[:, owner], 0.0, x),),
        cells=lambda a: torch.zeros(len(parts), 1, dtype=torch.float64).index_add_(0, owner, a[0]),
        there=torch.ones(len(parts), 1, dtype=torch.bool),
        steps=steps,
        baseline="nothing",
    )
    found = attribute(question, lambda event: sizes.append(event.done))
    assert max(rows) * steps <= BATCH
    assert sizes[-1] == len(parts) + 2
    assert found.occlusion[0] == [float(parts[0].end)]


def test_agreement_is_told_in_words():
    draw = np.random.default_rng(0)
    one = draw.normal(size=60)
    assert agreement(one, one + 0.1 * draw.normal(size=60)).verdict == "agree"
    assert agreement(one, draw.normal(size=60)).verdict != "agree"
    assert "trust both less" in agreement(one, -one).says
    assert agreement(np.arange(3.0), np.arange(3.0)).verdict == "not compared"
    assert "no difference at all" in agreement(np.zeros(9), one[:9]).says
    nothing = np.zeros(7)
    few = agreement(np.array([3.0, -1.0, 0.5, *nothing]), np.array([1.0, 3.0, 0.5, *nothing]))
    assert few.verdict == "not compared" and "too few parts make a difference" in few.says
    some, turned = np.array([5.0, -4, 3, -2, 1, *nothing]), np.array([-5.0, 4, -3, 2, -1, *nothing])
    assert agreement(some, turned).verdict == "do not agree"
    strong = np.where(np.arange(60) < 5, 10.0 - np.arange(60), 0.001 * draw.normal(size=60))
    other = np.where(np.arange(60) < 5, 10.0 - np.arange(60), 0.001 * draw.normal(size=60))
    assert agreement(strong, other).verdict in ("agree", "agree in part")
