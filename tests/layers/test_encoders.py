"""Encoders that are not recurrent: the promises of the recurrent layers that they keep, and what else they are."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from recurra.errors import InputError
from recurra.layers.feedforward import FeedForward
from recurra.layers.tcn import TCN, blocks_for
from recurra.layers.transformer import TransformerEncoder, positions
from tests.tolerances import assert_all_close, assert_close

MADE = {
    "tcn": lambda **o: TCN(3, 4, 3, batch_first=True, **o),
    "tcn, wide inside": lambda **o: TCN(4, 4, 2, 4, inner_size=5, batch_first=True, **o),
    "tcn, both ends": lambda **o: TCN(3, 4, 2, bidirectional=True, batch_first=True, **o),
    "transformer": lambda **o: TransformerEncoder(3, 8, 2, batch_first=True, **o),
    "transformer, causal": lambda **o: TransformerEncoder(3, 6, heads=2, causal=True, batch_first=True, **o),
    "feedforward": lambda **o: FeedForward(3, 40, 2, batch_first=True, **o),
}
each = pytest.mark.parametrize("name", MADE)


def made(name):
    torch.manual_seed(0)
    layer = MADE[name](dropout=0.3).double().eval()
    return layer, torch.randn(4, 9, layer.input_size, dtype=torch.float64)


def gradients(layer, x, lengths=None):
    x = x.clone().requires_grad_()
    output, _ = layer(x, lengths=lengths)
    loss = (torch.sin(1.3 * output) * torch.linspace(0.5, 1.5, output.size(-1))).sum()
    named = {"x": x, **dict(layer.named_parameters())}
    found = torch.autograd.grad(loss, list(named.values()))
    return output.detach(), dict(zip(named, found, strict=True))


@each
def test_padding_never_leaks(name):
    """Poisoned padding changes nothing, and every row gives what it gives alone, gradients included."""
    layer, x = made(name)
    lengths = [9, 0, 4, 1]
    poisoned = x.clone()
    for row, length in enumerate(lengths):
        poisoned[row, length:] = torch.nan
    output, found = gradients(layer, poisoned, lengths)
    alone = {key: torch.zeros_like(value) for key, value in found.items()}
    for row, length in enumerate(lengths):
        assert not output[row, length:].any()
        if length:
            expected, parts = gradients(layer, x[row : row + 1, :length])
            assert_close(output[row, :length], expected[0], f"row {row}")
            alone["x"][row, :length] = parts.pop("x")[0]
            for key, value in parts.items():
                alone[key] += value
    assert_all_close(found, alone)


@each
def test_any_layout_gives_the_same_numbers(name):
    layer, x = made(name)
    truth, _ = layer(x, lengths=[9, 3, 4, 1])
    packed = pack_padded_sequence(x, torch.tensor([9, 3, 4, 1]), batch_first=True, enforce_sorted=False)
    output, _ = layer(packed)
    assert isinstance(output, PackedSequence)
    assert_close(pad_packed_sequence(output, batch_first=True)[0], truth)
    assert_close(layer(x[0])[0], truth[0])
    layer.batch_first = False
    assert_close(layer(x.transpose(0, 1), lengths=[9, 3, 4, 1])[0].transpose(0, 1), truth)
    assert truth.size(-1) == layer.out_features


@each
def test_copies_compute_the_same(name):
    layer, x = made(name)
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(copied(x)[0], layer(x)[0])
        assert not copied.training
        assert copied.load_state_dict(layer.state_dict())


def test_copies_of_a_tcn_keep_what_was_made_of_it_and_draw_nothing():
    class Mine(TCN):
        pass

    layer = Mine(3, 4, 2)
    layer.note = "mine"
    layer.networks[0][0].requires_grad_(False)
    before = torch.get_rng_state()
    copied, unpickled = copy.deepcopy(layer), TCN.__new__(Mine)
    unpickled.__setstate__(pickle.loads(pickle.dumps(layer.__getstate__())))
    for other in (copied, unpickled):
        assert type(other) is Mine and other.note == "mine"
        assert [p.requires_grad for p in other.parameters()] == [p.requires_grad for p in layer.parameters()]
    assert torch.equal(torch.get_rng_state(), before)


@each
def test_what_a_step_sees(name):
    """Which inputs change an output, against what the layer says of itself."""
    layer, x = made(name)
    with torch.no_grad():
        for weight_name, weight in layer.named_parameters():
            if isinstance(layer, TCN) and weight_name.endswith("bias"):
                weight.fill_(5.0)  # no unit sleeps
    x = x[:1].clone().requires_grad_()
    output, _ = layer(x)
    weighed = output[0] @ torch.arange(output.size(-1)).double()
    seen = torch.stack(
        [torch.autograd.grad(y, x, retain_graph=True)[0][0].abs().sum(-1) > 0 for y in weighed]
    )
    if name == "transformer" or "both ends" in name:
        assert seen.all()
    else:
        assert not seen.triu(1).any()
        reach = 1 if name == "feedforward" else getattr(layer, "receptive_field", 9)
        assert torch.equal(seen, torch.ones(9, 9).tril().triu(1 - reach).bool())


@pytest.mark.parametrize("name", ["tcn", "tcn, wide inside"])
def test_pieces_and_steps_of_a_tcn_equal_the_whole(name):
    layer, x = made(name)
    whole, last = layer(x)
    for size in (1, 4):
        state, outputs = None, []
        for piece in x.split(size, 1):
            output, state = layer(piece, state)
            outputs.append(output)
        assert_close(torch.cat(outputs, 1), whole)
        for found, expected in zip(state, last, strict=True):
            assert_close(found, expected)
    stream = layer.stream(batch=4)
    assert stream.backend == "reference"
    for t in range(9):
        assert_close(stream.step(x[:, t]), whole[:, t].detach(), f"step {t}")
    # An ended sequence goes on from its own last step.
    _, state = layer(x, lengths=[9, 4, 6, 0])
    found, _ = layer(x[1:2, 4:], [s[:, 1:2] for s in state])
    assert_close(found[0], whole[1, 4:])


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_a_tcn_streams_in_fewer_bits(precision):
    layer = MADE["tcn"]().eval()
    assert 0 < layer.stream(precision=precision).deviation().relative < 0.05


def test_a_tcn_by_hand():
    """One block against its formula, step by step."""
    torch.manual_seed(1)
    layer = TCN(2, 3, 1, 2, batch_first=True).double()
    block = layer.networks[0][0]
    v, w, s = (c.weight.detach() for c in (block.first, block.second, block.shortcut))
    b1, b2, b3 = (c.bias.detach() for c in (block.first, block.second, block.shortcut))
    x = torch.randn(4, 2, dtype=torch.float64)
    nothing, u_before = torch.zeros(2).double(), torch.zeros(3).double()
    output, _ = layer(x[None])
    for t in range(4):
        x_before = x[t - 1] if t else nothing
        u = (v[..., 0] @ x_before + v[..., 1] @ x[t] + b1).relu()
        y = ((w[..., 0] @ u_before + w[..., 1] @ u + b2).relu() + s[..., 0] @ x[t] + b3).relu()
        assert_close(output[0, t].detach(), y)
        u_before = u


def test_blocks_are_as_many_as_it_takes():
    for kernel in (2, 3, 7):
        for steps in (1, 2, 5, 100, 1000):
            blocks = blocks_for(steps, kernel)
            assert TCN(1, 1, blocks, kernel).receptive_field >= steps
            assert blocks == 1 or TCN(1, 1, blocks - 1, kernel).receptive_field < steps


def test_positions_are_waves():
    found = positions(50, 6)
    for i in range(3):
        angle = torch.arange(50) / 10_000 ** (2 * i / 6)
        torch.testing.assert_close(found[:, 2 * i], angle.sin(), atol=1e-5, rtol=0)
        torch.testing.assert_close(found[:, 2 * i + 1], angle.cos(), atol=1e-5, rtol=0)
    assert positions(3, 5).shape == (3, 5)


def test_layers_of_a_transformer_begin_apart():
    one, two = TransformerEncoder(3, 8, 2).encoder.layers
    assert not torch.equal(one.linear1.weight, two.linear1.weight)


def test_errors_say_what_is_wrong():
    x = torch.zeros(1, 2, 3)
    with pytest.raises(InputError, match="multiple of the 4 heads"):
        TransformerEncoder(3, 6)
    with pytest.raises(InputError, match="carries no state"):
        TransformerEncoder(3, 8)(x, (x,))
    with pytest.raises(InputError, match="both ends"):
        TCN(3, 4, bidirectional=True).stages()
    with pytest.raises(InputError, match="kernel_size"):
        TCN(3, 4, kernel_size=0)
    with pytest.raises(InputError, match="the state that a call before gave"):
        TCN(3, 4)(x, [x])
    for layer in (TCN(4, 4), TransformerEncoder(4, 8)):
        with pytest.raises(RuntimeError, match="Expected 4, got 3"):
            layer(x)
        with pytest.raises(InputError, match="length 3"):
            layer(torch.zeros(2, 1, 4), lengths=[3])


@pytest.mark.parametrize(
    "layer", [FeedForward(3, 4), TransformerEncoder(3, 4)], ids=["feedforward", "transformer"]
)
def test_a_state_where_there_is_none_is_refused(layer):
    x = torch.zeros(2, 1, 3)
    with pytest.raises(InputError, match=r"^hx: .*no state"):
        layer(x, torch.zeros(1, 1, 4))
    assert layer(x, ())[1] == ()


def test_a_tcn_that_sees_one_step_streams():
    layer, x = TCN(3, 4, 2, kernel_size=1).eval(), torch.randn(5, 2, 3)
    stream = layer.stream(batch=2)
    for t, y in enumerate(layer(x)[0].detach()):
        assert_close(stream.step(x[t]), y)


def test_steps_without_recurrence_stream_and_follow_the_formula():
    layer, x = made("feedforward")
    first, second = layer.layers
    by_hand = torch.relu(torch.relu(x @ first.weight.T + first.bias) @ second.weight.T + second.bias)
    whole, state = layer(x)
    assert_close(whole, by_hand)
    assert state == ()
    stream = layer.stream(batch=4)
    assert_close(stream.step(x[:, 3]), whole[:, 3].detach())
    with pytest.raises(InputError, match="carry no state"):
        layer(x, [x])


@pytest.mark.parametrize("sizes", [(0, 4), (3, 0), (3, 4, 0), (3, 2.5)])
def test_sizes_of_layers_that_cannot_be_are_refused(sizes):
    with pytest.raises(InputError, match="whole number from 1 on"):
        FeedForward(*sizes)
