"""Gates and states: what is known of them by construction."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import recurra
from recurra.diagnosis import Subject, examine
from recurra.diagnosis.measures.gates import gates_and_states
from tests.diagnosis.made import Last, layer_of, subject_of_layer


def with_bias(layer, gate, value):
    """Weights of a gate 0, its bias `value`: it has the same value everywhere."""
    rows = slice(gate * layer.hidden_size, (gate + 1) * layer.hidden_size)
    with torch.no_grad():
        layer.weight_ih_l0[rows] = layer.weight_hh_l0[rows] = layer.bias_hh_l0[rows] = 0
        layer.bias_ih_l0[rows] = value
    return layer


@pytest.mark.parametrize(("cell", "name"), [("LSTM", "f"), ("GRU", "z")])
def test_time_constants_are_those_of_the_gate_that_keeps(cell, name):
    layer = with_bias(layer_of(cell), 1, math.log(9))
    (found,), _ = gates_and_states(subject_of_layer(layer))
    assert found.time_constants == pytest.approx([10.0] * 16, rel=1e-3)
    assert found.values[name].quantiles == pytest.approx([0.9] * 5, rel=1e-4)
    assert found.values[name].saturated == 0
    assert sum(found.values[name].histogram) == pytest.approx(1)


def test_layers_of_several_cells_are_each_measured_by_their_own_gate():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = layer_of("RNN"), recurra.LSTM(16, 16, batch_first=True)

        def forward(self, x):
            return self.second(self.first(x)[0])[0][:, -1]

    x = torch.randn(4, 12, 4)
    subject = Subject(network=Mixed(), inputs=(x,), loss=lambda o: o.square().mean(), answer=lambda o: o)
    found = examine(subject)
    assert [layer.keeps for layer in found.measures.gates] == [None, "f"]
    (told,) = (each.says for each in found.findings if each.name == "time constants")
    assert "mean of the gate f" in told


def test_saturation_dead_and_still_units_are_shares():
    shut = with_bias(layer_of("LSTM"), 0, -12.0)  # the input gate: nothing is ever stored
    (found,), _ = gates_and_states(subject_of_layer(shut))
    assert found.values["i"].saturated == 1
    assert found.still == 1
    relu = layer_of("RNN", nonlinearity="relu")
    with torch.no_grad():
        relu.bias_ih_l0[:4] = -100
    (found,), _ = gates_and_states(subject_of_layer(relu))
    assert found.dead == pytest.approx(0.25)
    assert found.time_constants is None
    stuck = layer_of("RNN")
    with torch.no_grad():
        stuck.bias_ih_l0[:8] = 50
    (found,), _ = gates_and_states(subject_of_layer(stuck))
    assert found.at_end == 0.5


def test_padding_is_not_counted():
    layer = with_bias(layer_of("GRU"), 1, 0.0)
    x, lengths = torch.randn(4, 9, 4), torch.tensor([9, 1, 1, 1])
    subject = Subject(
        network=Last(layer), inputs=(x, lengths), lengths=lengths, loss=torch.mean, answer=lambda o: o
    )
    (found,), _ = gates_and_states(subject)
    assert found.values["z"].quantiles == pytest.approx([0.5] * 5)
    assert (len(found.heat["h"]), len(found.heat["h"][0])) == (16, 9)


def test_relus_elsewhere_in_the_network_are_looked_at():
    layer = layer_of("GRU")
    network = Last(layer)
    network.head = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 1))
    with torch.no_grad():
        network.head[0].bias[:6] = -100
    subject = Subject(network=network, inputs=(torch.randn(8, 5, 4),), loss=torch.mean, answer=lambda o: o)
    _, relus = gates_and_states(subject)
    assert relus["head.1"] >= 0.75


def test_who_calls_the_layer_gets_what_it_asked_for():
    class Asking(nn.Module):
        def __init__(self):
            super().__init__()
            self.recurrent = layer_of("LSTM")

        def forward(self, x):
            packed = pack_padded_sequence(x, torch.tensor([5, 3]), batch_first=True)
            assert len(self.recurrent(packed)) == 2
            output, _, gates = self.recurrent(x, return_gates=True)
            return output[:, -1] + gates["f"][0, :, -1]

    subject = Subject(network=Asking(), inputs=(torch.randn(2, 5, 4),), loss=torch.mean, answer=lambda o: o)
    found, _ = gates_and_states(subject)
    assert [layer.name for layer in found] == ["layer 1"]
    assert not subject.network.recurrent._forward_hooks
