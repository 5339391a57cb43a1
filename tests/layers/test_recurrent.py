"""What the contract does not say: drop-in construction, initial values, randomness in training, errors."""

from __future__ import annotations

import copy
import io
import pickle
import warnings

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

import recurra
from recurra.errors import BackendError, InputError
from recurra.layers.parallel import MinGRU, MinLSTM
from recurra.layers.recurrent import GRU, LSTM, RNN
from recurra.ops.native import instruction_sets
from tests.tolerances import assert_all_close, assert_close, assert_near_in_bfloat16

from .contract import as_tuple

FASTEST = "native" if instruction_sets() else "fused"
BACKENDS = ["native", "fused", "reference"] if instruction_sets() else ["fused", "reference"]

LAYERS = [RNN, LSTM, GRU]
each_of_ours = pytest.mark.parametrize("layer_type", [*LAYERS, MinGRU, MinLSTM], ids=lambda c: c.__name__)
each_layer = pytest.mark.parametrize("layer_type", LAYERS, ids=lambda c: c.__name__)


def twin_of(layer_type):
    return getattr(torch.nn, layer_type.__name__)


# -- drop-in -----------------------------------------------------------------------------------------------


@each_layer
def test_same_seed_draws_torchs_weights(layer_type):
    torch.manual_seed(3)
    ours = layer_type(3, 5, 2, bidirectional=True).state_dict()
    torch.manual_seed(3)
    theirs = twin_of(layer_type)(3, 5, 2, bidirectional=True).state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@each_layer
