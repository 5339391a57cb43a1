from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional

from recurra.errors import InputError
from recurra.networks.config import NetworkShape
from recurra.networks.language import (
    LanguageNetwork,
    LanguageNetworkConfig,
    LanguageOutput,
    activation_penalties,
)
from recurra.networks.sequence_network import count_weights
from recurra.ops.native import instruction_sets
from recurra.ops.streaming.stream import Stream
from tests.tolerances import assert_all_close, assert_close

SHAPE = NetworkShape(input="tokens", input_size=12, output_size=12)
VARIANTS = {
    "plain": {},
    "rnn": {"cell": "rnn"},
    "gru": {"cell": "gru", "num_layers": 3},
    "mingru": {"cell": "mingru"},
    "minlstm": {"cell": "minlstm", "num_layers": 3},
    "tcn": {"cell": "tcn"},
    "tcn, as wide": {"cell": "tcn", "hidden_size": 4, "num_layers": 1},
    "one layer": {"num_layers": 1},
    "not tied": {"tied": False},
    "weight drop": {"weight_drop": 0.5},
    "equal sizes": {"hidden_size": 4},
}


ALONE = {
    "transformer": {"cell": "transformer", "heads": 2},
    "transformer, as wide": {"cell": "transformer", "hidden_size": 4, "tied": False},
}


def network_of(variant: str, **options) -> LanguageNetwork:
    torch.manual_seed(0)
    config = {"hidden_size": 6, "embedding_size": 4} | (VARIANTS | ALONE)[variant] | options
    network = LanguageNetwork(LanguageNetworkConfig(**config), SHAPE)
    torch.nn.init.normal_(network.embedding.weight)  # so that every token makes a difference
    return network


def tokens(*shape: int) -> torch.Tensor:
    return torch.randint(1, 12, shape, generator=torch.Generator().manual_seed(1))


def tensors(output: LanguageOutput) -> dict[str, torch.Tensor]:
    named = {"logits": output.logits, "raw": output.raw, "dropped": output.dropped}
    for layer, state in enumerate(output.state):
        for place, s in enumerate(state if isinstance(state, tuple) else (state,)):
            named[f"state {layer} {place}"] = s
    return named


@pytest.mark.parametrize("variant", VARIANTS)
def test_steps_and_pieces_equal_the_whole(variant):
    network = network_of(variant).eval()
    ids = tokens(3, 10)
    whole = tensors(network(ids))
    for size in (1, 4):
        pieces: list[LanguageOutput] = []
        for piece in ids.split(size, 1):
            pieces.append(network(piece, state=pieces[-1].state if pieces else None))
        last = pieces[-1]
        raw, dropped = (torch.cat([getattr(p, name) for p in pieces], 1) for name in ("raw", "dropped"))
        assert_all_close(tensors(last._replace(raw=raw, dropped=dropped)), whole)


@pytest.mark.parametrize("variant", VARIANTS)
def test_single_tokens_give_the_same_logits(variant):
    network = network_of(variant).eval()
    ids = tokens(2, 6)
    whole = network(ids).logits
    stream = Stream(network.stages(), batch=2)
    for t, token in enumerate(ids.unbind(1)):
        assert_close(stream.step(token), whole[:, t].detach(), f"step {t}")


