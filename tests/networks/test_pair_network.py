"""Encoder and decoder together: padding of either side changes nothing."""

import pytest
import torch

from recurra.errors import InputError
from recurra.networks.config import NetworkShape
from recurra.networks.pair_network import PairNetwork, PairNetworkConfig
from tests.tolerances import assert_close

SHAPE = NetworkShape(input="tokens", input_size=9, output_size=11, steps=7)
VARIANTS = {
    "lstm": {"cell": "lstm", "num_layers": 2},
    "gru, additive, fed": {"cell": "gru", "attention": "additive", "input_feeding": True},
    "rnn, forwards, blind": {"cell": "rnn", "bidirectional": False, "attention": "none"},
    "mingru": {"cell": "mingru"},
    "tcn": {"cell": "tcn"},
    "transformer": {"cell": "transformer", "heads": 2},
}


def network_of(variant):
    torch.manual_seed(0)
    config = PairNetworkConfig(**{"hidden_size": 4, "embedding_size": 6} | VARIANTS[variant])
    return PairNetwork(config, SHAPE).eval()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_pair_alone_is_what_it_is_in_a_batch(variant):
    network = network_of(variant)
    source, read = torch.randint(9, (3, 7)), torch.randint(11, (3, 5))
    lengths, ends = torch.tensor([7, 1, 4]), [5, 2, 3]
    whole = network(source, lengths, read)
    for row, (length, end) in enumerate(zip(lengths.tolist(), ends, strict=True)):
        one = slice(row, row + 1)
        alone = network(source[one, :length], lengths[one], read[one, :end])
        assert_close(alone.logits[0], whole.logits[row, :end])
        if alone.alignment is not None:
            assert_close(alone.alignment[0], whole.alignment[row, :end, :length])
            assert not whole.alignment[row, :, length:].any()
    other = source.clone()
    other[1, 1:] = 8
    assert_close(network(other, lengths, read).logits, whole.logits)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_weight_learns(variant):
    network = network_of(variant)
    source, read = torch.randint(9, (3, 7)), torch.randint(11, (3, 5))
    network(source, torch.tensor([7, 2, 4]), read).logits.square().sum().backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_what_the_source_says_reaches_the_answer():
    for variant in VARIANTS:
        network = network_of(variant)
        source, read = torch.randint(9, (1, 7)), torch.randint(11, (1, 5))
        changed = (source + 1) % 9
        lengths = torch.tensor([7])
        assert not torch.equal(network(source, lengths, read).logits, network(changed, lengths, read).logits)


def test_it_cannot_run_step_by_step():
    with pytest.raises(InputError, match="reads the whole source before it writes"):
        network_of("lstm").stages()