def test_all_weights_are_listed_as_torch_lists_them(layer_type):
    arguments = {"num_layers": 2, "bidirectional": True, "bias": False}
    arguments |= {"proj_size": 2} if layer_type is LSTM else {}
    ours, theirs = layer_type(3, 5, **arguments), twin_of(layer_type)(3, 5, **arguments)
    theirs.load_state_dict(ours.state_dict())
    for found, expected in zip(ours.all_weights, theirs.all_weights, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert ours.all_weights[0][0] is ours.weight_ih_l0


def test_arguments_stand_in_torchs_places():
    assert LSTM(2, 4, 2, False, True, 0.1, True, 3).extra_repr().startswith("2, 4, proj_size=3, num_layers=2")
    assert RNN(2, 4, 2, "relu", False, True, 0.1, True).nonlinearity == "relu"
    assert GRU(2, 4, 2, False, True, 0.1, True).bidirectional
    assert recurra.LSTM is LSTM


@each_layer
def test_same_seed_drops_what_torch_drops_between_layers(layer_type):
    ours, theirs = layer_type(3, 5, 3, dropout=0.5), twin_of(layer_type)(3, 5, 3, dropout=0.5)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(6, 4, 3)
    torch.manual_seed(1)
    expected = theirs(x)[0]
    torch.manual_seed(1)
    found = ours(x)[0]
    assert_close(found, expected)
    assert not torch.allclose(ours.eval()(x)[0], found)


@each_layer
@pytest.mark.parametrize("backend", BACKENDS)
def test_copies_compute_the_same(layer_type, backend):
    layer = layer_type(3, 5, bidirectional=True, backend=backend)
    x = torch.randn(4, 2, 3)
    expected = layer(x)[0]
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(copied(x)[0], expected)
        assert repr(copied) == repr(layer)


@each_layer
def test_weights_may_be_moved_and_replaced(layer_type):
    layer = layer_type(3, 5)
    layer.flatten_parameters()
    layer.to(torch.float64)
    assert layer(torch.randn(4, 2, 3, dtype=torch.float64))[0].dtype == torch.float64
    torch.nn.utils.parametrizations.weight_norm(layer, "weight_hh_l0")
    assert layer(torch.randn(4, 2, 3, dtype=torch.float64))[0].requires_grad


@each_of_ours
def test_device_and_dtype_are_accepted(layer_type):
    layer = layer_type(3, 5, device="meta", dtype=torch.float64, learned_state=True, layer_norm=True)
    assert {(p.device.type, p.dtype) for p in layer.parameters()} == {("meta", torch.float64)}


# -- the promises that torch.func and torch.compile bring in -----------------------------------------------


def loss_of(layer, weights, x, lengths=None):
    output, state = torch.func.functional_call(layer, weights, (x,), {"lengths": lengths})
    return output.square().sum() + sum(s.sin().sum() for s in as_tuple(state))


@each_of_ours
@pytest.mark.parametrize(
    "options", [{}, {"bidirectional": True, "num_layers": 2}, {"layer_norm": True}], ids=str
)
@pytest.mark.parametrize("lengths", [None, torch.tensor([5, 0, 2])], ids=["equal", "unequal"])
def test_torch_func_grad_equals_backward(layer_type, options, lengths):
    layer = layer_type(3, 4, batch_first=True, dtype=torch.float64, **options)
    weights = dict(layer.named_parameters())
    x = torch.randn(3, 5, 3, dtype=torch.float64)
    found = torch.func.grad(lambda w: loss_of(layer, w, x, lengths))(weights)
    gradients = torch.autograd.grad(loss_of(layer, weights, x, lengths), list(weights.values()))
    assert_all_close(found, dict(zip(weights, gradients, strict=True)))


@each_of_ours
@pytest.mark.parametrize("bidirectional", [False, True])
def test_vmap_over_samples_and_gradients_per_sample(layer_type, bidirectional):
    layer = layer_type(3, 4, batch_first=True, bidirectional=bidirectional, dtype=torch.float64)
    weights = dict(layer.named_parameters())
    x = torch.randn(3, 5, 3, dtype=torch.float64)
    assert_close(torch.vmap(lambda row: layer(row)[0])(x), layer(x)[0])
    with torch.no_grad():
        assert_close(torch.vmap(lambda row: layer(row)[0])(x), layer(x)[0])

    per_sample = torch.vmap(torch.func.grad(lambda w, row: loss_of(layer, w, row)), (None, 0))(weights, x)
    for b in range(3):
        alone = torch.autograd.grad(loss_of(layer, weights, x[b]), list(weights.values()))
        assert_all_close({n: g[b] for n, g in per_sample.items()}, dict(zip(weights, alone, strict=True)))


@each_of_ours
def test_vmap_over_an_ensemble_of_weights(layer_type):
    members = [layer_type(3, 4, dtype=torch.float64) for _ in range(3)]
    weights, _ = torch.func.stack_module_state(members)  # pyright: ignore
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    found = torch.vmap(lambda w: torch.func.functional_call(members[0], w, (x,))[0])(weights)
    assert_close(found, torch.stack([member(x)[0] for member in members]))


@each_of_ours
def test_double_backward_through_two_layers(layer_type):
    layer = layer_type(1, 2, 2, dtype=torch.float64)
    lengths = torch.tensor([2, 1])

    def run(x, *weights):
        names = [name for name, _ in layer.named_parameters()]
        given = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(layer, given, (x,), {"lengths": lengths})[0]

    x = torch.randn(2, 2, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(run, (x, *layer.parameters()), fast_mode=True)


@each_of_ours
def test_hessian_of_either_backend_is_the_same(layer_type):
    layer = layer_type(2, 2, dtype=torch.float64)
    x = torch.randn(3, 2, 2, dtype=torch.float64)
    found = []
    for backend in ("auto" if issubclass(layer_type, (MinGRU, MinLSTM)) else "fused", "reference"):
        layer.asked_backend = backend
        found.append(torch.func.hessian(lambda x: layer(x)[0].sin().sum())(x))
    assert_close(*found)


# Dynamo itself looks at .grad of the tensors that cross the gap where torch's kernel stands.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@each_layer
@pytest.mark.parametrize("backend", BACKENDS)
def test_compiled_layer_equals_itself(layer_type, backend):
    torch.compiler.reset()
    layer = layer_type(3, 4, batch_first=True, backend=backend)
    # Torch's kernels stand outside of the graph.
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=backend != "fused")
    lengths = torch.tensor([2, 0])
    x = torch.randn(2, 2, 3, requires_grad=True)
    expected, expected_state = layer(x, lengths=lengths)
    found, state = compiled(x, lengths=lengths)
    assert_close(found, expected)
    for a, b in zip(as_tuple(state), as_tuple(expected_state), strict=True):
        assert_close(a, b)
    assert_close(*(torch.autograd.grad(y.square().sum(), x)[0] for y in (found, expected)))


class WithLengths(torch.nn.Module):
    """Lengths as a place of their own: a trace has no keywords."""

    def __init__(self, layer: torch.nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return self.layer(x, lengths=lengths)[0]


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@each_of_ours
@pytest.mark.parametrize("recording", [True, False])
def test_traced_layer_equals_itself(layer_type, recording):
    layer = layer_type(3, 4, 2, bidirectional=True, batch_first=True)
    with torch.set_grad_enabled(recording):
        traced = torch.jit.trace(layer, torch.randn(2, 9, 3))
        traced_padded = torch.jit.trace(WithLengths(layer), (torch.randn(2, 9, 3), torch.tensor([9, 9])))
    torch.jit.save(traced, io.BytesIO())
    x, lengths = torch.randn(3, 9, 3), torch.tensor([9, 0, 4])
    assert_close(traced(x)[0], layer(x)[0])
    assert_close(traced_padded(x, lengths), layer(x, lengths=lengths)[0])


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.skipif(FASTEST != "native", reason="the native kernels were not built")
@each_of_ours
def test_our_kernels_refuse_a_trace(layer_type):
    layer = layer_type(3, 4, backend="native")
    with pytest.raises(BackendError, match=r"our kernels do not know torch\.jit\.trace"):
        torch.jit.trace(layer, torch.randn(9, 2, 3))


@each_of_ours
def test_exported_layer_equals_itself(layer_type):
    layer = layer_type(3, 4, 2, bidirectional=True).eval()
    program = torch.export.export(layer, (torch.randn(9, 2, 3),))
    x = torch.randn(9, 2, 3)
    assert_close(program.module()(x)[0], layer(x)[0])


# -- precision ---------------------------------------------------------------------------------------------


@each_layer
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("kind", ["autocast", "module"])
def test_bfloat16_is_no_further_from_the_truth_than_torch(layer_type, padded, kind):
    torch.manual_seed(0)
    theirs = twin_of(layer_type)(16, 33, 2, bidirectional=True)
    x, lengths = torch.randn(12, 8, 16), torch.tensor([12, 12, 11, 9, 9, 5, 2, 1] if padded else [12] * 8)
    truth_layer = layer_type(16, 33, 2, bidirectional=True, dtype=torch.float64)
    truth_layer.load_state_dict(theirs.state_dict())
    truth = truth_layer(x.double(), lengths=lengths)[0]
    ours = layer_type(16, 33, 2, bidirectional=True)
    ours.load_state_dict(theirs.state_dict())
    packed = pack_padded_sequence(x, lengths)
    if kind == "module":
        ours, theirs, x, packed = ours.bfloat16(), theirs.bfloat16(), x.bfloat16(), packed.to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16, enabled=kind == "autocast"):
        expected = torch.nn.utils.rnn.pad_packed_sequence(theirs(packed)[0])[0] if padded else theirs(x)[0]
        found = ours(x, lengths=lengths)[0]
    off, their_off = ((y.double() - truth).square().mean().sqrt() for y in (found, expected))
    assert 0 < off <= 1.05 * their_off


@each_layer
@pytest.mark.skipif(FASTEST != "native", reason="the native kernels were not built")
def test_in_bfloat16_pieces_equal_the_whole(layer_type):
    """Output and hidden state are the same numbers; a LSTM's cell state is rounded at each border."""
    torch.manual_seed(0)
    layer, x = layer_type(5, 17, 2), torch.randn(40, 3, 5)
    lengths = torch.tensor([40, 25, 0])
    with torch.autocast("cpu", torch.bfloat16):
        whole, last = layer(x, lengths=lengths)
        state, pieces = None, []
        for piece in x.split(10):
            output, state = layer(piece, state, lengths=lengths.clamp(max=10))
            lengths = (lengths - 10).clamp(min=0)
            pieces.append(output)
    for a, b in zip((torch.cat(pieces), *as_tuple(state)), (whole, *as_tuple(last)), strict=True):
        assert a.dtype == b.dtype == torch.bfloat16
        if layer_type is LSTM:
            assert_near_in_bfloat16(a, b.float())
        else:
            assert torch.equal(a, b)


@each_layer
@pytest.mark.skipif(FASTEST != "native", reason="the native kernels were not built")
def test_few_steps_give_the_number_type_that_many_give(layer_type):
    layer, x = layer_type(3, 4, 2), torch.randn(20, 2, 3)
    with torch.autocast("cpu", torch.bfloat16):
        for steps in (3, 20):
            output, state = layer(x[:steps])
            assert {t.dtype for t in (output, *as_tuple(state))} == {torch.bfloat16}


# -- initial values ----------------------------------------------------------------------------------------


@each_layer
def test_orthogonal_init_makes_each_gate_orthogonal(layer_type):
    layer = layer_type(3, 6, 2, bidirectional=True, recurrent_init="orthogonal")
    for name, p in layer.named_parameters():
        if name.startswith("weight_hh"):
            for block in p.detach().split(6):
                assert_close(block @ block.T, torch.eye(6), name)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_orthogonal_init_in_fewer_bits(dtype):
    block = LSTM(3, 6, recurrent_init="orthogonal", dtype=dtype).weight_hh_l0.detach()[:6].float()
    assert float((block @ block.T - torch.eye(6)).abs().max()) < 0.03


def test_forget_bias_is_the_whole_bias_of_the_forget_gate():
    layer = LSTM(3, 6, 2, forget_bias=1.0)
    for k in range(2):
        whole = (getattr(layer, f"bias_ih_l{k}") + getattr(layer, f"bias_hh_l{k}")).detach()
        assert torch.equal(whole[6:12], torch.ones(6))
        assert whole[:6].abs().max() < 1


@pytest.mark.parametrize("layer_type", [LSTM, GRU])
def test_chrono_init_spreads_time_spans(layer_type):
    layer = layer_type(3, 500, chrono_init=100)
    whole = (layer.bias_ih_l0 + layer.bias_hh_l0).detach()
    spans = whole[500:1000].exp()
    assert 1 <= spans.min() < 5 and 93 < spans.max() <= 99
    assert abs(float(spans.mean()) - 50) < 5
    if layer_type is LSTM:
        assert torch.equal(whole[:500], -whole[500:1000])
    else:
        assert whole[:500].abs().max() < 0.1


def test_drawing_anew_keeps_the_options():
    layer = LSTM(3, 6, forget_bias=2.0, layer_norm=True, learned_state=True)
    with torch.no_grad():
        for p in layer.parameters():
            p.fill_(torch.nan)
    layer.reset_parameters()
    assert torch.equal(layer.bias_ih_l0[6:12], torch.full((6,), 2.0))
    assert torch.equal(layer.norm_c_l0, torch.ones(6)) and not layer.initial_h.any()


# -- randomness in training --------------------------------------------------------------------------------

RANDOM = {"recurrent_dropout": 0.5, "weight_drop": 0.5, "zoneout": 0.5}


@each_layer
@pytest.mark.parametrize("name", RANDOM)
def test_regularised_layer_is_random_in_training_alone_and_follows_the_seed(layer_type, name):
    layer = layer_type(3, 8, **{name: RANDOM[name]})
    x = torch.randn(5, 2, 3)

    def seeded(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return layer(x)[0]

    assert torch.equal(seeded(1), seeded(1))
    assert not torch.equal(seeded(1), seeded(2))
    layer.eval()
    assert torch.equal(seeded(1), seeded(2))


@each_layer
def test_weight_drop_runs_fast_and_reaches_only_what_is_kept(layer_type):
    layer = layer_type(3, 8, weight_drop=0.5)
    assert layer.backend == FASTEST
    before = layer.weight_hh_l0.detach().clone()
    layer(torch.randn(5, 2, 3))[0].sum().backward()
    share = float((layer.weight_hh_l0.grad == 0).float().mean())
    assert 0.3 < share < 0.7
    assert torch.equal(layer.weight_hh_l0, before)


@each_of_ours
def test_learned_state_learns(layer_type):
    layer = layer_type(3, 4, learned_state=True)
    layer(torch.randn(5, 2, 3))[0].sum().backward()
    assert layer.initial_h.grad.any()


# -- which backend -----------------------------------------------------------------------------------------


def test_backend_is_told_and_forced():
    assert (LSTM(2, 3).backend, LSTM(2, 3, peepholes=True).backend) == (FASTEST, "reference")
    assert "peepholes=True" in LSTM(2, 3, peepholes=True).backend_reason
    assert GRU(2, 3, backend="reference").backend_reason == "asked for"
    with pytest.raises(BackendError, match=r"layer_norm=True"):
        RNN(2, 3, layer_norm=True, backend="fused")
    with pytest.raises(BackendError, match="return_gates=True"):
        GRU(2, 3, backend="fused")(torch.randn(4, 1, 2), return_gates=True)
    layer = GRU(2, 3, zoneout=0.5)
    assert "zoneout" in layer.backend_reason
    assert (layer.backend, GRU(2, 3, weight_drop=0.5).backend) == ("reference", FASTEST)


def test_forced_fused_runs_no_reference(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the reference ran")

    for place in ("recurra.ops.fused.run_reference", "recurra.layers.stack.run_reference"):
        monkeypatch.setattr(place, refuse)
    layer = LSTM(2, 3, bidirectional=True, backend="fused")
    layer(torch.randn(4, 2, 2), lengths=[4, 1])[0].sum().backward()
    with pytest.raises(AssertionError, match="the reference ran"):
        LSTM(2, 3, backend="reference")(torch.randn(4, 2, 2))


# -- errors ------------------------------------------------------------------------------------------------


def raised(call) -> Exception:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            call()
        except Exception as error:
            return error
    raise AssertionError("nothing was raised")


@each_layer
@pytest.mark.parametrize(
    "arguments",
    [
        {"hidden_size": 0},
        {"input_size": 0},
        {"input_size": 2.0},
        {"hidden_size": "4"},
        {"num_layers": 0},
        {"bias": 1},
        {"batch_first": None},
        {"dropout": 1.5},
        {"dropout": True},
        {"dropout": 0.5},
        {"proj_size": 9},
        {"proj_size": -1},
        {"nonlinearity": "sigmoid"},
        {"colour": "red"},
    ],
    ids=str,
)
def test_constructor_errors_are_torchs(layer_type, arguments):
    given = {"input_size": 3, "hidden_size": 4, **arguments}
    theirs, ours = raised(lambda: twin_of(layer_type)(**given)), raised(lambda: layer_type(**given))
    assert type(ours) is type(theirs)
    if "argument '" not in str(theirs):  # Python's own words about an unknown keyword name the class
        assert str(ours) == str(theirs)


@each_layer
@pytest.mark.parametrize(
    ("shape", "state_shape"),
    [
        ((5, 2, 4), None),
        ((5, 2, 3, 1), None),
        ((3,), None),
        ((0, 2, 3), None),
        ((5, 2, 3), (1, 9, 4)),
        ((5, 2, 3), (2, 2, 4)),
        ((5, 2, 3), (2, 4)),
        ((5, 3), (1, 1, 4)),
        ((5, 3), (1, 9)),
    ],
    ids=str,
)
def test_call_errors_are_torchs(layer_type, shape, state_shape):
    hx = None
    if state_shape:
        hx = torch.zeros(state_shape)
        hx = (hx, hx) if layer_type is LSTM else hx
    theirs, ours = twin_of(layer_type)(3, 4), layer_type(3, 4)
    expected = raised(lambda: theirs(torch.zeros(shape), hx))
    found = raised(lambda: ours(torch.zeros(shape), hx))
    assert (type(found), str(found)) == (type(expected), str(expected))


@each_layer
def test_wrong_dtype_error_is_torchs(layer_type):
    x = torch.zeros(5, 2, 3, dtype=torch.float64)
    expected, found = (raised(lambda c=c: c(3, 4)(x)) for c in (twin_of(layer_type), layer_type))
    assert (type(found), str(found)) == (type(expected), str(expected))


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ([5, 6], "sequence 1 has length 6, and the input has 5 steps"),
        ([-1, 2], "sequence 0 has length -1"),
        ([5], r"expected shape \(2,\), got \(1,\)"),
        (torch.tensor([5.0, 2.0]), "expected whole numbers, got torch.float32"),
        (torch.tensor([True, True]), "expected whole numbers, got torch.bool"),
    ],
)
def test_lengths_that_cannot_be_are_named(lengths, words):
    with pytest.raises(InputError, match=f"^lengths: .*{words}"):
        GRU(3, 4)(torch.zeros(5, 2, 3), lengths=lengths)


def test_lengths_beside_a_packed_sequence_are_refused():
    packed = pack_padded_sequence(torch.zeros(5, 2, 3), torch.tensor([5, 2]))
    with pytest.raises(ValueError, match="PackedSequence knows its lengths"):
        GRU(3, 4)(packed, lengths=[5, 2])


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64])
def test_lengths_of_any_integer_type(dtype):
    layer, x = GRU(3, 4, batch_first=True), torch.randn(2, 5, 3)
    found, _ = layer(x, lengths=torch.tensor([5, 2], dtype=dtype))
    assert torch.equal(found, layer(x, lengths=[5, 2])[0])
    assert found.shape == (2, 5, 4)