@pytest.mark.parametrize("variant", VARIANTS | ALONE)
def test_padding_never_leaks(variant):
    network = network_of(variant).eval()
    ids, lengths = tokens(3, 9), torch.tensor([9, 1, 5])
    together = network(ids, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = network(ids[row : row + 1, :length])
        assert_close(together.logits[row : row + 1, :length], alone.logits, f"sequence {row}")
        found, expected = tensors(together), tensors(alone)
        for name in (name for name in expected if name.startswith("state")):
            assert_close(found[name][:, row : row + 1], expected[name], f"{name} of sequence {row}")


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_weight_learns_and_the_state_carries_gradients(variant):
    network = network_of(variant)
    first = network(tokens(2, 5))
    second = network(tokens(2, 5), state=first.state)
    loss = functional.cross_entropy(second.logits.flatten(0, 1), tokens(2, 5).flatten())
    loss.backward()
    for name, weight in network.named_parameters():
        if variant.startswith("tcn"):
            assert weight.grad is not None and weight.grad.isfinite().all(), name  # a unit of relu may sleep
            continue
        assert weight.grad is not None and weight.grad.isfinite().all() and weight.grad.any(), name


@pytest.mark.parametrize("variant", ALONE)
def test_a_transformer_knows_nothing_of_what_comes_later_or_stood_before_its_window(variant):
    network = network_of(variant).eval()
    ids = tokens(2, 8)
    whole = network(ids).logits
    for steps in (1, 4, 7):
        assert_close(network(ids[:, :steps]).logits, whole[:, :steps], f"{steps} steps")
    first = network(ids[:, :4])
    assert torch.equal(network(ids[:, 4:], state=first.state).logits, network(ids[:, 4:]).logits)
    assert not network.config.carries_state
    with pytest.raises(InputError, match="looks at all steps anew"):
        network.stages()


@pytest.mark.parametrize("variant", [name for name in VARIANTS if "tcn" not in name])
def test_it_runs_on_the_fast_kernels_in_training_too(variant):
    network = network_of(variant)
    without = "scan" if variant.startswith("min") else "fused"
    fastest = "native" if instruction_sets() else without
    assert [layer.backend for layer in network.encoders] == [fastest] * len(network.encoders)


def test_sizes_and_tied_weights():
    tied = network_of("plain")
    assert tied.output is None
    assert [name for name in tied.state_dict() if tied.state_dict()[name].shape == (12, 4)] == [
        "embedding.weight"
    ]
    assert [(layer.input_size, layer.hidden_size) for layer in tied.encoders] == [(4, 6), (6, 4)]
    free = network_of("not tied")
    assert [(layer.input_size, layer.hidden_size) for layer in free.encoders] == [(4, 6), (6, 6)]
    assert free.output.weight.shape == (12, 6)
    # LSTM: 4 H (I + H + 2) numbers a layer; then the table once, and the biases of the output.
    assert count_weights(tied) == 4 * 6 * (4 + 6 + 2) + 4 * 4 * (6 + 4 + 2) + 12 * 4 + 12


def test_dropout_hides_whole_words_and_features_of_whole_sequences():
    network = network_of("plain", embedding_dropout=0.5, output_dropout=0.5)
    output = network(tokens(4, 30))
    hidden = output.dropped == 0
    assert (hidden == hidden[:, :1]).all()
    assert hidden.any() and not hidden.all()
    torch.testing.assert_close(output.dropped, torch.where(hidden, 0, 2 * output.raw))
    network.eval()
    assert torch.equal(network(tokens(4, 30)).dropped, network(tokens(4, 30)).raw)


@pytest.mark.parametrize(
    "rate", ["embedding_dropout", "input_dropout", "dropout", "output_dropout", "weight_drop"]
)
def test_each_rate_has_an_effect_in_training_alone(rate):
    plain = LanguageNetworkConfig().without_dropout()
    network = network_of("plain", **(dict(plain) | {"hidden_size": 6, "embedding_size": 4, rate: 0.5}))
    first, second = (network(tokens(2, 8)).logits for _ in range(2))
    assert not torch.allclose(first, second)
    network.eval()
    assert torch.equal(network(tokens(2, 8)).logits, network(tokens(2, 8)).logits)


def test_without_dropout_training_is_evaluation():
    config = LanguageNetworkConfig(hidden_size=6, embedding_size=4, weight_drop=0.5).without_dropout()
    network = LanguageNetwork(config, SHAPE)
    ids = tokens(2, 8)
    assert_close(network(ids).logits, network.eval()(ids).logits)
    assert (config.hidden_size, config.weight_drop) == (6, 0.0)


def test_penalties_by_hand_and_past_lengths():
    network = network_of("plain", output_dropout=0.5)
    lengths = torch.tensor([5, 1, 3])
    output = network(tokens(3, 5), lengths)
    rows = [(output.raw[b, :n], output.dropped[b, :n]) for b, n in enumerate(lengths.tolist())]
    activation = torch.cat([dropped.flatten() for _, dropped in rows]).square().mean()
    change = torch.cat([(raw[1:] - raw[:-1]).flatten() for raw, _ in rows]).square().mean()
    found = activation_penalties(output, lengths)
    assert_close(found[0], activation, "AR")
    assert_close(found[1], change, "TAR")
    whole = network(tokens(3, 5))
    for a, b in zip(
        activation_penalties(whole), activation_penalties(whole, torch.tensor([5, 5, 5])), strict=True
    ):
        assert_close(a, b)
    single = network(tokens(3, 1))
    assert activation_penalties(single)[1] == 0 == activation_penalties(single, torch.ones(3))[1]


@pytest.mark.parametrize("cell", ["lstm", "minlstm", "tcn", "transformer"])
def test_it_learns_what_follows(cell):
    torch.manual_seed(0)
    network = LanguageNetwork(LanguageNetworkConfig(cell=cell, hidden_size=16, embedding_size=16), SHAPE)
    stream = torch.arange(400) % 7 + 2
    ids, targets = stream[:-1].view(3, -1), stream[1:].view(3, -1)
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(100):
        output = network(ids)
        loss = functional.cross_entropy(output.logits.flatten(0, 1), targets.flatten())
        optimiser.zero_grad()
        (loss + sum(activation_penalties(output)) * 0.01).backward()
        optimiser.step()
    network.eval()
    assert (network(ids).logits[:, 3:].argmax(-1) == targets[:, 3:]).all()


def test_bad_options_are_refused():
    for options in ({"dropout": 1.0}, {"num_layers": 0}, {"cell": "mlp"}, {"layers": 2}):
        with pytest.raises(ValidationError):
            LanguageNetworkConfig(**options)  # pyright: ignore[reportArgumentType]
