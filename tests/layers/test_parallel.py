"""MinGRU and MinLSTM: what they do not share with the layers of torch.nn."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

import recurra
from recurra.errors import BackendError, InputError
from recurra.layers.parallel import MinGRU, MinLSTM
from recurra.layers.recurrent import GRU
from recurra.ops.native import instruction_sets
from tests.tolerances import assert_close

each_layer = pytest.mark.parametrize("layer_type", [MinGRU, MinLSTM], ids=lambda c: c.__name__)


@each_layer
def test_weights_are_of_the_input_alone(layer_type):
    layer = layer_type(3, 5, 2, bidirectional=True)
    gates = len(layer.cell.gates)
    shapes = {name: tuple(p.shape) for name, p in layer.named_parameters()}
    assert list(shapes) == [
        f"{kind}_ih_l{k}{end}" for k in (0, 1) for end in ("", "_reverse") for kind in ("weight", "bias")
    ]
    assert shapes["weight_ih_l0"] == (gates * 5, 3) and shapes["weight_ih_l1"] == (gates * 5, 10)
    assert getattr(recurra, layer_type.__name__) is layer_type


@each_layer
def test_backend_is_told_and_forced(layer_type):
    layer = layer_type(3, 5)
    fastest = "native" if instruction_sets() else "scan"
    assert layer.backend == layer_type(3, 5, layer_norm=True).backend == fastest
    assert layer_type(3, 5, backend="scan").backend_reason == "asked for"
    in_64_bits = layer_type(3, 5).double()
    assert (in_64_bits.backend, in_64_bits.backend_reason) == ("scan", "no gate sees the state")
    slow = layer_type(3, 5, zoneout=0.1)
    assert slow.backend == "reference" and "zoneout=0.1" in slow.backend_reason
    assert layer_type(3, 5, backend="reference").backend_reason == "asked for"
    for backend, options, words in (
        ("native", {"zoneout": 0.1}, "zoneout=0.1" if instruction_sets() else "were not built"),
        ("fused", {}, "RNN, LSTM and GRU alone"),
        ("scan", {"zoneout": 0.1}, "zoneout=0.1"),
    ):
        with pytest.raises(BackendError, match=words):
            layer_type(3, 5, backend=backend, **options)
    with pytest.raises(BackendError, match="the gates of this cell see the state"):
        GRU(3, 5, backend="scan")


@each_layer
@pytest.mark.parametrize(
    "option", [{"recurrent_dropout": 0.1}, {"weight_drop": 0.1}, {"recurrent_init": "orthogonal"}], ids=str
)
def test_options_of_a_recurrent_product_are_refused(layer_type, option):
    with pytest.raises(InputError, match="no recurrent product"):
        layer_type(3, 5, **option)
    with pytest.raises(TypeError, match="colour"):
        layer_type(3, 5, colour="red")


@each_layer
def test_the_scan_gives_gates_without_the_loop(layer_type, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the reference ran")

    monkeypatch.setattr("recurra.layers.stack.run_reference", refuse)
    _, _, gates = layer_type(3, 5)(torch.randn(4, 2, 3), return_gates=True)
    assert set(gates) == {*layer_type(3, 5).cell.gates, "h"}


@each_layer
def test_every_unit_keeps_a_share_of_its_old_value(layer_type):
    """Whatever comes in: logits that no exponential survives give shares of 0 and 1, not NaN."""
    layer = layer_type(1, 3)
    for scale in (1e4, -1e4):
        with torch.no_grad():
            layer.weight_ih_l0.fill_(scale)
        x = torch.tensor([1.0, -1.0]).view(2, 1, 1).requires_grad_()
        output, h = layer(x, torch.ones(1, 1, 3))
        (gradient,) = torch.autograd.grad(output.sum() + h.sum(), x)
        assert output.isfinite().all() and gradient.isfinite().all()


def test_chrono_init_spreads_time_spans():
    gru, lstm = MinGRU(3, 500, chrono_init=100), MinLSTM(3, 500, chrono_init=100)
    for spans in ((-gru.bias_ih_l0[:500]).exp(), lstm.bias_ih_l0[500:1000].exp()):
        assert 1 <= spans.min() < 5 and 93 < spans.max() <= 99
    assert torch.equal(lstm.bias_ih_l0[:500], -lstm.bias_ih_l0[500:1000])
    assert gru.bias_ih_l0[500:].abs().max() < 0.1
    zero = torch.zeros(1, 1, 3)
    for layer, span in ((gru, (-gru.bias_ih_l0[:500]).exp()), (lstm, lstm.bias_ih_l0[500:1000].exp())):
        _, _, gates = layer(zero, return_gates=True)
        kept = gates["f"] if "f" in gates else 1 - gates["z"]
        assert_close(kept.flatten(), span / (1 + span))


@each_layer
@pytest.mark.parametrize("kind", ["autocast", "module"])
def test_bfloat16_keeps_what_32_bits_would(layer_type, kind):
    """Shares near 1 are not rounded to 8 bits: the state after a thousand steps is as near as the input's rounding."""
    torch.manual_seed(0)
    truth = layer_type(8, 16, chrono_init=500)
    x = torch.randn(1000, 2, 8)
    expected, _ = truth(x)
    layer = copy.deepcopy(truth)
    if kind == "module":
        layer, x = layer.bfloat16(), x.bfloat16()
    with torch.autocast("cpu", torch.bfloat16, enabled=kind == "autocast"):
        found, last = layer(x)
    assert found.dtype == last.dtype == x.dtype
    off = (found.float() - expected).square().mean().sqrt() / expected.square().mean().sqrt()
    assert 0 < off < 0.02


@each_layer
def test_copies_compute_the_same(layer_type):
    layer = layer_type(3, 5, bidirectional=True, dropout=0.5, num_layers=2).eval()
    x = torch.randn(4, 2, 3)
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(copied(x)[0], layer(x)[0])
        assert repr(copied) == repr(layer)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@each_layer
def test_compiled_layer_equals_itself(layer_type):
    torch.compiler.reset()
    layer = layer_type(3, 4, batch_first=True)
    x, lengths = torch.randn(2, 5, 3, requires_grad=True), torch.tensor([5, 0])
    outputs = [f(x, lengths=lengths)[0] for f in (layer, torch.compile(layer, backend="aot_eager"))]
    assert_close(*outputs)
    assert_close(*(torch.autograd.grad(y.square().sum(), x)[0] for y in outputs))