@pytest.mark.parametrize(
    ("layer_type", "options", "where"),
    [
        (RNN, {"recurrent_dropout": 1.0}, "recurrent_dropout"),
        (RNN, {"weight_drop": -0.1}, "weight_drop"),
        (GRU, {"zoneout": (0.1, 0.1)}, "zoneout"),
        (GRU, {"reset": "never"}, "reset"),
        (GRU, {"recurrent_init": "zeros"}, "recurrent_init"),
        (LSTM, {"chrono_init": 2}, "chrono_init"),
        (LSTM, {"chrono_init": 20, "bias": False}, "chrono_init"),
        (LSTM, {"forget_bias": 1.0, "bias": False}, "forget_bias"),
        (LSTM, {"forget_bias": 1.0, "chrono_init": 20}, "forget_bias"),
        (LSTM, {"backend": "cudnn"}, "backend"),
    ],
    ids=str,
)
def test_options_that_cannot_be_are_named(layer_type, options, where):
    with pytest.raises(InputError, match=f"^{where}: "):
        layer_type(3, 4, **options)


@pytest.mark.parametrize("layer", [RNN, GRU])
def test_options_of_other_layers_are_refused(layer):
    with pytest.raises(TypeError, match="unexpected keyword argument 'forget_bias'"):
        layer(3, 4, forget_bias=1.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'peepholes'"):
        layer(3, 4, peepholes=True)


def test_a_lstm_wants_two_states():
    with pytest.raises(RuntimeError, match="lstm expects two hidden states"):
        LSTM(3, 4)(torch.randn(2, 1, 3), (torch.zeros(1, 1, 4),) * 3)


def test_an_empty_batch_may_have_an_empty_list_of_lengths():
    assert GRU(3, 4)(torch.randn(2, 0, 3), lengths=[])[0].shape == (2, 0, 4)


def test_the_length_of_one_sequence_may_be_one_number():
    layer, x = GRU(3, 4), torch.randn(5, 3)
    for length in (2, torch.tensor(2)):
        assert torch.equal(layer(x, lengths=length)[0], layer(x, lengths=[2])[0])


@pytest.mark.parametrize("backend", ["fused", "reference"])
@pytest.mark.parametrize("layer", [RNN, LSTM, GRU])
def test_vmap_knows_lengths(layer, backend):
    network = layer(3, 4, num_layers=2, bidirectional=True, batch_first=True, backend=backend)
    x, lengths = torch.randn(5, 2, 6, 3), torch.tensor([[6, 2], [1, 3], [0, 6], [6, 6], [4, 5]])
    together = torch.vmap(lambda rows, n: network(rows, lengths=n)[0])(x, lengths)
    for k in range(5):
        assert_close(together[k], network(x[k], lengths=lengths[k])[0])


@pytest.mark.parametrize("layer", [RNN, LSTM, GRU])
def test_forward_mode_by_dual_numbers(layer):
    network = layer(3, 4, dtype=torch.float64)
    x, direction = torch.randn(5, 2, 3, dtype=torch.float64), torch.randn(5, 2, 3, dtype=torch.float64)
    with torch.autograd.forward_ad.dual_level():
        output = network(torch.autograd.forward_ad.make_dual(x, direction))[0]
        tangent = torch.autograd.forward_ad.unpack_dual(output).tangent
    step = 1e-6
    numeric = (network(x + step * direction)[0] - network(x - step * direction)[0]) / (2 * step)
    assert torch.allclose(tangent, numeric, atol=1e-8)


@pytest.mark.parametrize("layer", [RNN, LSTM, GRU])
def test_a_layer_without_memory_knows_its_shapes(layer):
    output, _ = layer(3, 4, device="meta")(torch.randn(5, 2, 3, device="meta"))
    assert output.shape == (5, 2, 4) and output.requires_grad


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("layer", "options"), [(RNN, {}), (GRU, {}), (LSTM, {"proj_size": 2})])
def test_zoneout_in_bfloat16(layer, options, training):
    network = layer(3, 4, zoneout=0.2, **options).train(training)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.isfinite(network(torch.randn(5, 2, 3))[0]).all()
