from __future__ import annotations

import weakref

import pytest
import torch

from recurra.cells.base import Weights
from recurra.cells.gru import GRUCell
from recurra.cells.lstm import LSTMCell
from recurra.cells.rnn import RNNCell
from recurra.ops import fused
from recurra.ops.time_loop import run_reference
from tests.tolerances import assert_close

CELLS = {"RNN": RNNCell(), "relu": RNNCell("relu"), "LSTM": LSTMCell(), "GRU": GRUCell()}
STEPS, BATCH, INPUTS, UNITS = 6, 4, 3, 5
LENGTHS = torch.tensor([6, 0, 1, 4])


def make_layer(name: str, dtype: torch.dtype, *, directions: int = 2, units: int = UNITS, scale: float = 1.0):
    torch.manual_seed(0)
    cell = CELLS[name]
    rows = len(cell.gates) * units

    def draw(*shape: int) -> torch.Tensor:
        return (scale * torch.randn(*shape, dtype=dtype)).requires_grad_()

    weights = [
        Weights(draw(rows, INPUTS), draw(rows, units), draw(rows), draw(rows)) for _ in range(directions)
    ]
    state = tuple(draw(directions, BATCH, units) for _ in cell.states)
    return cell, draw(STEPS, BATCH, INPUTS), state, weights


def leaves(x, state, weights):
    return [x, *state, *(t for w in weights for t in w if t is not None)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("units", [1, 3, 16, 17, 64])
def test_cell_state_is_held_exactly_through_padding(units, dtype):
    """Weights and states large enough to strain the saturated gates: what stands in the padding changes no bit."""
    cell, x, state, weights = make_layer("LSTM", dtype, directions=1, units=units, scale=3.0)
    lengths = torch.tensor([3, 3, 3, 3])
    _, c_padded = fused.run_fused(cell, x, state, weights, lengths).state
    _, c_short = fused.run_fused(cell, x[:3], state, weights).state
    assert_close(
        c_padded, c_short
    )  # not to the last bit: products of other shapes may be summed in another order
    # Straight on the kernel, where nothing masks: what comes back from padded steps is exactly nothing.
    ends = []
    for behind in (0.0, 5.0):
        padded = x.detach().clone()
        padded[3:] += behind
        padded.requires_grad_()
        held, w = fused._hold_cell_state(padded, weights[0], lengths)
        flat = [t for t in w if t is not None]
        _, _, c = torch.lstm(held, list(state), flat, True, 1, 0.0, True, False, False)
        (gradient,) = torch.autograd.grad(c.square().sum(), padded)
        assert gradient[:3].any() and not gradient[3:].any()
        ends.append(c)
    assert torch.equal(*ends)


def test_cell_state_is_held_exactly_in_bfloat16_autocast():
    cell, x, state, weights = make_layer("LSTM", torch.float32, directions=1, units=17)
    with torch.autocast("cpu", torch.bfloat16):
        _, c_padded = fused.run_fused(cell, x, state, weights, torch.tensor([3, 3, 3, 3])).state
        _, c_short = fused.run_fused(cell, x[:3], state, weights).state
    assert c_short.dtype == torch.bfloat16
    assert torch.equal(c_padded, c_short)


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("name", CELLS)
def test_packed_path_equals_the_reference(name, directions):
    """The path a GPU takes, here on the CPU's packed kernels."""
    cell, x, state, weights = make_layer(name, torch.float64, directions=directions)
    packed = fused._packed(cell, x, state, weights, LENGTHS)
    output, after, _ = run_reference(cell, x, state, weights, LENGTHS)
    for found, expected in zip(packed, (output, *after), strict=True):
        assert_close(found, expected)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["equal", "unequal"])
@pytest.mark.parametrize("name", CELLS)
def test_double_backward_is_right(name, lengths):
    cell, x, state, weights = make_layer(name, torch.float64, units=2)
    inputs = leaves(x, state, weights)

    def run(*given):
        x, state, flat = given[0], given[1 : 1 + len(state_like)], given[1 + len(state_like) :]
        sets = [Weights(*flat[d * 4 : d * 4 + 4]) for d in range(2)]
        output, after, _ = fused.run_fused(cell, x, state, sets, lengths)
        return output, *after

    state_like = state
    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(run, inputs, fast_mode=True)


def test_recorded_graph_is_freed_by_backward():
    """As torch's own: after backward the activations are gone, even while the loss is still held."""

    class Saved:
        def __init__(self, tensor: torch.Tensor):
            self.tensor = tensor.detach()  # a saved output would hold the node that saved it

    alive: list[weakref.ref] = []

    def pack(tensor: torch.Tensor) -> Saved:
        alive.append(weakref.ref(saved := Saved(tensor)))
        return saved

    cell, x, state, weights = make_layer("LSTM", torch.float32)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda saved: saved.tensor):
        loss = fused.run_fused(cell, x, state, weights, LENGTHS).output.sum()
    assert len(alive) > 20 and all(ref() is not None for ref in alive)
    loss.backward()
    assert not any(ref() is not None for ref in alive)
    with pytest.raises(RuntimeError, match="a second time"):
        loss.backward()


def test_backward_twice_with_retain_graph():
    cell, x, state, weights = make_layer("GRU", torch.float64)
    loss = fused.run_fused(cell, x, state, weights).output.square().sum()
    first = torch.autograd.grad(loss, x, retain_graph=True)[0]
    assert torch.equal(first, torch.autograd.grad(loss, x)[0])


def test_only_the_gradients_asked_for_are_made():
    cell, x, state, weights = make_layer("LSTM", torch.float64)
    frozen = [Weights(*(None if t is None else t.detach() for t in w)) for w in weights]  # pyright: ignore
    output = fused.run_fused(cell, x, state, frozen, LENGTHS).output
    (gradient,) = torch.autograd.grad(output.sum(), x)
    (expected,) = torch.autograd.grad(run_reference(cell, x, state, frozen, LENGTHS).output.sum(), x)
    assert_close(gradient, expected)


@pytest.mark.parametrize("name", CELLS)
def test_forward_mode_equals_the_reference(name):
    cell, x, state, weights = make_layer(name, torch.float64)
    direction = torch.randn_like(x)

    def along(run):
        return torch.func.jvp(lambda x: run(cell, x, state, weights, LENGTHS).output, (x,), (direction,))

    for found, expected in zip(along(fused.run_fused), along(run_reference), strict=True):
        assert_close(found, expected)


def test_second_derivative_under_autocast_sees_the_same_precision():
    cell, x, state, weights = make_layer("LSTM", torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        output = fused.run_fused(cell, x, state, weights, LENGTHS).output
    assert output.dtype == torch.bfloat16
    (first,) = torch.autograd.grad(output.float().sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), weights[0].w_hh)
    assert first.dtype == second.dtype == torch.float32
    assert torch.isfinite(second).all() and second.any()
