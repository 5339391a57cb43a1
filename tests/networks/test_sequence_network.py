from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from recurra.errors import InputError
from recurra.networks.config import CELL_NAMES, NetworkConfig, NetworkShape
from recurra.networks.sequence_network import SequenceNetwork, count_weights
from recurra.networks.sizing import sized
from recurra.ops.streaming.stream import Stream
from tests.tolerances import assert_close

NUMBERS = NetworkShape(input="features", input_size=3, output_size=2)
TOKENS = NetworkShape(input="tokens", input_size=20, output_size=2, pairs=40)
VARIANTS = {
    "plain": {},
    "rnn": {"cell": "rnn"},
    "gru": {"cell": "gru"},
    "mingru": {"cell": "mingru"},
    "minlstm": {"cell": "minlstm", "num_layers": 2, "bidirectional": False},
    "tcn": {"cell": "tcn", "bidirectional": False},
    "tcn, both ends": {"cell": "tcn", "num_layers": 2, "kernel_size": 2, "pooling": ("last", "attention")},
    "transformer": {"cell": "transformer", "num_layers": 2},
    "transformer, causal": {"cell": "transformer", "heads": 2, "bidirectional": False, "segment": 2},
    "every pooling": {"pooling": ("last", "mean", "max", "attention")},
    "one direction": {"bidirectional": False, "pooling": ("last", "max")},
    "two layers": {"num_layers": 2},
    "reference": {"layer_norm": True},
    "segments": {"segment": 4},
    "convolutions": {"convolutions": (5, 2), "convolution_size": 6},
    "convolutions, segments": {"convolutions": (3,), "convolution_size": 6, "segment": 3},
    "convolutions, one direction": {"convolutions": (4, 3), "bidirectional": False},
    "head": {"head_sizes": (5,)},
}


def network_of(variant: str, shape: NetworkShape) -> SequenceNetwork:
    torch.manual_seed(0)
    config = NetworkConfig(**{"hidden_size": 4, "embedding_size": 3, "dropout": 0.0} | VARIANTS[variant])
    network = SequenceNetwork(config, shape)
    if shape.pairs:
        codes = 2 * 20 + torch.randperm(18 * 20)[: shape.pairs]
        network.input.pair_codes.copy_(codes.sort().values)
        torch.nn.init.normal_(network.input.pair_embedding.weight[1:].detach())
    return network


def sequences(shape: NetworkShape, lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Valid steps drawn at random, padding poisoned as far as its type allows."""
    torch.manual_seed(1)
    longest = max(lengths) + 3
    if shape.input == "tokens":
        x = torch.full((len(lengths), longest), 7)
        for row, length in enumerate(lengths):
            x[row, :length] = torch.randint(1, shape.input_size, (length,))
    else:
        x = torch.full((len(lengths), longest, shape.input_size), float("nan"))
        for row, length in enumerate(lengths):
            x[row, :length] = torch.randn(length, shape.input_size)
    return x, torch.tensor(lengths)


@pytest.mark.parametrize("shape", [NUMBERS, TOKENS], ids=lambda shape: shape.input)
@pytest.mark.parametrize("variant", VARIANTS)
def test_an_answer_is_the_same_alone_and_in_a_padded_batch(variant, shape):
    network = network_of(variant, shape).eval()
    x, lengths = sequences(shape, [9, 1, 4, 8, 5])
    together = network(x, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = network(x[row : row + 1, :length], torch.tensor([length]))
        assert_close(together[row : row + 1], alone, f"{variant}, sequence {row}")


@pytest.mark.parametrize("shape", [NUMBERS, TOKENS], ids=lambda shape: shape.input)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_weight_learns_and_none_from_padding(variant, shape):
    network = network_of(variant, shape)
    x, lengths = sequences(shape, [9, 1, 4])
    network(x, lengths).square().sum().backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None and torch.isfinite(weight.grad).all(), name


def test_only_known_pairs_of_neighbours_have_a_vector():
    shape = NetworkShape(input="tokens", input_size=10, output_size=2, pairs=2)
    network = SequenceNetwork(NetworkConfig(embedding_size=1, word_dropout=0.0, input_dropout=0.0), shape)
    network.input.pair_codes.copy_(torch.tensor([23, 32]))
    with torch.no_grad():
        network.input.embedding.weight.zero_()
        network.input.pair_embedding.weight.copy_(torch.tensor([[0.0], [1.0], [2.0]]))
    vectors, _ = network.input(torch.tensor([[2, 3, 2, 2, 3, 0], [3, 2, 1, 3, 0, 0]]), torch.tensor([5, 4]))
    assert vectors[..., 0].tolist() == [[0, 1, 2, 0, 1, 0], [0, 2, 0, 0, 0, 0]]


@pytest.mark.parametrize("cell", list(CELL_NAMES))
def test_a_width_is_found_for_a_number_of_weights(cell):
    for weights, layers, steps in ((30_000, 1, 20), (70_000, 2, 196)):
        config = NetworkConfig(cell=cell, convolutions=(5,), num_layers=layers, bidirectional=False)
        shape = NUMBERS.model_copy(update={"steps": steps})

        def network_of(config, shape=shape):
            return SequenceNetwork(config, shape)

        found = count_weights(network_of(sized(config, weights, network_of)))
        assert found == pytest.approx(weights, rel=0.02)


def test_a_tcn_sees_the_longest_sequence_unless_its_blocks_are_counted():
    for steps, segment in ((1, 1), (50, 1), (1000, 1), (1000, 7)):
        shape = NUMBERS.model_copy(update={"steps": steps})
        encoder = SequenceNetwork(NetworkConfig(cell="tcn", segment=segment), shape).encoder
        assert encoder.receptive_field >= -(-steps // segment)
    counted = SequenceNetwork(NetworkConfig(cell="tcn", blocks=2, num_layers=4), shape).encoder
    assert counted.num_layers == 2 and counted.receptive_field == 13


@pytest.mark.parametrize("cell", ["tcn", "transformer", "feedforward"])
@pytest.mark.parametrize("option", ["recurrent_dropout", "weight_drop", "zoneout", "layer_norm"])
def test_what_acts_within_a_recurrent_cell_is_refused_elsewhere(cell, option):
    with pytest.raises(InputError, match=f"network.{option}"):
        SequenceNetwork(
            NetworkConfig(cell=cell, **{option: True if option == "layer_norm" else 0.1}), NUMBERS
        )


def test_heads_that_do_not_share_out_the_units_are_refused():
    with pytest.raises(ValidationError, match="no multiple of 4 heads"):
        NetworkConfig(cell="transformer", hidden_size=6)


@pytest.mark.parametrize("cell", ["gru", "minlstm", "tcn", "feedforward"])
def test_a_stream_gives_what_the_whole_sequence_gives(cell):
    config = NetworkConfig(
        cell=cell, hidden_size=4, num_layers=2, bidirectional=False, pooling=("last", "mean")
    )
    network = SequenceNetwork(config, NUMBERS).eval()
    x, _ = sequences(NUMBERS, [9])
    stream = Stream(network.stages())
    for t in range(9):
        expected = network(x[:, : t + 1], torch.tensor([t + 1])).detach()[0]
        assert_close(stream.step(x[0, t]), expected, f"step {t}")


def test_a_transformer_says_why_it_cannot_stream():
    with pytest.raises(InputError, match="looks at all steps anew"):
        SequenceNetwork(NetworkConfig(cell="transformer", bidirectional=False), NUMBERS).stages()
