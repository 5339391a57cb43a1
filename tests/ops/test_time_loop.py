from __future__ import annotations

import pytest
import torch

from recurra.cells.base import Weights
from recurra.cells.gru import GRUCell
from recurra.cells.lstm import LSTMCell
from recurra.ops.time_loop import Variant, run_reference, time_loop
from tests.tolerances import assert_close


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def make_layer(gates: int, states: int, directions: int = 1, units: int = 20):
    torch.manual_seed(1)
    weights = [
        Weights(
            draw(gates * units, 3), draw(gates * units, units) / 3, draw(gates * units), draw(gates * units)
        )
        for _ in range(directions)
    ]
    return draw(8, 5, 3), tuple(draw(directions, 5, units) for _ in range(states)), weights


def test_zoneout_keeps_units_in_training_and_mixes_in_evaluation():
    x, state, weights = make_layer(4, 2, units=100)
    cell, variant = LSTMCell(), Variant(zoneout=(0.25, 0.75))
    trained = run_reference(cell, x, state, weights, variant=variant, training=True, gates=True)
    for name, first, rate in (("h", state[0], 0.25), ("c", state[1], 0.75)):
        path = torch.cat([first.unsqueeze(1), trained.gates[name]], 1)
        kept = (path[:, 1:] == path[:, :-1]).double().mean()
        assert abs(float(kept) - rate) < 0.03
    one = run_reference(cell, x[:1], state, weights)
    mixed = run_reference(cell, x[:1], state, weights, variant=variant)
    for plain, found, old, rate in zip(one.state, mixed.state, state, (0.25, 0.75), strict=True):
        assert_close(found, rate * old + (1 - rate) * plain)


def test_recurrent_dropout_is_one_mask_per_sequence():
    x, state, weights = make_layer(3, 1)
    variant = Variant(recurrent_dropout=0.5)
    torch.manual_seed(5)
    found = run_reference(GRUCell(), x, state, weights, variant=variant, training=True).output
    torch.manual_seed(5)
    mask = torch.nn.functional.dropout(torch.ones_like(state[0][0]), 0.5)
    assert set(mask.unique().tolist()) == {0.0, 2.0}
    h = (state[0][0],)
    cell = GRUCell()
    for t in range(x.size(0)):
        h, _ = cell.step(cell.project(x[t], weights[0]), h, weights[0], mask=mask)
        assert_close(found[t], h[0])
    evaluated = run_reference(GRUCell(), x, state, weights, variant=variant).output
    assert torch.equal(evaluated, run_reference(GRUCell(), x, state, weights).output)


def test_reverse_direction_is_the_forward_one_on_the_sequence_turned_around():
    x, state, weights = make_layer(4, 2)
    state = tuple(s[0] for s in state)
    output, last, _ = time_loop(LSTMCell(), x, state, weights[0], reverse=True)
    mirrored, mirrored_last, _ = time_loop(LSTMCell(), x.flip(0), state, weights[0])
    assert torch.equal(output, mirrored.flip(0))
    assert all(torch.equal(a, b) for a, b in zip(last, mirrored_last, strict=True))


@pytest.mark.parametrize("directions", [1, 2])
def test_loop_works_under_vmap_with_lengths_of_each_sample(directions):
    x, state, weights = make_layer(3, 1, directions)
    lengths = torch.tensor([[8, 0, 3, 1, 5], [2, 2, 8, 0, 7]])

    def run(lengths):
        return run_reference(GRUCell(), x, state, weights, lengths).output

    assert_close(torch.vmap(run)(lengths), torch.stack([run(row) for row in lengths]))
