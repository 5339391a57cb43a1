"""The gradient over time: equal to that of a loop with every state a leaf, whatever the layer."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch

from recurra.diagnosis import Subject
from recurra.diagnosis.measures.gradients import Curve, gradients_over_time
from recurra.layers import GRU, RNN
from tests.diagnosis.made import Last, layer_of, subject_of_layer


def states_of(state):
    return list(state) if isinstance(state, tuple) else [state]


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        *itertools.product(["RNN", "LSTM", "GRU"], [{}, {"zoneout": 0.3}, {"layer_norm": True}]),
        *itertools.product(["MinGRU", "MinLSTM"], [{}]),
    ],
    ids=str,
)
def test_it_is_that_of_a_loop_whose_states_are_leaves(cell, options):
    layer = layer_of(cell, **options).eval()
    subject = subject_of_layer(layer, steps=7, examples=3)
    (found,) = gradients_over_time(subject)
    x, head = subject.inputs[0], subject.network.head
    direction = torch.randn(3, 16, generator=torch.Generator().manual_seed(0))
    direction = direction / direction.norm(dim=1, keepdim=True)
    expected, carried = [], []
    for lag in range(7):
        # The state k steps back is what the rest of the sequence starts from; at lag 0 nothing is left of it.
        before = 7 - lag
        _, state = layer(x[:, :before])
        leaves = [part.detach().requires_grad_() for part in states_of(state)]
        start = tuple(leaves) if len(leaves) > 1 else leaves[0]
        last = layer(x[:, before:], start)[0][:, -1] if lag else leaves[0][0]
        for of, norms in ((3 * subject.loss(head(last)), expected), ((last * direction).sum(), carried)):
            gradients = torch.autograd.grad(
                of, leaves, allow_unused=True, materialize_grads=True, retain_graph=True
            )
            norms.append(sum(g[0].double().square().sum(1) for g in gradients).sqrt().median())
    assert found.trained.carried.median == pytest.approx([float(e) for e in carried], rel=1e-3)
    assert found.trained.loss.median == pytest.approx([float(e) for e in expected], rel=1e-3)


def test_of_one_linear_unit_it_is_a_power_of_its_weight():
    layer = RNN(1, 1, nonlinearity="relu", batch_first=True)
    with torch.no_grad():
        for weight, value in zip(layer.parameters(), (1.0, 0.5, 0.0, 0.0), strict=True):
            weight.fill_(value)
    x = torch.rand(4, 6, 1) + 1
    subject = Subject(network=Last(layer), inputs=(x,), loss=torch.sum, answer=lambda output: output)
    (found,) = gradients_over_time(subject)
    assert found.trained.carried.median == pytest.approx([0.5**k for k in range(6)])
    assert found.trained.contribution == pytest.approx([0.5**k / 1.96875 for k in range(6)], rel=1e-4)
    assert found.initial is None


def test_where_no_gradient_arrives_no_step_has_a_share_of_it():
    subject = subject_of_layer(layer_of("GRU"), steps=5)
    (found,) = gradients_over_time(dataclasses.replace(subject, loss=lambda output: 0 * output.sum()))
    assert found.trained.contribution == found.trained.loss.median == [0.0] * 5


def test_padding_changes_nothing_in_either_direction():
    layer = layer_of("GRU", bidirectional=True, num_layers=2)
    x, lengths = torch.randn(2, 9, 4), torch.tensor([9, 5])

    def found(inputs, lengths):
        subject = Subject(
            network=Last(layer),
            inputs=(inputs, lengths),
            lengths=lengths,
            loss=torch.mean,
            answer=lambda o: o,
        )
        return gradients_over_time(subject)

    torch.manual_seed(1)
    both = found(x, lengths)
    torch.manual_seed(1)
    alone = found(x[1:, :5], lengths[1:])
    assert [layer.name for layer in both] == ["layer 1", "layer 1 backwards", "layer 2", "layer 2 backwards"]
    for padded, own in zip(both, alone, strict=True):
        low, high = padded.trained.loss.low, padded.trained.loss.high
        # Of two examples the tenth percentiles stand a tenth of the way from each.
        ends = [sorted([(9 * a - b) / 8, (9 * b - a) / 8]) for a, b in zip(low, high, strict=True)]
        for k, value in enumerate(own.trained.loss.median):
            assert any(value == pytest.approx(end, rel=1e-2) for end in ends[k]), (padded.name, k)


def test_a_module_with_several_layers_and_calls_is_measured_where_it_reads_longest():
    class Decoding(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.below, self.above = GRU(2, 4, batch_first=True), GRU(4, 4, batch_first=True)

        def forward(self, x):
            _, state = self.above(self.below(x)[0])
            return self.above(torch.zeros(len(x), 1, 4), state)[0]

    subject = Subject(
        network=Decoding(),
        inputs=(torch.randn(4, 11, 2),),
        loss=torch.mean,
        answer=lambda output: output[:, 0],
    )
    found = gradients_over_time(subject)
    assert [layer.name for layer in found] == ["layer 1", "layer 2"]
    assert [len(layer.trained.loss.median) for layer in found] == [11, 11]
    assert all(min(layer.trained.loss.median) > 0 for layer in found)


def test_the_network_is_left_as_it_was():
    layer = layer_of("LSTM", backend="fused").train()
    subject = subject_of_layer(layer)
    cell = layer.cell
    gradients_over_time(subject)
    assert layer.cell is cell
    assert layer.training
    assert layer.asked_backend == "fused"
    assert not layer._forward_pre_hooks
    assert all(weight.grad is None for weight in layer.parameters())


def test_lags_are_read_off_the_median():
    curve = Curve(median=[1.0, 0.5, 0.001, 0.2, 0.0005, 0.0001], low=[], high=[2.0, 5.0, 300.0])
    assert curve.falls_below(1e-3) == 4
    assert curve.falls_below(1e-9) is None
    assert curve.rises_above(100, curve.high) == 2
    assert curve.rises_above(100, curve.median) is None
