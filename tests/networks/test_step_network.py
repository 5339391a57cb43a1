"""An answer at every step: padding never leaks, and what comes later changes nothing unless it may."""

import pytest
import torch

from recurra.networks.config import NetworkShape
from recurra.networks.step_network import StepNetwork, StepNetworkConfig
from tests.tolerances import assert_close

SHAPE = NetworkShape(input="features", input_size=3, output_size=2, steps=9)
VARIANTS = {
    "lstm": {},
    "gru, both ends": {"cell": "gru", "bidirectional": True, "num_layers": 2},
    "mingru": {"cell": "mingru"},
    "tcn": {"cell": "tcn"},
    "transformer": {"cell": "transformer", "heads": 2},
    "convolutions": {"convolutions": (3, 2), "convolution_size": 5},
    "head": {"head_sizes": (5,)},
}


def network_of(variant):
    torch.manual_seed(0)
    config = StepNetworkConfig(**{"hidden_size": 4, "dropout": 0.0} | VARIANTS[variant])
    return StepNetwork(config, SHAPE).eval()


def drawn(lengths, padding):
    torch.manual_seed(1)
    x = torch.full((len(lengths), max(lengths) + 2, 3), padding)
    for row, length in enumerate(lengths):
        x[row, :length] = torch.randn(length, 3)
    return x, torch.tensor(lengths)


@pytest.mark.parametrize("variant", VARIANTS)
def test_poisoned_padding_changes_nothing(variant):
    network = network_of(variant)
    x, lengths = drawn([7, 1, 4], float("nan"))
    poisoned = network(x, lengths)
    valid = torch.arange(x.size(1)) < lengths[:, None]
    poisoned[valid].square().sum().backward()
    found = {name: p.grad.clone() for name, p in network.named_parameters()}
    network.zero_grad()
    clean = network(x.nan_to_num(0.0), lengths)
    clean[valid].square().sum().backward()
    assert_close(poisoned[valid], clean[valid])
    for name, p in network.named_parameters():
        assert torch.isfinite(found[name]).all(), name
        assert_close(found[name], p.grad, name)
    for row, length in enumerate(lengths.tolist()):
        alone = network(x[row : row + 1, :length], lengths[row : row + 1])
        assert_close(poisoned[row, :length], alone[0])


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_a_network_that_may_look_ahead_does(variant):
    network = network_of(variant)
    x, lengths = drawn([7, 7], 0.0)
    changed = x.clone()
    changed[:, 5] += 1.0
    before, after = network(x, lengths)[:, :5], network(changed, lengths)[:, :5]
    assert torch.equal(before, after) != network.config.bidirectional


def test_gates_begin_to_keep_the_state_where_that_is_asked_for():
    torch.manual_seed(0)
    config = StepNetworkConfig(cell="lstm", hidden_size=32, chrono_init=True)
    network = StepNetwork(config, SHAPE.model_copy(update={"steps": 200}))
    (weights,) = (p for name, p in network.encoder.named_parameters() if name.startswith("bias_ih"))
    forget = weights.chunk(4)[1]
    assert 0 <= forget.min() < forget.max() <= torch.log(torch.tensor(199.0)) and forget.max() > 3
    for cell in ("rnn", "tcn"):
        StepNetwork(StepNetworkConfig(cell=cell, hidden_size=4, chrono_init=True), SHAPE)
